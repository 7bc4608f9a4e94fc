"""Problem files: from a YAML document to a Problem."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from collections.abc import Mapping as AnyMapping
from pathlib import Path
from typing import IO, Any

from constrint import functions
from constrint.errors import ExpressionError, Place, ProblemError, SizeLimitError, unknown_name
from constrint.expressions import Array, Expression, Op
from constrint.files.building import Scope, evaluate
from constrint.files.constants import Constants
from constrint.files.documents import (
    List,
    Mapping,
    Node,
    Scalar,
    Source,
    compose,
    describe,
    expected,
    read_stream,
)
from constrint.files.domains import Declaration, is_domain, read_declaration
from constrint.files.includes import Includes, references
from constrint.files.keys import check_keys, check_name
from constrint.files.limits import MAX_VARIABLES, Budget
from constrint.files.syntax import whole
from constrint.files.values import SEQUENCES, Arithmetic, Number, number
from constrint.intervals import ALL_PARTS, PARTS
from constrint.intervals import declare as declare_interval
from constrint.numbers import long_integers
from constrint.problem import Preference, Problem, largest, smallest

SECTIONS = (
    "name", "description", "include", "parameters", "variables", "constraints", "prefer",
    "minimize", "maximize",
)  # fmt: skip

GROUPS = {"any": Op.OR, "all": Op.AND, "none": Op.OR}
CHOICE = ("if", "then", "else")
_INTERVAL_KEYS = (*PARTS, "optional")
WISHES: dict[str, Callable[[Number], Preference]] = {"largest": largest, "smallest": smallest}


def load(
    source: str | Path | IO[Any],
    *,
    set: AnyMapping[str, Any] | None = None,
    include: AnyMapping[str, str | Path] | None = None,
) -> Problem:
    """The problem in a file: a path, or an open file of characters or bytes.

    `set` overrides parameters: integers, lists of them, or expressions as text. `include` adds or
    replaces included files; their paths are relative to the working directory.

    Raises ProblemError (or a kin) with file, line and column for whatever is wrong in the file or its
    includes, and OSError where the file itself cannot be read.
    """
    if isinstance(source, (str, Path)):
        path = Path(source)
        with path.open("rb") as stream:
            document = read_stream(stream, str(source), path)
    elif hasattr(source, "read"):
        document = read_stream(source)
    else:
        raise ProblemError(f"expected a path or an open file, not {type(source).__name__}")
    with long_integers():
        try:
            return _Loader(document, set or {}, include or {}).load()
        except RecursionError:
            raise SizeLimitError("the problem nests too deep", document.place(0)) from None


class _Loader:
    """One file on its way to a Problem; the sections are read in the order in which they depend."""

    def __init__(
        self, document: Source, set: AnyMapping[str, Any], include: AnyMapping[str, str | Path]
    ) -> None:
        self.document = document
        self.overrides = dict(set)
        self.extra_includes = dict(include)
        self.budget = Budget()
        self.scope = Scope()
        self.constants = Constants(self.scope, self.budget)
        self.arithmetic = Arithmetic(self.budget)
        self.taken: dict[str, tuple[str, Place]] = {}

    def load(self) -> Problem:
        root = compose(self.document)
        if not isinstance(root, Mapping):
            raise expected(f"a mapping with the keys {', '.join(SECTIONS)}", root)
        check_keys(root, SECTIONS, "a problem")
        default = self.document.path.stem if self.document.path else "problem"
        self.problem = Problem(self.text(root, "name") or default, self.text(root, "description"))
        self.read_includes(root.get("include"))
        parameters = self.section(root, "parameters")
        variables = self.section(root, "variables")
        if not variables.entries:
            raise ProblemError("a problem needs variables: 'variables:' with at least one name", root.place())
        for key, _ in parameters.items():
            check_name(key, self.taken, "a parameter")
            self.scope.hints[key.text] = f"parameter '{key.text}' is defined further down: move it above this"
        for key, _ in variables.items():
            check_name(key, self.taken, "a variable")
            self.scope.hints[key.text] = f"'{key.text}' is a variable, and only constants can be used here"
        self.read_parameters(parameters)
        self.read_variables(variables)
        constraints = root.get("constraints")
        if constraints is not None:
            self.read_constraints(constraints)
        for key, value in root.items():
            if key.text in ("minimize", "maximize"):
                self.read_objectives(value, maximize=key.text == "maximize")
            elif key.text == "prefer":
                self.read_preferences(value)
        return self.problem

    def text(self, root: Mapping, key: str) -> str:
        """The text under a key; empty where it is missing."""
        node = root.get(key)
        if node is None:
            return ""
        if not isinstance(node, Scalar):
            raise expected(f"text after '{key}:'", node)
        return "" if node.is_nothing else node.text

    def section(self, root: Mapping, key: str) -> Mapping:
        """The mapping under a key; an empty one where it is missing."""
        node = root.get(key)
        if node is None or (isinstance(node, Scalar) and node.is_nothing):
            return Mapping(self.document, 0)
        if not isinstance(node, Mapping):
            raise expected(f"a mapping of names after '{key}:'", node)
        return node

    def located(self, node: Node, function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """`function(…)`, with the place of `node` in an error that has none."""
        try:
            return function(*args, **keywords)
        except ProblemError as error:
            error.place = error.place or node.place()
            raise

    # Constants ---------------------------------------------------------------------------------------

    def read_includes(self, node: Node | None) -> None:
        includes = Includes(self.budget)
        self.scope.namespaces = includes.namespaces
        for name, path in self.extra_includes.items():
            key = Scalar(Source("--include", name), name, 0, len(name))
            check_name(key, self.taken, "an include")
            includes.read(name, str(path), None, None)
        if node is None or (isinstance(node, Scalar) and node.is_nothing):
            return
        for key, reference, place in references(node):
            if key.text not in self.extra_includes:
                check_name(key, self.taken, "an include")
                includes.read(key.text, reference, self.document.path, place)

    def read_parameters(self, parameters: Mapping) -> None:
        for name in self.overrides:
            if name not in parameters.entries:
                message = unknown_name(name, list(parameters.entries), None).message
                message = message.replace("unknown name", "unknown parameter", 1)
                raise ProblemError(
                    message if parameters.entries else f"{message}: the file has no parameters"
                )
        for key, value in parameters.items():
            name = key.text
            if name in self.overrides:
                self.scope.values[name] = self.override(name, self.overrides[name])
            else:
                self.scope.values[name] = self.constants.value(value)
            del self.scope.hints[name]

    def override(self, name: str, value: Any) -> Any:
        """The value that the caller gives to a parameter."""
        if isinstance(value, str):
            source = Source(f"--set {name}", value)
            return self.constants.value(Scalar(source, value, 0, len(value)))
        if isinstance(value, (list, tuple)):
            return [self.override(name, item) for item in value]
        try:
            return operator.index(value)
        except TypeError:
            raise ProblemError(
                f"parameter '{name}' must be set to an integer, a list or an expression, not {value!r}"
            ) from None

    # Variables ---------------------------------------------------------------------------------------

    def read_variables(self, variables: Mapping) -> None:
        declared: dict[str, Any] = {}
        intervals: list[tuple[Scalar, Mapping]] = []
        for key, value in variables.items():
            if isinstance(value, Mapping) and any(part in value.entries for part in _INTERVAL_KEYS):
                intervals.append((key, value))
                continue
            declaration = read_declaration(value, self.constants)
            declared[key.text] = self.located(value, self.declare, key, declaration)
        for name in declared:
            del self.scope.hints[name]
        self.scope.values.update(declared)
        # The parts of intervals may use the other variables.
        for key, mapping in intervals:
            self.read_interval(key, mapping)

    def read_interval(self, key: Scalar, node: Mapping) -> None:
        """A mapping of start, duration, end and optional."""
        check_keys(node, _INTERVAL_KEYS, "an interval")
        given: dict[str, Any] = {}
        for part, value in node.items():
            if part.text == "optional":
                continue
            if is_domain(value):
                given[part.text] = read_declaration(value, self.constants).spec
            elif isinstance(value, Scalar):
                given[part.text] = self.located(value, number, self.expression(value))
        optional = node.get("optional")
        interval = self.located(
            node,
            declare_interval,
            self.problem,
            key.text,
            given,
            optional=optional is not None and bool(self.constants.integer(optional)),
        )
        place = key.place()
        parts = {part: getattr(interval, part) for part in ALL_PARTS}
        self.problem.places.update((f"{key.text}.{part}", place) for part in parts)
        del self.scope.hints[key.text]
        self.scope.values[key.text] = interval
        self.scope.namespaces[key.text] = parts

    def declare(self, key: Scalar, declaration: Declaration) -> Expression | Array:
        """The variable or array in the problem."""
        name, spec, shape = key.text, declaration.spec, declaration.shape
        size = math.prod(shape or (1,))
        if size + len(self.problem.variables) > MAX_VARIABLES:
            raise SizeLimitError(f"more than {MAX_VARIABLES:,} variables")
        self.budget.charge(size)
        statements = dict(vars(spec))
        choices = statements.pop("choices")
        if choices is not None:
            statements = {}
            self.scope.texts.update(choices)
        result: Expression | Array
        if shape is None:
            if choices is None:
                result = self.problem.integer(name, **statements)
            else:
                result = self.problem.choice(name, choices)
            self.problem.places[name] = key.place()
            return result
        result = self.problem.array(name, shape, **statements, choices=choices)
        place = key.place()
        self.problem.places.update((str(element.data), place) for element in result.flat)
        return result

    # Constraints -------------------------------------------------------------------------------------

    def read_constraints(self, node: Node) -> None:
        if isinstance(node, Scalar) and node.is_nothing:
            return
        if not isinstance(node, List):
            raise expected("a list of constraints, each after '- '", node)
        for item in node.items:
            self.read_constraint(item)

    def read_constraint(self, node: Node) -> None:
        """An expression, a labelled one, or one of the forms any, all, none and if."""
        if isinstance(node, Scalar):
            return self.add(node, None)
        if isinstance(node, List):
            raise ProblemError(
                "expected a constraint, found a list; write {all: […]} or {any: […]}", node.place()
            )
        if _form(node) is not None:
            label = node.get("label")
            if label is not None and not isinstance(label, Scalar):
                raise expected("text as the label", label)
            return self.add(node, label.text if isinstance(label, Scalar) else None)
        if len(node.entries) != 1:
            raise _no_constraint(node)
        [(key, value)] = node.items()
        if not isinstance(value, List):
            return self.add(value, key.text)
        meant = unknown_name(key.text, GROUPS, None).message.partition("did you mean ")[2]
        if meant:
            raise ProblemError(
                f"unknown key '{key.text}' … did you mean {meant} For a label write "
                f"'{key.text}: {{all: […]}}'",
                key.place(),
            )
        for item in value.items:
            self.add(item, key.text)
        return None

    def add(self, node: Node, label: str | None) -> None:
        expression = self.condition(node)
        place = node.place()
        self.located(node, self.problem.add, expression, label=label, place=place)

    def condition(self, node: Node) -> Number:
        """What a constraint says, at any depth; a list is the conjunction of its items."""
        self.located(node, self.budget.charge, 1)
        if isinstance(node, List):
            return self.arithmetic.connect(Op.AND, [self.condition(item) for item in node.items])
        if isinstance(node, Scalar):
            value = self.expression(node)
            if isinstance(value, SEQUENCES):
                raise ExpressionError("a list is no constraint: write all(…) or any(…)", node.place())
            return number(value)
        form = _form(node)
        if form is None:
            raise _no_constraint(node)
        if form == "if":
            check_keys(node, (*CHOICE, "label"), "an 'if'")
            return self.choice(node)
        check_keys(node, (form, "label"), f"'{form}'")
        parts = list(self.parts(node.entries[form][1]))
        found = self.arithmetic.connect(GROUPS[form], parts)
        return self.arithmetic.negation(found) if form == "none" else found

    def parts(self, node: Node) -> Iterator[Number]:
        """The conditions of a group: those of a list, or of an expression whose value is a list."""
        if isinstance(node, List):
            for item in node.items:
                yield self.condition(item)
        elif isinstance(node, Scalar):
            yield from self.located(node, self.arithmetic.flat, self.expression(node))
        else:
            yield self.condition(node)

    def choice(self, node: Mapping) -> Number:
        """if, then and perhaps else."""
        missing = [key for key in CHOICE[:2] if key not in node.entries]
        if missing:
            present = next(iter(node.entries))
            raise ProblemError(f"'{missing[0]}:' is missing beside '{present}:'", node.place())
        condition, then = (self.condition(node.entries[key][1]) for key in CHOICE[:2])
        other = node.get("else")
        otherwise: Number = 1 if other is None else self.condition(other)
        if isinstance(condition, int):
            return then if condition else otherwise
        parts = [functions.implies(condition, then)]
        if other is not None:
            parts.append(functions.implies(self.arithmetic.negation(condition), otherwise))
        return self.arithmetic.connect(Op.AND, parts)

    def expression(self, node: Scalar) -> Any:
        """The value of an expression that may use variables."""
        if node.is_nothing:
            raise expected("an expression", node)
        return evaluate(whole(node), self.scope, self.budget)

    # Goals -------------------------------------------------------------------------------------------

    def read_objectives(self, node: Node, *, maximize: bool) -> None:
        """One objective, or a list of them; an item may turn its direction, as `maximize: x`."""
        if isinstance(node, List):
            for item in node.items:
                self.read_objective(item, maximize=maximize)
        else:
            self.read_objective(node, maximize=maximize)

    def read_objective(self, node: Node, *, maximize: bool) -> None:
        if isinstance(node, Mapping) and len(node.entries) == 1:
            check_keys(node, ("minimize", "maximize"), "an objective")
            [(key, node)] = node.items()
            maximize = key.text == "maximize"
        if not isinstance(node, Scalar):
            raise expected("an expression", node)
        value = self.located(node, number, self.expression(node))
        (self.problem.maximize if maximize else self.problem.minimize)(value)

    def read_preferences(self, node: Node) -> None:
        if isinstance(node, Scalar) and node.is_nothing:
            return
        items = node.items if isinstance(node, List) else [node]
        for item in items:
            if not isinstance(item, Mapping):
                raise expected("a preference such as 'x: largest' or 'x: smallest'", item)
            for key, wish in item.items():
                direction = self.direction(wish)
                for value in self.located(key, self.arithmetic.flat, self.expression(key)):
                    self.problem.prefer(direction(value))

    def direction(self, node: Node) -> Callable[[Number], Preference]:
        if not isinstance(node, Scalar):
            raise expected("'largest' or 'smallest'", node)
        if node.text not in WISHES:
            close = unknown_name(node.text, WISHES, None).message.partition(" … ")[2]
            raise ProblemError(
                f"expected 'largest' or 'smallest', found {describe(node)}{close and ' … '}{close}",
                node.place(),
            )
        return WISHES[node.text]


def _form(node: Mapping) -> str | None:
    """The key that makes a mapping a form: any, all, none, or if (then and else belong to it)."""
    for key in GROUPS:
        if key in node.entries:
            return key
    return "if" if any(key in node.entries for key in CHOICE) else None


def _no_constraint(node: Mapping) -> ProblemError:
    """The error for a mapping that is neither a form nor one label."""
    words = (*GROUPS, *CHOICE)
    for key, _ in node.items():
        close = unknown_name(key.text, words, None).message.partition(" … ")[2]
        if close:
            return ProblemError(f"unknown key {describe(key)} … {close}", key.place())
    return ProblemError(
        "expected a constraint: an expression, 'label: expression', or any, all, none, or if and then",
        node.place(),
    )
