"""MiniZinc's own tests, run with constrint as the solver.

They are not part of this repository. MINIZINC_SPEC names a folder tests/spec of a checkout of
https://github.com/MiniZinc/libminizinc (or of Debian's source package); without it everything is skipped.
A test is a YAML document in the comment that begins a model: expected results, one of which must match.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from constrint.flatzinc.installing import install

SPEC = os.environ.get("MINIZINC_SPEC")
MINIZINC = shutil.which("minizinc")
pytestmark = pytest.mark.skipif(
    SPEC is None or MINIZINC is None, reason="MINIZINC_SPEC names no tests of MiniZinc, or it is not there"
)

SKIPPED = {
    "unit/general/test_set_lt_1.mzn": "an order of set variables, which booleans cannot search in a minute",
    "unit/param_file/param_file_nested_object.mzn": "flags of Gecode's own",
    "unit/output/output_sections_3.mzn": "sections of output, which only MiniZinc's driver knows",
    "unit/regression/bug222.mzn": "a mixed-integer model of unbounded variables: a minute is short",
    "unit/regression/bug259.mzn": "the text of one of several optimal solutions",
    "unit/regression/bug318_orig.mzn": "minimises a variable without bounds, which is refused by name",
}
"""Beside what `reason_to_skip` finds by itself."""


@dataclass
class Tagged:
    """A YAML value with a tag of the tests."""

    tag: str
    value: Any


class Loader(yaml.SafeLoader):
    """Reads the tags of MiniZinc's tests."""


def _tagged(loader: Loader, suffix: str, node: yaml.Node) -> Tagged:
    if isinstance(node, yaml.MappingNode):
        return Tagged(suffix, loader.construct_mapping(node, deep=True))
    if isinstance(node, yaml.SequenceNode):
        return Tagged(suffix, loader.construct_sequence(node, deep=True))
    assert isinstance(node, yaml.ScalarNode)
    return Tagged(suffix, loader.construct_scalar(node))


Loader.add_multi_constructor("!", _tagged)


def cases() -> Iterator[Any]:
    """(model, test) for every test in the folder."""
    root = Path(SPEC or "/nonexistent")
    for path in sorted(root.rglob("*.mzn")):
        text = path.read_text(encoding="utf-8", errors="replace")
        comment = re.match(r"\s*/\*\*\*(.*?)\*\*\*/", text, re.DOTALL)
        if comment is None:
            continue
        for number, document in enumerate(yaml.load_all(comment[1], Loader)):
            if isinstance(document, Tagged) and document.tag == "Test":
                name = f"{path.relative_to(root).as_posix()}{f'-{number}' if number else ''}"
                yield pytest.param(path, document.value, name, id=name)


def reason_to_skip(path: Path, test: dict[str, Any], name: str) -> str | None:
    """Why a test does not concern a solver of integer problems."""
    if name in SKIPPED:
        return SKIPPED[name]
    if test.get("type", "solve") != "solve":
        return "tests the compiler's output"
    if any(isinstance(each, Tagged) and each.tag == "Error" for each in expected(test)):
        return "expects an error of the compiler"
    if not {"gecode", "chuffed", "cbc"} & set(test.get("solvers", ["gecode"])):
        return "for other solvers only"
    unknown = set(test.get("options", {})) - {"all_solutions", "free_search", "intermediate_solutions", "-a"}
    if any(not option.startswith("-") for option in unknown):
        return f"options of MiniZinc's own driver: {', '.join(sorted(unknown))}"
    text = path.read_text(encoding="utf-8", errors="replace").partition("***/")[2]
    if re.search(r"\bvar\s+(opt\s+)?(float|-?\d+\.\d)|\bfloat_search\b", re.sub(r"%.*", "", text)):
        return "float variables"
    return None


def expected(test: dict[str, Any]) -> list[Any]:
    found = test.get("expected", [])
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize(("path", "test", "name"), list(cases()))
def test_conformance(path: Path, test: dict[str, Any], name: str, tmp_path: Path) -> None:
    reason = reason_to_skip(path, test, name)
    if reason is not None:
        pytest.skip(reason)
    results = expected(test)
    status, solutions = solve(path, test, tmp_path, "_output_item" in repr(results))
    if not any(matches(result, status, solutions) for result in results):
        # The lists hold what some solvers find first: another solution is right if Gecode accepts it.
        assert solutions, (status, results)
        objectives = [objective_of(result) for result in results]
        assert None in objectives or solutions[-1].get("_objective") in objectives, (
            status,
            solutions,
            results,
        )
        assert is_confirmed(path, test, solutions[-1], tmp_path), (status, solutions, results)


def objective_of(result: Any) -> Any:
    """The objective that a result expects, None where there is none."""
    solution = result.value.get("solution")
    first = solution.value[0] if isinstance(solution, Tagged) and solution.tag == "SolutionSet" else solution
    return first.value.get("objective") if isinstance(first, Tagged) else None


def is_confirmed(path: Path, test: dict[str, Any], found: dict[str, Any], folder: Path) -> bool:
    """Whether Gecode finds a solution with just these values of the model's variables."""
    lines = []
    for name, value in found.items():
        if isinstance(value, list):
            lines.append(f"constraint array1d({name}) = [{', '.join(map(literal, flat(value)))}];")
        elif name[0] != "_":
            lines.append(f"constraint {name} = {literal(value)};")
    values = folder / "values.mzn"
    values.write_text("\n".join(lines))
    extra = [str(path.parent / each) for each in test.get("extra_files", [])]
    # MiniZinc's own library: Debian's for Gecode does not go with this version's globals.mzn.
    command = [MINIZINC or "", "--solver", "gecode", "-G", "std", str(path), *extra, str(values)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=path.parent)
    return result.returncode == 0 and "----------" in result.stdout


