"""Included files: found by path or by bare name, read as namespaces of constants."""

from __future__ import annotations

from pathlib import Path

from constrint.errors import Place, ProblemError, SizeLimitError, unknown_name
from constrint.files.building import Unusable
from constrint.files.constants import read_data
from constrint.files.documents import Mapping, Node, Scalar, compose, expected, read_stream
from constrint.files.limits import MAX_INCLUDES, Budget
from constrint.files.values import Value

FOLDER_GROUP = "constrint.include_folders"
"""The entry points that give folders of files to be included by name: callables without arguments."""

Namespaces = dict[str, dict[str, "Value | Unusable"]]


class Includes:
    """The namespaces of a problem's included files; an included file may include others."""

    def __init__(self, budget: Budget) -> None:
        self.namespaces: Namespaces = {}
        self._budget = budget
        self._count = 0

    def read(self, name: str, reference: str, importer: Path | None, place: Place | None) -> None:
        """Read the file that `reference` means in the file `importer` as the namespace `name`."""
        path = _find(reference, importer, place)
        chain = [importer.resolve()] if importer else []
        self._read(name, path, chain, place)

    def _read(self, name: str, path: Path, chain: list[Path], place: Place | None) -> None:
        resolved = path.resolve()
        if resolved in chain:
            names = [file.name for file in (*chain[chain.index(resolved) :], resolved)]
            raise ProblemError(f"the includes form a cycle: {' → '.join(names)}", place)
        self._count += 1
        if self._count > MAX_INCLUDES:
            raise SizeLimitError(f"more than {MAX_INCLUDES} included files", place)
        try:
            with path.open("rb") as stream:
                root = compose(read_stream(stream, str(path), path))
        except OSError as error:
            raise ProblemError(f"cannot include '{path}': {error.strerror or error}", place) from None
        except ProblemError as error:
            error.place = error.place or place
            raise
        if not isinstance(root, Mapping):
            raise expected("a mapping of names to values", root)
        nested = root.get("include")
        values: dict[str, Value | Unusable] = {}
        self.namespaces[name] = values
        for key, value in root.items():
            if key.text == "include" and isinstance(nested, Mapping):
                for inner, reference, inner_place in references(value):
                    found = _find(reference, path, inner_place)
                    self._read(f"{name}.{inner.text}", found, [*chain, resolved], inner_place)
            else:
                try:
                    values[key.text] = read_data(value, self._budget)
                except ProblemError as error:
                    error.place = error.place or value.place()
                    raise


def references(node: Node) -> list[tuple[Scalar, str, Place]]:
    """The (name, path, place of the path) of an `include:` mapping."""
    if not isinstance(node, Mapping):
        raise expected("a mapping of names to files, such as {gpu: h100_sxm}", node)
    found = []
    for key, value in node.items():
        if not isinstance(value, Scalar) or value.is_nothing:
            raise expected("the path or name of a file", value)
        found.append((key, value.text, value.place()))
    return found


def _find(reference: str, importer: Path | None, place: Place | None) -> Path:
    """The file: relative to the one that includes it, or by its bare name in a registered folder."""
    path = (importer.parent if importer else Path()) / reference
    try:
        if path.is_file():
            return path
        exists = path.exists()
    except (OSError, ValueError):
        raise ProblemError(f"cannot include {reference[:80]!r}: not a path", place) from None
    if exists:
        raise ProblemError(f"cannot include '{reference}': not a file", place)
    known: set[str] = set()
    if Path(reference).name == reference:
        for folder in _folders():
            for candidate in (folder / f"{reference}.yaml", folder / reference):
                if candidate.is_file():
                    return candidate
            known.update(file.stem for file in folder.glob("*.yaml"))
    hint = unknown_name(reference, sorted(known), None).message.partition(" …")[2]
    message = f"cannot include '{reference}': there is no file '{path}'"
    if known:
        message += " and no known file of this name"
    raise ProblemError(message + (f" …{hint}" if hint else ""), place)


def _folders() -> list[Path]:
    from importlib.metadata import entry_points  # only here: it takes longer to import than a file to load

    return [Path(entry.load()()) for entry in entry_points(group=FOLDER_GROUP)]
