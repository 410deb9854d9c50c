"""Files of spans: what the collector's file exporter writes, exports of Jaeger's page, Zipkin's JSON.

The format is told from the content: gzip or zstd around the whole file, JSON (one document, or one a line), protobuf
(one message), or the exporter's messages with their length in front, which with its own compression are zstd each [1]_.

References
----------
.. [1] opentelemetry-collector-contrib, exporter/fileexporter, README and file_writer.go (Apache-2.0).
"""

from __future__ import annotations

import glob
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa

from workbench.catalog.profile.model import Profile
from workbench.core.errors import AnswerUnreadable, SourceUnavailable, WorkbenchError
from workbench.core.filters import SpanFilter
from workbench.core.settings import SourceSettings
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange
from workbench.query.http.documents import read_json
from workbench.query.traces.filter import checked, passing
from workbench.query.traces.jaeger_json import of_jaeger, of_zipkin
from workbench.query.traces.otlp import of_json, of_protobuf
from workbench.query.traces.spans import PIECE, Gathered, Sampling, Span, tell_apart

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

#: A message of the exporter is not longer than this; a length over it is no length. [bytes]
_LONGEST = 1 << 28


@dataclass
class TraceFiles:
    """A :class:`workbench.core.source.SpanSource` over files; read once from end to end at each question.

    Parameters
    ----------
    name : str
        Name of the source in the settings.
    path : Path
        A file, a folder, or the pattern of a shell.
    kind : str
        ``otlp`` or ``zipkin``; the formats of both are read under either.
    sampling : Sampling, optional
        Left out, the profile's.
    """

    name: str
    path: Path
    kind: str = "otlp"
    sampling: Sampling | None = None

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings) -> TraceFiles:
        """Build a source from its part of the settings file."""
        sampling = Sampling(ratio=settings.sampling) if settings.sampling else None
        return cls(name, Path(settings.path or ""), settings.kind, sampling)

    def reading(self, profile: Profile) -> TraceFiles:
        """Return this source for one system, whose profile says how much it samples where the settings do not."""
        return replace(self, sampling=self.sampling or Sampling.of(profile))

    @property
    def location(self) -> str:
        """Where the files are."""
        return str(self.path)

    def files(self) -> list[Path]:
        """Files that are there, by name; with rotated ones.

        Raises
        ------
        SourceUnavailable
            None is there.
        """
        paths = [Path(each) for each in glob.glob(str(self.path))]
        paths = [each for path in paths for each in (path.iterdir() if path.is_dir() else [path]) if each.is_file()]
        if not paths:
            raise SourceUnavailable(
                f"There is no file at {self.path}.", source=self.name, hint="Check path; a pattern may match nothing."
            )
        return sorted(paths)

    def spans(self, wanted: SpanFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give the spans that start in ``[start, end)`` and match, each once, as pieces of SPANS.

        A span whose parent has not come yet waits for it; only those still waiting at the end are partial.

        Raises
        ------
        SourceUnavailable
            A file is not there, or is not of a format that is read (``AnswerUnreadable``).
        """
        checked(wanted)
        gathered = Gathered()
        seen: set[int] = set()
        parents: set[int] = set()
        ready: list[Span] = []
        waiting: list[Span] = []
        for batch in self._batches(gathered):
            tell_apart(batch)
            for own in batch:
                identity = hash((own.trace_id, own.span_id, own.kind, own.service, own.start_ns))
                if identity in seen:
                    gathered.warnings["spans came twice and are counted once"] += 1
                    continue
                seen.add(identity)
                parents.add(hash((own.trace_id, own.span_id)))
                waiting.append(own)
            complete, waiting = _with_parents(waiting, parents)
            ready += complete
            if len(ready) >= PIECE:
                yield passing(gathered.table(ready), wanted, span)
                ready = []
        for own in waiting:
            gathered.orphan(own)
        yield passing(gathered.table(ready + waiting), wanted, span)

    def state(self) -> SourceState:
        """Say whether the files can be read and how new they are; never raises."""
        status, newest, detail, code = "unavailable", None, "", 0
        try:
            files = self.files()
            first = next(chain.from_iterable(_documents(files[-1])), None)
            newest = datetime.fromtimestamp(max(each.stat().st_mtime for each in files), UTC)
            status = "ok" if first is not None else "no_data"
            detail = f"{len(files):,} files" if first is not None else "The newest file is empty."
        except WorkbenchError as error:
            detail, code = f"{error.message} {error.hint}".strip(), error.exit_code
        except OSError as error:
            detail, code = f"A file cannot be read: {error.strerror}.", SourceUnavailable.exit_code
        return SourceState(self.name, self.kind, self.location, status, "files", "", newest, detail, code)

    def _batches(self, gathered: Gathered) -> Iterator[list[Span]]:
        batch: list[Span] = []
        for file in self.files():
            tally = _Tally()
            try:
                for documents in _documents(file):
                    for document in documents:
                        batch += self._counted(document, file, gathered, tally)
                        if len(batch) >= PIECE:
                            yield batch
                            batch = []
            except (OSError, EOFError, zlib.error, pa.ArrowInvalid) as error:
                gathered.warnings[f"{file.name} ends before its time or cannot be read: {type(error).__name__}."] += 1
            tally.judge(file, gathered)
        if batch:
            yield batch

    def _counted(self, document: Any, file: Path, gathered: Gathered, tally: _Tally) -> list[Span]:
        """Read a document, or each of a list; one of another shape is counted, and the others stand."""
        if isinstance(document, list):
            return [row for item in document for row in self._counted(item, file, gathered, tally)]
        try:
            read = self._read(document, file, gathered)
        except AnswerUnreadable as error:
            tally.strange += 1
            tally.first = tally.first or error
            return []
        tally.known += not isinstance(document, _Broken)
        return read

    def _read(self, document: Any, file: Path, gathered: Gathered) -> list[Span]:
        sampling = self.sampling or Sampling()
        if isinstance(document, bytes | bytearray):
            return of_protobuf(document, sampling)
        match document:
            case _Broken():
                gathered.warnings[f"lines or messages of {file.name} cannot be read and are left out"] += 1
                return []
            case {"data": [*traces]}:
                return list(of_jaeger(traces, sampling))
            case {"traceID": str(), "spans": [*_]}:
                return list(of_jaeger([document], sampling))
            case {"traceId": str(), "id": str()}:
                return list(of_zipkin([document], sampling))
            case {"resourceSpans": _} | {"resource_spans": _} | {"batches": _} | {"trace": _} | {"result": _}:
                return list(of_json(document, sampling))
            case {"resourceLogs": _} | {"resourceMetrics": _} | {"resource_logs": _} | {"resource_metrics": _}:
                gathered.warnings[f"documents of {file.name} hold logs or metrics and no spans"] += 1
                return []
        raise AnswerUnreadable(
            f"{file.name} holds no spans that are known here.",
            source=self.name,
            hint="Known: OTLP (JSON, protobuf), Jaeger's and Zipkin's JSON; gzip or zstd around them.",
        )


@dataclass
class _Tally:
    """Documents of a file that were read, and those of a shape that is not known."""

    known: int = 0
    strange: int = 0
    first: AnswerUnreadable | None = None

    def judge(self, file: Path, gathered: Gathered) -> None:
        """Refuse a file without any known document; count the strange ones of another."""
        if self.first is not None and not self.known:
            raise self.first
        if self.strange:
            gathered.warnings[f"documents of {file.name} are of an unknown shape and are left out"] += self.strange


class _Broken:
    """Stands for a line or message that cannot be read."""


def _with_parents(waiting: list[Span], parents: set[int]) -> tuple[list[Span], list[Span]]:
    complete: list[Span] = []
    left: list[Span] = []
    for span in waiting:
        known = not span.parent_id or hash((span.trace_id, span.parent_id)) in parents
        (complete if known else left).append(span)
    return complete, left


def _documents(file: Path) -> Iterator[Iterator[Any]]:
    """Documents of a file: JSON values, or bytes of protobuf messages."""
    with file.open("rb") as raw:
        head = raw.read(4)
        raw.seek(0)
        if head[:2] == _GZIP:
            with gzip.open(raw) as plain:
                yield _contents(plain, file)
        elif head == _ZSTD:
            with pa.CompressedInputStream(pa.PythonFile(raw), "zstd") as plain:
                yield _contents(io.BufferedReader(plain), file)
        else:
            yield _contents(raw, file)


def _contents(stream: Any, file: Path) -> Iterator[Any]:
    first = stream.read(1)
    while first and first in b" \t\r\n\xef\xbb\xbf":
        first = stream.read(1)
    if not first:
        return
    if first in b"{[":
        yield from _json(first, stream)
    elif first == b"\x0a":
        yield first + stream.read()
    elif first < b" ":
        yield from _messages(first, stream, file)
    else:
        yield (first + stream.readline()).decode(errors="replace")  # a line of text; no message is so long
        yield from _lines(stream)


def _json(first: bytes, stream: IO[bytes]) -> Iterator[Any]:
    """One document a line, or one document over several lines."""
    line = first + stream.readline()
    try:
        yield read_json(line)
    except (ValueError, RecursionError):
        rest = stream.read(_LONGEST)
        try:
            yield read_json(line + rest)
            return
        except (ValueError, RecursionError):
            yield _Broken()
        yield from _lines(io.BytesIO(rest))
    yield from _lines(stream)


def _lines(stream: IO[bytes]) -> Iterator[Any]:
    for line in stream:
        if line.strip():
            try:
                yield read_json(line)
            except (ValueError, RecursionError):
                yield _Broken()


def _messages(first: bytes, stream: IO[bytes], file: Path) -> Iterator[Any]:
    """Messages of the file exporter, each after its length as a big-endian 32-bit number."""
    head = first + stream.read(3)
    while head:
        size = int.from_bytes(head, "big")
        body = stream.read(size) if len(head) == 4 and 0 < size <= _LONGEST else b""
        if not body or len(body) < size:
            if len(head) == 4 and size > _LONGEST:
                raise AnswerUnreadable(
                    f"{file.name} is neither JSON nor messages of the collector's file exporter.",
                    hint="Is it encrypted or compressed in another way? gzip and zstd are undone.",
                )
            yield _Broken()
            return
        yield from _message(body)
        head = stream.read(4)


def _message(body: bytes) -> Iterator[Any]:
    if body[:4] == _ZSTD:
        body = pa.CompressedInputStream(pa.BufferReader(body), "zstd").read()
    if body[:1] in (b"{", b"["):
        try:
            yield read_json(body)
        except (ValueError, RecursionError):
            yield _Broken()
    else:
        yield body
