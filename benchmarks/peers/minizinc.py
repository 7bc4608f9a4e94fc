"""MiniZinc with Gecode: the model that `constrint convert` writes, with the variables' reduced bounds.

The processor time is that of MiniZinc's own start, its compiler and the search together.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import constrint as ci
from benchmarks.peers.common import Answer, Domains, Refused
from constrint.conversion.minizinc import write
from constrint.errors import ProblemError


def solve(problem: ci.Problem, reduced: Domains) -> Answer:
    """The best solution, or that there is none.

    Raises Refused for several goals, and for what MiniZinc or Gecode does not take.
    """
    problem.push()
    for name, domain in reduced.items():
        x = problem[name]
        for bound in (domain.min, domain.max):
            if bound is not None:
                problem.add(x >= bound if bound is domain.min else x <= bound)
    try:
        model = write(problem)
    except ProblemError as error:
        raise Refused(error.message) from None
    finally:
        problem.pop()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.mzn"
        path.write_text(model, encoding="utf-8")
        command = ["minizinc", "--solver", "gecode", "--output-mode", "json", str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
    if "=====UNSATISFIABLE=====" in done.stdout:
        return Answer(False)
    # Of an optimisation every better solution is printed; only the line of ='s says that the last is best.
    found = done.stdout.split("----------")
    proved = "==========" in done.stdout or ("minimize" not in model and "maximize" not in model)
    if done.returncode or len(found) < 2 or not proved:
        text = " ".join((done.stderr or done.stdout).split())
        # Warnings come first.
        raise Refused(text[max(0, text.find("Error:")) :][:200] or "no answer")
    given = json.loads(found[-2])
    values: dict[str, int] = {}
    for name in problem.variables:
        if name in given:
            values[name] = int(given[name])
    for name, shape in problem.arrays.items():
        for indices in product(*map(range, shape)):
            item: Any = given[name]
            for index in indices:
                item = item[index]
            values[name + "".join(f"[{k}]" for k in indices)] = int(item)
    return Answer(True, values)
