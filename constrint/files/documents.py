"""YAML documents as trees of nodes that know their place.

PyYAML's parser gives the events; the tree is composed here, so that size, depth, tags and duplicate
keys are checked while it grows and no Python object is ever constructed from the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, TypeAlias

import yaml

from constrint.errors import Place, ProblemError, SizeLimitError
from constrint.files.limits import MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Source:
    """A text and the name by which errors call it; `path` is None for a stream."""

    name: str
    text: str
    path: Path | None = None

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def place(self, index: int) -> Place:
        """The place of the character at `index`."""
        line = bisect_right(self._line_starts, index)
        return Place(self.name, line, index - self._line_starts[line - 1] + 1)


class Scalar:
    """A text. `quoted` says that it stands in quotes or in a block, `in_flow` that it stands in YAML's
    [...] or {...}, which cut an unquoted text at commas and brackets."""

    __slots__ = ("end", "in_flow", "quoted", "source", "start", "text")
    kind = "text"

    def __init__(
        self, source: Source, text: str, start: int, end: int, *, quoted: bool = False, in_flow: bool = False
    ) -> None:
        self.source = source
        self.text = text
        self.start = start
        self.end = end
        self.quoted = quoted
        self.in_flow = in_flow

    @property
    def is_nothing(self) -> bool:
        """Whether no value was given."""
        return not self.quoted and self.text in ("", "~", "null")

    def place(self, offset: int = 0) -> Place:
        """The place of the character at `offset` of the text.

        The text and the raw source differ in white space, indentation and quotes only, but for escapes;
        so the characters that are not white space correspond one to one.
        """
        index = self.start
        raw = self.source.text
        if not self.quoted:
            wanted = self.text[:offset]
        elif raw[index : index + 1] in ("|", ">"):
            index = raw.find("\n", index) + 1
            wanted = self.text[:offset]
        else:
            index += 1
            wanted = self.text[:offset]
        for character in wanted:
            if character.isspace():
                continue
            while index < self.end and raw[index].isspace():
                index += 1
            if raw[index : index + 1] != character:
                return self.source.place(self.start)  # an escape: the beginning is near enough
            index += 1
        if not self.text[offset : offset + 1].isspace():
            while index < self.end and raw[index].isspace():
                index += 1
        return self.source.place(index)


class List:
    """A sequence of nodes."""

    __slots__ = ("items", "source", "start")
    kind = "a list"

    def __init__(self, source: Source, start: int) -> None:
        self.source = source
        self.start = start
        self.items: list[Node] = []

    def place(self) -> Place:
        """The place of the first character."""
        return self.source.place(self.start)


class Mapping:
    """Nodes by name, in the order of the file."""

    __slots__ = ("entries", "source", "start")
    kind = "a mapping"

    def __init__(self, source: Source, start: int) -> None:
        self.source = source
        self.start = start
        self.entries: dict[str, tuple[Scalar, Node]] = {}

    def place(self) -> Place:
        """The place of the first character."""
        return self.source.place(self.start)

    def items(self) -> Iterator[tuple[Scalar, Node]]:
        """The keys and values in order."""
        return iter(self.entries.values())

    def get(self, key: str) -> Node | None:
        """The value of `key`, None where it is missing."""
        entry = self.entries.get(key)
        return entry[1] if entry else None


Node: TypeAlias = Scalar | List | Mapping


def describe(node: Node) -> str:
    """What a node is, for "expected …, found …"."""
    if not isinstance(node, Scalar):
        return node.kind
    if node.is_nothing:
        return "nothing"
    text = " ".join(node.text.split())
    return f"'{text if len(text) <= 40 else text[:37] + '…'}'"


def expected(what: str, node: Node) -> ProblemError:
    """The error for a node that should be something else."""
    return ProblemError(f"expected {what}, found {describe(node)}", node.place())


# Reading -------------------------------------------------------------------------------------------


def read_stream(stream: IO[Any], name: str | None = None, path: Path | None = None) -> Source:
    """The text of an open file, of characters or of bytes.

    Raises ProblemError where it is not UTF-8, SizeLimitError where it is huge, and OSError.
    """
    name = name or getattr(stream, "name", None)
    if not isinstance(name, str):
        name = "<text>"
    try:
        return _decoded(stream.read(MAX_FILE_BYTES + 1), name, path)
    except UnicodeDecodeError as error:
        raise ProblemError(f"'{name}' is not UTF-8: {error.reason}; save it as UTF-8") from None


def _decoded(content: bytes | str, name: str, path: Path | None) -> Source:
    if len(content) > MAX_FILE_BYTES:
        raise SizeLimitError(f"'{name}' is larger than {MAX_FILE_BYTES >> 20} MiB")
    if isinstance(content, str):
        return Source(name, content.removeprefix("\ufeff"), path)
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return Source(name, content.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        raise ProblemError(
            f"not UTF-8: byte 0x{content[error.start]:02x}; save the file as UTF-8",
            Source(name, before).place(len(before)),
        ) from None


# Composing -----------------------------------------------------------------------------------------


def compose(source: Source) -> Node:
    """The tree of the one document in `source`.

    Raises ProblemError for a text that is not YAML, is empty, has tags or duplicate keys, and
    SizeLimitError for one that is too large or too deep.
    """
    try:
        return _Composer(source).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(source, error) from None
    except yaml.reader.ReaderError as error:
        index = error.position if isinstance(error.position, int) else 0
        raise ProblemError(f"not YAML: {error.reason}", source.place(_character(source, index))) from None


def _character(source: Source, byte: int) -> int:
    """The index of the character that holds this byte; libyaml's reader counts bytes."""
    if _Loader is yaml.SafeLoader or source.text.isascii():
        return byte
    return len(source.text.encode("utf-8", "replace")[:byte].decode("utf-8", "ignore"))


