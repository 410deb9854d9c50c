"""Lines of one log file: plain or packed, whole again where a container runtime cut them, and all of them counted."""

from __future__ import annotations

import bz2
import codecs
import gzip
import json
import lzma
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from workbench.query.logs.rows import Parsers

#: A line longer than this is cut here, and counted. [bytes]
LONGEST = 1 << 20

#: What is counted of the lines.
COUNTS = (
    "lines", "json", "logfmt", "text", "continued", "blank", "not_understood", "broken", "undated", "unordered",
    "unplaced", "naive", "partial", "unknown_levels", "no_levels", "not_utf8", "cut", "repeated",
)  # fmt: skip

_CRI = re.compile(r"(\S+ (?:stdout|stderr)) ([PF])(?::\S*)? ?(.*)", re.DOTALL)
_ROTATED = re.compile(r"(?:[-._]\d{4}-?\d{2}-?\d{2}(?:[-_T.]?\d{2,6})?|\.\d{1,4})(?=\.|$)")
_PACKED = re.compile(r"\.(?:gz|bz2|xz|zst)$")


@dataclass
class Coverage:
    """What became of the lines.

    Attributes
    ----------
    counts : Counter
        ``lines`` read; of these ``json``, ``logfmt``, ``text``, ``continued`` (part of the line before, such as a stack
        trace or a rest that a runtime cut off) and ``blank``; further ``not_understood`` records, which are ``broken``
        (begin like JSON, are none) or ``undated`` (carry the time of the line beside); of these ``unordered`` (the date
        can be read in two ways) and ``unplaced`` (in a file without times: left out); ``naive`` (no zone, read as UTC),
        ``partial`` (no year or no day), ``unknown_levels``, ``no_levels``, ``not_utf8``, ``cut`` (longer than a MiB)
        and ``repeated`` (in two logs of one program). [count]
    files : int
        Files read. [count]
    unread : list of str
        Files, or the rest of them, that could not be read, and why.
    parsers : dict
        Records by the parser that read them.
    """

    counts: Counter[str] = field(default_factory=Counter)
    files: int = 0
    unread: list[str] = field(default_factory=list)
    parsers: Parsers = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Records whose form and time were understood, of all; NaN without any. [ratio]"""
        records = self.records
        return 1 - self.counts["not_understood"] / records if records else float("nan")

    @property
    def records(self) -> int:
        """Lines that begin a record: not blank, not part of the one before. [count]"""
        return self.counts["lines"] - self.counts["blank"] - self.counts["continued"]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "share": self.share,
            "records": self.records,
            "files": self.files,
            **{name: self.counts[name] for name in COUNTS},
            "unread": list(self.unread),
            "parsers": {kind: dict(counts) for kind, counts in self.parsers.items()},
        }

    def warnings(self) -> tuple[str, ...]:
        """Sentences about what was not understood."""
        texts = {
            "broken": "begin like JSON and are none; they are kept as text",
            "undated": "have no time that can be read; they carry that of the line beside",
            "unordered": "have a date that can be read day first or month first; set `dates: day-first` or "
            "`dates: month-first` under `logs` in the profile",
            "unplaced": "stand in files without any time; they are left out",
            "naive": "have a time without a zone; it is read as UTC",
            "partial": "have a time without a year or a day; it is taken from lines beside, or the file",
            "unknown_levels": "have a level that is not known",
            "no_levels": "have no level",
            "not_utf8": "are not UTF-8; what cannot be read is marked",
            "cut": "are longer than a MiB and were cut",
            "repeated": "stand in two logs and count once",
        }
        of = f"of {self.records:,} record{'s' if self.records != 1 else ''}"
        sentences = [f"{self.counts[name]:,} {of} {text}." for name, text in texts.items() if self.counts[name]]
        return (*sentences, *self.unread)


def log_name(path: Path) -> str:
    """Name of a log without rotation and packing.

    Examples
    --------
    >>> [log_name(Path(name)) for name in ("app.log.2.gz", "app.log", "app-2026-11-01.log", "app.log.20261101.gz")]
    ['app.log', 'app.log', 'app.log', 'app.log']
    """
    return str(path.parent / _ROTATED.sub("", _PACKED.sub("", path.name)))


def file_lines(path: Path, coverage: Coverage) -> Iterator[str]:
    """Give the lines of a file, counting each; what cannot be read ends the file and is told."""
    try:
        with _opened(path) as file:
            coverage.files += 1
            yield from _whole(_decoded(file, coverage), coverage)
    except (OSError, EOFError, lzma.LZMAError, pa.ArrowException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        coverage.unread.append(f"{path} could not be read to its end: {why}.")


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        magic = file.read(6)
    if magic.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(path))
    if magic.startswith(b"BZh"):
        return cast(IO[bytes], bz2.open(path))
    if magic.startswith(b"\xfd7zXZ"):
        return cast(IO[bytes], lzma.open(path))
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return cast(IO[bytes], _Lined(pa.input_stream(str(path), compression="zstd")))
    return path.open("rb")


class _Lined:
    """Lines out of a stream that has none of its own."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._rest = stream, b""

    def __enter__(self) -> _Lined:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def readline(self, limit: int) -> bytes:
        while b"\n" not in self._rest and len(self._rest) < limit and (more := self._stream.read(1 << 16)):
            self._rest += more
        end = self._rest.find(b"\n") + 1 or len(self._rest)
        end = min(end, limit)
        line, self._rest = self._rest[:end], self._rest[end:]
        return line


def _decoded(file: IO[bytes], coverage: Coverage) -> Iterator[str]:
    mark = codecs.BOM_UTF8
    while line := file.readline(LONGEST):
        line, mark = line.removeprefix(mark), b""  # The mark of a file is no part of its first line.
        coverage.counts["lines"] += 1
        if len(line) == LONGEST and not line.endswith(b"\n"):
            coverage.counts["cut"] += 1
            while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
        try:
            text = line.decode()
        except UnicodeDecodeError:
            coverage.counts["not_utf8"] += 1
            text = line.decode(errors="replace")
        yield text.rstrip("\r\n")


def _whole(lines: Iterator[str], coverage: Coverage) -> Iterator[str]:
    """Put lines together again that a runtime cut at 16 KiB; those of stdout and stderr may come in turns."""
    begun: dict[str, str] = {}
    for line in lines:
        if (match := _CRI.fullmatch(line)) and match[1][:4].isdigit():
            stream = match[1].rsplit(" ", 1)[1]
            if match[2] == "P":
                begun[stream] = begun.get(stream, "") + match[3]
                coverage.counts["continued"] += 1
            else:
                yield f"{match[1]} F {begun.pop(stream, '')}{match[3]}"
        elif line.startswith('{"log":') and ('\\n","' not in line or begun):
            record = _record(line)
            stream = str(record.get("stream", ""))
            text = begun.get(stream, "") + str(record.get("log", ""))
            if record and stream and not text.endswith("\n"):
                begun[stream] = text
                coverage.counts["continued"] += 1
            else:
                begun.pop(stream, None)
                yield json.dumps({**record, "log": text}) if record else line
        else:
            yield line
    # The end of a file can lie inside a line.
    for stream, text in begun.items():
        coverage.counts["continued"] -= 1
        yield text if text else stream


def _record(line: str) -> dict[str, Any]:
    try:
        read = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
