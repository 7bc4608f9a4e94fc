"""The compiled engine and the interpreted one are the same files and do the same, to the last node."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import constrint.engine
from constrint.engine import kind

ROOT = Path(__file__).parents[1]
EXAMPLES = ["fused_rnn_h100", "golomb_ruler", "job_shop", "sudoku", "seven_eleven", "big_factorisation"]
SCRIPT = """\
import sys
import constrint as ci
from constrint.engine import kind
print(kind())
for name in sys.argv[1:]:
    solution = ci.load(f"examples/{name}.yaml").solve()
    work = solution.statistics
    print(name, dict(solution), work.nodes, work.failures, work.propagations)
"""


def is_compiled() -> bool:
    folder = Path(constrint.engine.__file__).parent
    return any((folder / f"store{suffix}").exists() for suffix in EXTENSION_SUFFIXES)


def run(wanted: str) -> tuple[str, str]:
    """The kind of engine that ran, and what it did."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *EXAMPLES],
        cwd=ROOT,
        env={**os.environ, "CONSTRINT_ENGINE": wanted},
        capture_output=True,
        text=True,
        check=True,
    )
    first, _, rest = done.stdout.partition("\n")
    return first, rest


def test_the_source_files_can_be_chosen() -> None:
    assert run("interpreted")[0] == "interpreted"


@pytest.mark.skipif(not is_compiled(), reason="the engine was not compiled on installation")
def test_both_engines_search_the_same_tree() -> None:
    interpreted, compiled = run("interpreted"), run("compiled")
    assert (interpreted[0], compiled[0]) == ("interpreted", "compiled")
    assert interpreted[1] == compiled[1]


def test_the_kind_says_what_runs() -> None:
    from constrint.engine import store

    assert kind() == ("interpreted" if str(store.__file__).endswith(".py") else "compiled")
