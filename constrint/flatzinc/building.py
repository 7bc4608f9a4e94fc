"""From the syntax of a FlatZinc model to a problem, what it prints, and how it is to be searched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

from constrint.domains import DomainSpec
from constrint.errors import ExpressionError, ProblemError, unknown_name
from constrint.expressions import Expression, Op, constant, variable
from constrint.flatzinc import builtins
from constrint.flatzinc.builtins import KINDS
from constrint.flatzinc.syntax import Call, Declaration, Model, Name, Set, Statement, Type, Value
from constrint.problem import Objective, Problem
from constrint.results import Constraint

_LISTED_DOMAIN = 1 << 16
"""A declared set of more members than this becomes a constraint of ranges instead."""


@dataclass(frozen=True)
class Output:
    """A variable or an array to be printed; `shape` holds the index ranges of an array."""

    name: str
    terms: list[Expression | Set]
    is_boolean: bool
    shape: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True)
class Phase:
    """One int_search or bool_search: the variables, and how to choose one and then a value."""

    names: list[str]
    variable_choice: str
    value_choice: str


@dataclass
class FlatModel:
    """A problem with FlatZinc's additions."""

    problem: Problem
    outputs: list[Output] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    method: str = "satisfy"
    remarks: list[str] = field(default_factory=list)
    """What was asked for and is ignored, such as a search annotation that is not known."""


def build(model: Model) -> FlatModel:
    """The problem that a model states.

    Raises ProblemError, with line and column, for what has no meaning or is not supported: floats, set
    variables, unknown constraints.
    """
    return _Builder(model).build()


