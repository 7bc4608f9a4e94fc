"""Problems as problem files: reading the text gives the same problem, with parameters written out."""

from __future__ import annotations

from itertools import groupby
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

import yaml

from constrint.domains import DomainSpec
from constrint.errors import ProblemError
from constrint.expressions import Expression, Op
from constrint.files.domains import WORDS
from constrint.files.loader import CHOICE, GROUPS
from constrint.files.syntax import CONSTANTS, FUNCTION_NAMES
from constrint.globals.scheduling import Interval
from constrint.intervals import PARTS
from constrint.numbers import long_integers

if TYPE_CHECKING:
    from constrint.problem import Problem

_WORD_OF = {spec: word for word, spec in WORDS.items()}


class _Inline(dict[str, Any]):
    """A mapping that is written in braces, in one line."""


class _Dumper(yaml.SafeDumper):
    """Writes short mappings and lists of numbers in one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def _represent_inline(dumper: _Dumper, data: _Inline) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)


def _represent_list(dumper: _Dumper, data: list[Any]) -> yaml.Node:
    flow = all(isinstance(item, int) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=flow)


_Dumper.add_representer(_Inline, _represent_inline)
_Dumper.add_representer(list, _represent_list)


def to_yaml(problem: Problem) -> str:
    """The text of the problem file.

    Raises ProblemError for a variable whose name is a function in problem files.
    """
    document: dict[str, Any] = {"name": problem.name}
    if problem.description:
        document["description"] = problem.description
    with long_integers():
        document["variables"] = _variables(problem)
        # What an interval states of itself is in its declaration.
        own = {id(each) for interval in problem.intervals.values() for each in interval.constraints}
        if len(problem.constraints) > len(own):
            document["constraints"] = [
                _constraint(str(constraint.expression), constraint.label)
                for constraint in problem.constraints
                if id(constraint.expression) not in own
            ]
        if problem.preferences:
            document["prefer"] = [
                {str(preference.expression): "largest" if preference.largest else "smallest"}
                for preference in problem.preferences
            ]
        document.update(_objectives(problem))
        sections = [
            yaml.dump({key: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**9)
            for key, value in document.items()
        ]
    return "".join(sections)


def _variables(problem: Problem) -> dict[str, Any]:
    """The declarations, each array once."""
    declarations: dict[str, Any] = {}
    for flat, spec in problem.variables.items():
        if "." in flat:
            continue
        name = flat.partition("[")[0]
        if name in declarations:
            continue
        _check(name)
        domain = _domain(spec)
        shape = problem.arrays.get(name)
        if shape is not None:
            size = shape[0] if len(shape) == 1 else list(shape)
            keys = domain if isinstance(domain, _Inline) else {"domain": domain}
            domain = _Inline(array=size, **keys)
        declarations[name] = domain
    for name, interval in problem.intervals.items():
        _check(name)
        declarations[name] = _interval(problem, interval)
    return declarations


def _check(name: str) -> None:
    if name in FUNCTION_NAMES or name in CONSTANTS or iskeyword(name):
        raise ProblemError(f"variable '{name}' cannot be written to a file, where this is a word")


def _interval(problem: Problem, interval: Interval) -> _Inline:
    """The parts that are given, and whether it may be absent."""
    keys: dict[str, Any] = {}
    for part in PARTS:
        expression: Expression = getattr(interval, part)
        if part == interval.derived:
            continue
        if expression.op is Op.VARIABLE and expression.data == f"{interval.name}.{part}":
            keys[part] = _domain(problem.variables[expression.data])
        else:
            keys[part] = expression.data if expression.op is Op.CONSTANT else str(expression)
    if interval.present.op is not Op.CONSTANT:
        keys["optional"] = True
    return _Inline(keys)


def _domain(spec: DomainSpec) -> Any:
    """The shortest of the forms that says all of it."""
    if spec in _WORD_OF:
        return _WORD_OF[spec]
    if spec.low is not None and spec == DomainSpec(low=spec.low, high=spec.high) and spec.high is not None:
        return f"{spec.low}..{spec.high}"
    if spec.choices is not None:
        return _Inline(choices=list(spec.choices))
    if spec.values is not None and spec == DomainSpec(values=spec.values):
        return list(spec.values)
    keys = {
        "min": spec.low,
        "max": spec.high,
        "values": None if spec.values is None else list(spec.values),
        "multiple_of": spec.multiple_of,
        "divides": spec.divides,
        "remainder": None if spec.remainder is None else list(spec.remainder),
        "power_of": spec.power_of,
    }
    return _Inline((key, value) for key, value in keys.items() if value is not None)


def _constraint(text: str, label: str | None) -> Any:
    if label is None:
        return text
    if label in GROUPS or label in CHOICE:
        # As a key this word would begin a form.
        return {"all": [text], "label": label}
    return {label: text}


def _objectives(problem: Problem) -> dict[str, Any]:
    """One key per direction; the items of a list turn the direction where that changes more than once."""
    runs = [
        ("maximize" if maximize else "minimize", [str(goal.expression) for goal in goals])
        for maximize, goals in groupby(problem.objectives, key=lambda goal: goal.maximize)
    ]
    if len(runs) <= 2:
        return {key: texts[0] if len(texts) == 1 else texts for key, texts in runs}
    items: list[Any] = [text if key == runs[0][0] else {key: text} for key, texts in runs for text in texts]
    return {runs[0][0]: items}
