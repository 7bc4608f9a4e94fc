"""Checks of the keys of a mapping, and of the names that a file defines."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection

from constrint.errors import Place, ProblemError, unknown_name
from constrint.files.documents import Mapping, Scalar, describe
from constrint.files.limits import MAX_NAME
from constrint.files.syntax import CONSTANTS, FUNCTION_NAMES

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*\Z")


def check_keys(node: Mapping, known: Collection[str], owner: str) -> None:
    """Raises ProblemError for a key of the mapping that is not `known`."""
    for key, _ in node.items():
        if key.text not in known:
            message = unknown_name(key.text, known, None).message.replace("unknown name", "unknown key", 1)
            if "did you mean" not in message:
                message += f"; {owner} has the keys {', '.join(known)}"
            raise ProblemError(message, key.place())


def check_name(key: Scalar, taken: dict[str, tuple[str, Place]], kind: str) -> str:
    """The name that the key defines, noted in `taken`.

    Raises ProblemError where it is no name, has a meaning already or is taken.
    """
    name = key.text
    if not _NAME.match(name) or len(name) > MAX_NAME:
        raise ProblemError(
            f"{describe(key)} is not a name for {kind}: use letters A-Z, a-z, digits and '_', "
            f"not a digit first, at most {MAX_NAME}",
            key.place(),
        )
    if name in FUNCTION_NAMES:
        raise ProblemError(f"'{name}' is the name of a function: choose another one for {kind}", key.place())
    if keyword.iskeyword(name) or name in CONSTANTS:
        raise ProblemError(f"'{name}' is a word of the language: choose another one for {kind}", key.place())
    if name in taken:
        other, place = taken[name]
        raise ProblemError(f"'{name}' is already the name of {other} (line {place.line})", key.place())
    taken[name] = (kind, key.place())
    return name
