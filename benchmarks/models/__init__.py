"""CP-SAT models of the example files, written by hand, by family and name.

A model takes the parameters of the file and bounds what CP-SAT needs bounded.
"""

from benchmarks.models import choices, fused_rnn, kernels, numbers, puzzles, schedules
from benchmarks.peer import Model

FAMILIES: dict[str, dict[str, Model]] = {
    "puzzles": puzzles.MODELS,
    "numbers": numbers.MODELS,
    "choices": choices.MODELS,
    "schedules": schedules.MODELS,
    "kernels": kernels.MODELS | fused_rnn.MODELS,
}