_REMEDIES = [
    (r"found character '?\\?t|cannot start any token", "quote text that begins with @, ` or %"),
    (r"mapping values are not allowed", "quote text that holds ': '"),
    (
        r"expected ',' or|expected <block end>|did not find expected (',' or|key|'-')",
        "check the indentation and the brackets, and quote an expression that holds , [ ] { or }",
    ),
    (r"quoted scalar", "close the quotes"),
    (r"undefined alias|expected alphabetic or numeric", "quote text that begins with * or &"),
]


def _syntax_error(source: Source, error: yaml.MarkedYAMLError) -> ProblemError:
    """The error of the YAML parser, with its place and what may help."""
    mark = error.problem_mark or error.context_mark
    message = " ".join(part for part in (error.context, error.problem) if part)
    if mark is None:
        return ProblemError(f"not YAML: {message}", source.place(0))
    if source.text[mark.index : mark.index + 1] == "\t":
        return ProblemError(
            "a tab cannot indent YAML: use spaces", Place(source.name, mark.line + 1, mark.column + 1)
        )
    if "maximum nesting depth" in message:
        # Newer versions of libyaml have a limit of their own, and read ahead of the tree.
        return _too_deep(Place(source.name, mark.line + 1, mark.column + 1))
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, message):
            message += f"; {remedy}"
            break
    return ProblemError(f"not YAML: {message}", Place(source.name, mark.line + 1, mark.column + 1))


def _too_deep(place: Place) -> SizeLimitError:
    return SizeLimitError(f"lists and mappings nest more than {MAX_DEPTH} deep", place)


def _index(event: Any, mark: str = "start_mark") -> int:
    """The index of an event's first character, or of the one after its last."""
    return int(getattr(event, mark).index)


class _Composer:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.events = yaml.parse(source.text, Loader=_Loader)
        self.anchors: dict[str, Node] = {}
        self.count = 0

    def document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise ProblemError(
                        "a second document begins: one file holds one problem",
                        self.source.place(_index(event)),
                    )
                root = self.node(next(self.events), 0, False)
        if root is None or (isinstance(root, Scalar) and root.is_nothing):
            raise ProblemError("the file is empty", self.source.place(0))
        return root

    def node(self, event: Any, depth: int, in_flow: bool) -> Node:
        start = _index(event)
        self.count += 1
        if self.count > MAX_NODES:
            raise SizeLimitError(f"more than {MAX_NODES:,} values in one file", self.source.place(start))
        if depth > MAX_DEPTH:
            raise _too_deep(self.source.place(start))
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise ProblemError(
                    f"'*{event.anchor}' refers to no anchor above; quote text that begins with '*'",
                    self.source.place(start),
                )
            return self.anchors[event.anchor]
        if event.tag is not None:
            raise ProblemError(
                f"tags such as '{event.tag[:60]}' are not allowed; quote text that begins with '!'",
                self.source.place(start),
            )
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            end = _index(event, "end_mark")
            quoted = not event.implicit[0]
            node = Scalar(self.source, event.value, start, end, quoted=quoted, in_flow=in_flow)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.list(List(self.source, start), depth, bool(event.flow_style))
        else:
            node = self.mapping(Mapping(self.source, start), depth, bool(event.flow_style))
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def list(self, node: List, depth: int, in_flow: bool) -> List:
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            node.items.append(self.node(event, depth + 1, in_flow))
        return node

    def mapping(self, node: Mapping, depth: int, in_flow: bool) -> Mapping:
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1, in_flow)
            value = self.node(next(self.events), depth + 1, in_flow)
            if not isinstance(key, Scalar):
                raise expected("a name before ':'", key)
            if key.text == "<<" and not key.quoted:
                raise ProblemError("merge keys ('<<') are not supported: write the keys out", key.place())
            if key.text in node.entries:
                first = node.entries[key.text][0].place()
                raise ProblemError(
                    f"duplicate key '{key.text[:60]}' (first in line {first.line})", key.place()
                )
            node.entries[key.text] = (key, value)
        return node
