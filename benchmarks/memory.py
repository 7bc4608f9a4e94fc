"""Peak memory of a solve, measured in a process of its own.

python -m benchmarks.memory constrint NAME
python -m benchmarks.memory cp-sat FAMILY NAME WAY
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path


def peak(*arguments: str) -> float:
    """The peak resident memory, in MB, of this module run with these arguments."""
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1e6


def main(solver: str, *arguments: str) -> None:
    """Solves in this process and prints its peak resident memory in bytes."""
    # Each branch imports its own solver only: what the other one needs must not be counted.
    if solver == "constrint":
        import constrint

        [name] = arguments
        constrint.load(Path(__file__).parents[1] / "examples" / f"{name}.yaml").solve()
    else:
        from benchmarks.contest import LIMIT, parameters
        from benchmarks.models import FAMILIES
        from benchmarks.peer import ways

        family, name, way_name = arguments
        model = FAMILIES[family][name](parameters(name))
        way = next(way for way in ways(len(model.goals)) if way.name == way_name)
        way(model, LIMIT)
    print(_peak_of_this_process())


def _peak_of_this_process() -> int:
    # On Linux, getrusage gives a process started by vfork no less than the peak of its parent.
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        if found:
            return int(found[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main(*sys.argv[1:])