def flat(value: Any) -> list[Any]:
    return [item for each in value for item in flat(each)] if isinstance(value, list) else [value]


def literal(value: Any) -> str:
    """A value of MiniZinc's JSON in its own language."""
    if value is None:
        return "<>"
    if isinstance(value, dict) and "set" in value:
        parts = [
            f"{each[0]}..{each[1]}" if isinstance(each, list) else f"{{{literal(each)}}}"
            for each in value["set"]
        ]
        return f"({' union '.join(parts)})" if parts else "{}"
    if isinstance(value, dict):
        return str(value["e"])
    return json.dumps(value)


def solve(path: Path, test: dict[str, Any], folder: Path, as_text: bool) -> tuple[str, list[dict[str, Any]]]:
    """The status, and the solutions found, the last one last."""
    install(folder)
    options = test.get("options", {})
    flags = [] if as_text else ["--output-mode", "json", "--output-objective"]
    for option, value in options.items():
        if option in ("all_solutions", "-a", "intermediate_solutions"):
            flags += ["-a"] if value else []
        elif option == "free_search":
            flags += ["-f"] if value else []
        elif value is True:
            flags.append(option)
        elif value is not False:
            flags += [option, str(value)]
    files = [str(path), *[str(path.parent / extra) for extra in test.get("extra_files", [])]]
    command = [MINIZINC or "", "--solver", "constrint", "--time-limit", "300000", *flags, *files]
    environment = {**os.environ, "MZN_SOLVER_PATH": str(folder)}
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=360, env=environment, cwd=path.parent
    )
    if "constrint solves integer problems only" in result.stderr:
        pytest.skip("float variables")
    assert result.returncode == 0, result.stdout[-500:] + result.stderr[-1500:]
    *parts, rest = re.split(r"^----------\n", result.stdout, flags=re.MULTILINE)
    method = re.search(r"\bsolve\b[^;]*?\b(satisfy|minimize|maximize)\b", path.read_text(errors="replace"))
    if "=====UNSATISFIABLE=====" in rest:
        status = "UNSATISFIABLE"
    elif "==========" in rest:
        status = "ALL_SOLUTIONS" if method is None or method[1] == "satisfy" else "OPTIMAL_SOLUTION"
    else:
        status = "SATISFIED" if parts else "UNKNOWN"
    if as_text:
        return status, [{"_output_item": part} for part in parts]
    # What a trace says comes before the solution, what a checker says after it.
    return status, [json.JSONDecoder().raw_decode(part[part.index("{") :])[0] for part in parts]


def matches(result: Any, status: str, solutions: list[dict[str, Any]]) -> bool:
    if not isinstance(result, Tagged):
        return False
    wanted = result.value if isinstance(result.value, dict) else {}
    if wanted.get("status", status) != status:
        return False
    solution = wanted.get("solution")
    if solution is None:
        return True
    if not solutions:
        return False
    if isinstance(solution, list):
        # In any order.
        return len(solution) == len(solutions) and all(
            any(is_satisfied(each, found) for each in solution) for found in solutions
        )
    if solution.tag == "SolutionSet":
        found = solutions if status == "ALL_SOLUTIONS" else solutions[-1:]
        return all(any(is_satisfied(each, one) for each in solution.value) for one in found)
    return is_satisfied(solution, solutions[-1])


def is_satisfied(wanted: Tagged, found: dict[str, Any]) -> bool:
    """Whether each item that is wanted is there; others may be."""
    items = wanted.value if isinstance(wanted.value, dict) else {}
    for key, value in items.items():
        if key == "_output_item":
            text = value.value if isinstance(value, Tagged) else str(value)
            if found[key].strip() != text.strip():
                return False
            continue
        if key == "_checker":
            continue
        actual = found.get(key, found.get("_objective") if key == "objective" else None)
        if not equal(value, actual):
            return False
    return True


def equal(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, Tagged):
        if wanted.tag == "Range":
            bounds = wanted.value if isinstance(wanted.value, list) else re.findall(r"-?\d+", wanted.value)
            first, last = int(bounds[0]), int(bounds[-1])
            return members(actual) == set(range(first, last + 1))
        if wanted.tag == "set":
            return members(actual) == set(wanted.value)
        if wanted.tag == "Approx":
            return isinstance(actual, (int, float)) and abs(float(wanted.value) - actual) < 1e-6
        if wanted.tag == "Unordered":
            return sorted(map(repr, actual)) == sorted(map(repr, wanted.value))
        return False
    if isinstance(wanted, set):
        return members(actual) == wanted
    if isinstance(wanted, list):
        return isinstance(actual, list) and len(wanted) == len(actual) and all(map(equal, wanted, actual))
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(
            equal(value, actual.get(key)) for key, value in wanted.items()
        )
    if isinstance(actual, dict) and "e" in actual:
        return bool(wanted == actual["e"])
    return bool(wanted == actual)


def members(actual: Any) -> set[Any] | None:
    """The members of a set as MiniZinc writes it in JSON: values and [first, last] ranges."""
    if not isinstance(actual, dict) or "set" not in actual:
        return None
    found: set[Any] = set()
    for each in actual["set"]:
        if isinstance(each, list):
            found.update(range(each[0], each[1] + 1))
        else:
            found.add(each["e"] if isinstance(each, dict) else each)
    return found
