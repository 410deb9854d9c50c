"""YAML read with the line of every value, so that a mistake can be shown where it stands.

Only plain data is read: no tags, no merge keys, no duplicate keys. A file is refused when it is larger than 1 MiB,
nested deeper than 40 levels, or when its aliases would make it grow past 100,000 values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from workbench.core.errors import CatalogError, Fault

MAX_BYTES = 1 << 20

#: Characters of a number, and its powers of ten: more would take for ever to calculate with.
MAX_DIGITS = 100
MAX_DEPTH = 40
MAX_VALUES = 100_000

Place = tuple[str | int, ...]

_TOO_DEEP = f"values are nested deeper than {MAX_DEPTH} levels"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE = {"true", "yes", "on"}


@dataclass(frozen=True)
class Document:
    """One YAML document: plain ``data``, and the line of the value (in a map: of its key) at each path."""

    file: str
    data: Any
    lines: dict[Place, int]
    texts: Sequence[str]

    def line(self, path: Place) -> int:
        """Line of the value at ``path``, or of the nearest value that holds it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1

    def fault(self, path: Place, why: str, nearest: str = "", id: str = "catalog/key") -> Fault:
        """Place a mistake at ``path``."""
        line = self.line(path)
        sentence = why if why.endswith((".", "?", "!")) else f"{why}."
        return Fault(self.file, line, self.texts[line - 1] if line <= len(self.texts) else "", sentence, nearest, id)


class _Reader:
    def __init__(self, file: str, texts: Sequence[str]) -> None:
        self.file, self.texts, self.count = file, texts, 0
        self.lines: dict[Place, int] = {}

    def fail(self, node: yaml.Node, why: str) -> CatalogError:
        line = node.start_mark.line + 1
        text = self.texts[line - 1] if line <= len(self.texts) else ""
        return CatalogError((Fault(self.file, line, text, why, id="catalog/yaml"),))

    def value(self, node: yaml.Node, path: Place) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            raise self.fail(node, f"the file holds more than {MAX_VALUES:,} values once its aliases are followed")
        if len(path) > MAX_DEPTH:
            raise self.fail(node, _TOO_DEEP)
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            self.plain(node, "seq")
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self.scalar(node)

    def plain(self, node: yaml.Node, expected: str) -> None:
        if node.tag != f"tag:yaml.org,2002:{expected}":
            raise self.fail(
                node, f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')} is not read; write plain values"
            )

    def mapping(self, node: yaml.MappingNode, path: Place) -> dict[str, Any]:
        self.plain(node, "map")
        values: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise self.fail(key, "a key is plain text; merge keys (<<) and lists as keys are not read")
            if key.value in values:
                first = self.lines[(*path, key.value)]
                raise self.fail(key, f"the key {key.value!r} stands here twice, first in line {first}")
            self.lines[(*path, key.value)] = key.start_mark.line + 1
            values[key.value] = self.value(item, (*path, key.value))
        return values

    def scalar(self, node: yaml.Node) -> str | int | Decimal | bool | None:
        text = str(node.value)
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "null":
                return None
            case "bool":
                return text.lower() in _TRUE
            case "int" | "float" if len(text) > MAX_DIGITS:
                raise self.fail(node, f"the number has {len(text):,} characters; at most {MAX_DIGITS} are read")
            case "int" if text.replace("_", "").lstrip("+-").isdigit():
                return int(text.replace("_", ""))
            case "float":
                try:
                    number = Decimal(text.replace("_", ""))
                except InvalidOperation:
                    raise self.fail(node, f"{text} is not a decimal number") from None
                if number.is_finite() and abs(number.adjusted()) > MAX_DIGITS:
                    raise self.fail(node, f"{text} is too large or too small a number")
                return number
            case "str" | "int" | "timestamp" | "value":
                return text
        self.plain(node, "str")
        return text


def _check_shape(file: str, text: str, texts: Sequence[str]) -> None:
    """Walk the events first: composing is recursive, and an alias bomb is cheap to write."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > MAX_DEPTH or aliases > 1000:
            why = _TOO_DEEP if depth > MAX_DEPTH else "more than 1000 aliases"
            raise CatalogError(
                (Fault(file, line, texts[line - 1] if line <= len(texts) else "", why, id="catalog/yaml"),)
            )


def text_of(path: Path) -> str:
    """Return the text of a file of at most :data:`MAX_BYTES`.

    Raises
    ------
    CatalogError
        It cannot be read, is too large or is not UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise CatalogError(
                (
                    Fault(
                        str(path),
                        1,
                        "",
                        f"the file has {size:,} bytes; at most {MAX_BYTES:,} are read",
                        id="catalog/yaml",
                    ),
                )
            )
        raw = path.read_bytes()
    except OSError as error:
        raise CatalogError(
            (Fault(str(path), 1, "", f"the file cannot be read: {error.strerror}", id="catalog/yaml"),)
        ) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise CatalogError((Fault(str(path), line, "", "the file is not UTF-8 text", id="catalog/yaml"),)) from None


def read_documents(path: Path) -> tuple[Document, ...]:
    """Read every document of a YAML file; empty documents are left out.

    Raises
    ------
    CatalogError
        The file cannot be read, is no YAML, or is refused by one of the guards; with file, line and the text there.
    """
    return parse_documents(text_of(path), file=str(path))


def parse_documents(text: str, *, file: str) -> tuple[Document, ...]:
    """Read every document of a YAML text; ``file`` is the name mistakes are placed in.

    Examples
    --------
    >>> document, = parse_documents("a:\\n  - b: 0.999\\n", file="x.yaml")
    >>> document.data, document.line(("a", 0, "b"))
    ({'a': [{'b': Decimal('0.999')}]}, 2)
    """
    return _kept(text, file)


@lru_cache(maxsize=256)
def _kept(text: str, file: str) -> tuple[Document, ...]:
    """Documents of a text, kept: a dashboard and a test run read the same files many times. Nobody changes them."""
    return tuple(_documents(text, file))


def _documents(text: str, file: str) -> Iterator[Document]:
    texts = text.splitlines()
    try:
        _check_shape(file, text, texts)
        for node in yaml.compose_all(text, Loader=_LOADER):
            reader = _Reader(file, texts)
            data = reader.value(node, ())
            if data is not None:
                yield Document(file, data, reader.lines, texts)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        shown = texts[line - 1] if line <= len(texts) else ""
        problem = error.problem or error.context or ""
        # The library has a limit of its own, and reads ahead of the events that are counted here.
        why = _TOO_DEEP if "nesting depth" in problem else f"this is not YAML: {problem}"
        raise CatalogError((Fault(file, line, shown, why, id="catalog/yaml"),)) from None
    except yaml.YAMLError as error:
        raise CatalogError(
            (Fault(file, 1, "", f"this is not YAML: {str(error).splitlines()[0]}", id="catalog/yaml"),)
        ) from None