class _Builder:
    def __init__(self, model: Model) -> None:
        self._model = model
        self._flat = FlatModel(Problem(), method=model.method)
        self._values: dict[str, Any] = {}
        """Constants, sets, expressions and lists of these, by name."""
        self._booleans: set[str] = set()

    def build(self) -> FlatModel:
        model, flat = self._model, self._flat
        for declaration in model.declarations:
            self._declare(declaration)
        for statement in model.constraints:
            self._state(statement)
        if model.method != "satisfy":
            objective = self._value(model.objective, 0)
            if not isinstance(objective, (int, Expression)):
                raise ProblemError(f"the objective of a model is an integer, not {_shown(model.objective)}")
            term = _term(objective)
            flat.problem.objectives.append(Objective(term, model.method == "maximize"))
        for annotation in model.annotations:
            self._plan(annotation)
        return flat

    # Declarations --------------------------------------------------------------------------------------

    def _declare(self, declaration: Declaration) -> None:
        kind, name, position = declaration.type, declaration.name, declaration.position
        if name in self._values:
            self._fail(f"the name '{name}' is already taken", position)
        # Arrays may be empty, or hold constants only, whatever their type says.
        if kind.base == "float" and kind.length != 0:
            self._fail(f"'{name}' is {_article(kind)}: constrint solves integer problems only", position)
        if kind.is_variable and kind.is_set and kind.length is None:
            self._fail(
                f"'{name}' is {_article(kind)}: constrint has no set variables "
                "(its library for MiniZinc replaces them by booleans)",
                position,
            )
        if kind.base == "bool":
            self._booleans.add(name)
        if kind.is_variable and kind.length is None:
            self._values[name] = self._variable(declaration)
        else:
            value = self._value(declaration.value, position)
            self._check_type(value, declaration)
            self._values[name] = value
        self._output(declaration)

    def _variable(self, declaration: Declaration) -> Expression:
        kind, name = declaration.type, declaration.name
        problem = self._flat.problem
        members = ((0, 1),) if kind.base == "bool" else kind.domain
        spec = DomainSpec()
        term = variable(name)
        if members is not None:
            if not members:
                spec = DomainSpec(values=())
            elif len(members) == 1:
                spec = DomainSpec(low=members[0][0], high=members[0][1])
            elif sum(last - first + 1 for first, last in members) <= _LISTED_DOMAIN:
                values = [value for first, last in members for value in range(first, last + 1)]
                spec = DomainSpec(values=tuple(values))
            else:
                spec = DomainSpec(low=members[0][0], high=members[-1][1])
        problem.variables[name] = spec
        if members is not None and len(members) > 1 and spec.values is None:
            self._add(builtins.within(term, members))
        if declaration.value is not None:
            value = self._value(declaration.value, declaration.position)
            self._check_type(value, declaration)
            self._add(term == value)
        return term

    def _check_type(self, value: Any, declaration: Declaration) -> None:
        kind = declaration.type
        items = value if isinstance(value, list) else [value]
        fits = isinstance(value, list) == (kind.length is not None)
        for item in items:
            if kind.is_set:
                fits = fits and isinstance(item, tuple)
            elif kind.is_variable:
                fits = fits and isinstance(item, (int, Expression))
            else:
                fits = fits and isinstance(item, int)
        if not fits:
            shown = _shown(declaration.value)
            self._fail(f"'{declaration.name}' is {_article(kind)}, not {shown}", declaration.position)
        if kind.length is not None and len(items) != kind.length:
            self._fail(
                f"'{declaration.name}' has {kind.length} elements by its type and {len(items)} by its value",
                declaration.position,
            )

    def _output(self, declaration: Declaration) -> None:
        name = declaration.name
        is_boolean = declaration.type.base == "bool"
        terms: list[Expression | Set]
        for annotation in declaration.annotations:
            if annotation == Name("output_var") and declaration.type.length is None:
                terms = [_term(self._values[name])]
                self._flat.outputs.append(Output(name, terms, is_boolean))
            elif isinstance(annotation, Call) and annotation.name == "output_array":
                terms = [value if isinstance(value, tuple) else _term(value) for value in self._values[name]]
                shape = self._shape(annotation, len(terms), declaration)
                self._flat.outputs.append(Output(name, terms, is_boolean, shape))

    def _shape(self, annotation: Call, length: int, declaration: Declaration) -> tuple[tuple[int, int], ...]:
        ranges = annotation.arguments[0] if annotation.arguments else None
        shape = []
        size = 1
        for each in ranges if isinstance(ranges, list) else ():
            members = self._value(each, declaration.position)
            if not isinstance(members, tuple) or len(members) > 1:
                break
            first, last = members[0] if members else (1, 0)
            shape.append((first, last))
            size *= last - first + 1
        if not shape or size != length:
            self._fail(
                f"output_array of '{declaration.name}' takes a list of index ranges for {length} elements",
                declaration.position,
            )
        return tuple(shape)

    # Constraints ---------------------------------------------------------------------------------------

    def _state(self, statement: Statement) -> None:
        builtin = builtins.find(statement.name)
        if builtin is None:
            self._refuse(statement)
        kinds = builtin.kinds
        if "[" in kinds:
            required, _, optional = kinds.partition("[")
            kinds = required + optional[:-1] if len(statement.arguments) > len(required) else required
        if len(statement.arguments) != len(kinds):
            self._fail(
                f"{statement.name} takes {len(kinds)} arguments, not {len(statement.arguments)}",
                statement.position,
            )
        arguments = []
        for number, (kind, argument) in enumerate(zip(kinds, statement.arguments, strict=True), start=1):
            try:
                arguments.append(_converted(kind, self._value(argument, statement.position)))
            except _WrongKind:
                self._fail(
                    f"argument {number} of {statement.name} must be {KINDS[kind]}, not {_shown(argument)}",
                    statement.position,
                )
        try:
            expression = builtin.meaning(*arguments)
        except ExpressionError as error:
            self._fail(f"{statement.name}: {error.message}", statement.position)
        except ValueError:
            # Arrays that go together in a constraint have the same length.
            self._fail(f"the arrays of {statement.name} have lengths that do not fit", statement.position)
        self._add(expression)

    def _refuse(self, statement: Statement) -> NoReturn:
        name = statement.name
        if name.startswith(("float_", "array_float_", "array_var_float_")) or name == "int2float":
            self._fail(f"{name} is about floats: constrint solves integer problems only", statement.position)
        if name.startswith(("set_", "array_set_", "array_var_set_")):
            self._fail(f"{name} is about set variables, which constrint has not", statement.position)
        place = self._model.place(statement.position)
        raise ProblemError(unknown_name(name, builtins.BUILTINS).message.replace("name", "constraint"), place)

    def _add(self, expression: Expression) -> None:
        # Not by Problem.add: every name is known to be declared, and there may be very many.
        self._flat.problem.constraints.append(Constraint(expression))

    # Values --------------------------------------------------------------------------------------------

    def _value(self, value: Value, position: int) -> Any:
        """The value with its names replaced by what they stand for."""
        if isinstance(value, Name):
            if value not in self._values:
                raise unknown_name(value, self._values, self._model.place(position))
            return self._values[value]
        if isinstance(value, list):
            return [self._value(item, position) for item in value]
        if isinstance(value, Call) and value.name == "[]":
            array, index = self._value(value.arguments[0], position), value.arguments[1]
            if not isinstance(array, list) or not 1 <= index <= len(array):
                self._fail(f"there is no {value.arguments[0]}[{index}]", position)
            return array[index - 1]
        return int(value) if isinstance(value, bool) else value

    def _fail(self, message: str, position: int) -> NoReturn:
        raise ProblemError(message, self._model.place(position))

    # Search annotations --------------------------------------------------------------------------------

    def _plan(self, annotation: Value) -> None:
        name = annotation.name if isinstance(annotation, Call) else str(annotation)
        if isinstance(annotation, Call) and name == "seq_search" and annotation.arguments:
            for each in annotation.arguments[0]:
                self._plan(each)
        elif isinstance(annotation, Call) and name in ("int_search", "bool_search"):
            if len(annotation.arguments) < 3:
                raise ProblemError(f"{name} takes variables, a choice of variables and a choice of values")
            items = self._value(annotation.arguments[0], 0)
            names = [
                term.data
                for term in (items if isinstance(items, list) else [items])
                if isinstance(term, Expression) and term.op is Op.VARIABLE
            ]
            self._flat.phases.append(Phase(names, str(annotation.arguments[1]), str(annotation.arguments[2])))
        else:
            self._flat.remarks.append(f"the search annotation {name} is ignored")


def _term(value: int | Expression) -> Expression:
    return value if isinstance(value, Expression) else constant(value)


class _WrongKind(Exception):
    """An argument is not of the kind that the builtin takes."""


def _converted(kind: str, value: Any) -> Any:
    """The value as the builtin takes it. Raises _WrongKind."""
    if kind.isupper() and isinstance(value, list):
        return [_converted(kind.lower(), item) for item in value]
    if kind in "ib" and isinstance(value, (int, Expression)):
        return _term(value)
    if (kind == "n" and isinstance(value, int)) or (kind == "s" and isinstance(value, tuple)):
        return value
    raise _WrongKind


def _article(kind: Type) -> str:
    return f"{'an' if str(kind)[0] in 'aei' else 'a'} {kind}"


def _shown(value: Value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value[:4]))}{', …' if len(value) > 4 else ''}]"
    if isinstance(value, tuple):
        return "a set"
    if isinstance(value, bool):
        return str(value).lower()
    return value.name if isinstance(value, Call) else str(value)
