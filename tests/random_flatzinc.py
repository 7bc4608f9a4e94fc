"""Random FlatZinc models of integers, booleans and arrays, small enough to be solved completely.

`python -m tests.random_flatzinc 5000 [--seed 0]` compares as many with Gecode's fzn-gecode: all solutions of
a satisfaction problem, the status and the optimum otherwise. Where they differ, all assignments are tried.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from constrint.flatzinc.building import build
from constrint.flatzinc.syntax import parse
from tests.flatzinc_models import output, solutions

GECODE = shutil.which("fzn-gecode")

_REIFIED = [
    "int_eq",
    "int_ne",
    "int_le",
    "int_lt",
    "int_lin_eq",
    "int_lin_ne",
    "int_lin_le",
    "set_in",
    "bool_eq",
]
_REIFIED += ["bool_le", "bool_lt", "bool_clause"]


class _Writer:
    """Writes one model; every name it uses is declared."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._integers = [f"x{k}" for k in range(random.randint(1, 4))]
        self._booleans = [f"b{k}" for k in range(random.randint(1, 3))]

    def model(self) -> str:
        random = self._random
        lines = []
        for name in self._integers:
            low = random.randint(-5, 3)
            domain = f"{low}..{low + random.randint(0, 7)}"
            if random.random() < 0.2:
                domain = "{" + ",".join(map(str, sorted(random.sample(range(-6, 9), 4)))) + "}"
            lines.append(f"var {domain}: {name} :: output_var;")
        lines += [f"var bool: {name} :: output_var;" for name in self._booleans]
        items = [self._integer() for _ in range(3)]
        lines.append(f"array [1..3] of var int: a :: output_array([1..3]) = [{','.join(items)}];")
        lines += [f"constraint {self._constraint()};" for _ in range(random.choice([1, 1, 2, 2, 3, 4]))]
        lines.append(f"solve {self._search()}{self._goal()};")
        return "\n".join(lines) + "\n"

    def _integer(self) -> str:
        if self._random.random() < 0.2:
            return str(self._random.randint(-4, 6))
        return self._random.choice(self._integers)

    def _boolean(self) -> str:
        if self._random.random() < 0.1:
            return self._random.choice(["true", "false"])
        return self._random.choice(self._booleans)

    def _list(self, item: Callable[[], str], count: int) -> str:
        return "[" + ",".join(item() for _ in range(count)) + "]"

    def _constant(self) -> str:
        return str(self._random.randint(-4, 5))

    def _constraint(self) -> str:
        random = self._random
        if random.random() < 0.35:
            name = random.choice(_REIFIED)
            return f"{name}_reif({self._arguments(name)},{self._boolean()})"
        name = random.choice(_PLAIN)
        return f"{name}({self._arguments(name)})"

    def _arguments(self, name: str) -> str:
        random, integer, boolean = self._random, self._integer, self._boolean
        count = random.randint(1, 4)
        if name.startswith("int_lin"):
            return f"{self._list(self._constant, count)},{self._list(integer, count)},{random.randint(-9, 9)}"
        if name.startswith("bool_lin"):
            bound = integer() if name == "bool_lin_eq" else self._constant()
            return f"{self._list(self._constant, count)},{self._list(boolean, count)},{bound}"
        if name == "set_in":
            low = random.randint(-5, 4)
            members = sorted(random.sample(range(-5, 8), 3))
            chosen = [f"{low}..{low + random.randint(0, 5)}", "{" + ",".join(map(str, members)) + "}"]
            return f"{integer()},{random.choice(chosen)}"
        if name in ("bool_clause",):
            return f"{self._list(boolean, random.randint(0, 2))},{self._list(boolean, count)}"
        forms = {
            "array_bool_and": lambda: f"{self._list(boolean, count)},{boolean()}",
            "array_bool_or": lambda: f"{self._list(boolean, count)},{boolean()}",
            "array_bool_xor": lambda: self._list(boolean, count),
            "array_int_element": lambda: f"{integer()},{self._list(self._constant, count)},{integer()}",
            "array_var_int_element": lambda: f"{integer()},{self._list(integer, count)},{integer()}",
            "array_bool_element": lambda: (
                f"{integer()},{self._list(lambda: random.choice(['true', 'false']), count)},{boolean()}"
            ),
            "array_var_bool_element": lambda: f"{integer()},{self._list(boolean, count)},{boolean()}",
            "array_int_maximum": lambda: f"{integer()},{self._list(integer, count)}",
            "array_int_minimum": lambda: f"{integer()},{self._list(integer, count)}",
            "bool2int": lambda: f"{boolean()},{integer()}",
        }
        if name in forms:
            return forms[name]()
        arity = 3 if name in _TERNARY else 2
        item = boolean if name.startswith("bool") else integer
        return ",".join(item() for _ in range(arity))

    def _search(self) -> str:
        random = self._random
        if random.random() < 0.5:
            return ""
        variables = random.choice(["input_order", "first_fail", "smallest", "largest"])
        values = random.choice(["indomain_min", "indomain_max", "indomain_median", "indomain_split"])
        return f":: int_search([{','.join(self._integers)}],{variables},{values},complete) "

    def _goal(self) -> str:
        random = self._random
        if random.random() < 0.6:
            return "satisfy"
        return f"{random.choice(['minimize', 'maximize'])} {random.choice(self._integers)}"


_TERNARY = {
    "int_plus",
    "int_times",
    "int_div",
    "int_mod",
    "int_max",
    "int_min",
    "bool_and",
    "bool_or",
    "bool_xor",
}
_PLAIN = [
    *sorted(_TERNARY),
    *_REIFIED,
    "int_abs",
    "bool_not",
    "bool_lin_eq",
    "bool_lin_le",
    "bool2int",
    "array_bool_and",
    "array_bool_or",
    "array_bool_xor",
    "array_int_element",
    "array_var_int_element",
    "array_bool_element",
    "array_var_bool_element",
    "array_int_maximum",
    "array_int_minimum",
]


def random_model(seed: int) -> str:
    """The model with this number."""
    return _Writer(Random(seed)).model()


def disagreement(text: str, folder: Path) -> str | None:
    """What constrint and Gecode say differently about the model; None where they agree."""
    path = folder / "model.fzn"
    path.write_text(text)
    optimising = " satisfy;" not in text
    command = [GECODE or "", *([] if optimising else ["-a"]), str(path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if result.returncode or "Error" in result.stderr:
        return f"Gecode fails: {result.stderr.strip()}"
    ours, theirs = output(text, limit=1 if optimising else None), result.stdout
    status = ours.rsplit("\n", 2)[-2], theirs.rsplit("\n", 2)[-2]
    if optimising:
        same = _optimum(text, ours) == _optimum(text, theirs)
    else:
        same = sorted(solutions(ours)) == sorted(set(solutions(theirs)))
    return None if same and status[0] == status[1] else f"ours:\n{ours}\ntheirs:\n{theirs}"


def _optimum(text: str, printed: str) -> int | None:
    goal = text.rstrip().rstrip(";").split()[-1]
    found = re.findall(rf"^{goal} = (-?\d+);", printed, re.MULTILINE)
    return int(found[-1]) if found else None


def is_right(text: str) -> bool:
    """Whether constrint's answer is that of the definitions, tried on every assignment.

    Gecode 6.2 is wrong about int_mod where the result is also an argument, as in int_mod(x,x,x).
    """
    model = build(parse(text))
    problem = model.problem
    domains = [
        spec.values or range(spec.low or 0, (spec.high or 0) + 1) for spec in problem.variables.values()
    ]
    assignments = [dict(zip(problem.variables, values, strict=True)) for values in product(*domains)]
    right = [assignment for assignment in assignments if problem.check(assignment)]
    if model.method == "satisfy":
        printed = output(text, limit=None)
        return len(set(solutions(printed))) == len(right) and "=====" in printed
    goal = text.rstrip().rstrip(";").split()[-1]
    best = (max if model.method == "maximize" else min)((each[goal] for each in right), default=None)
    return best == _optimum(text, output(text))


def main() -> int:
    """Compares, prints each disagreement; returns 1 where there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if GECODE is None:
        parser.error("fzn-gecode is not installed")
    theirs = wrong = 0
    with TemporaryDirectory() as folder:
        for seed in range(arguments.seed, arguments.seed + arguments.count):
            text = random_model(seed)
            difference = disagreement(text, Path(folder))
            if difference is None:
                continue
            if is_right(text):
                theirs += 1
            else:
                wrong += 1
                print(f"--- model {seed}\n{text}{difference}\n", flush=True)
    print(f"{arguments.count} models: constrint wrong about {wrong}, Gecode about {theirs}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
