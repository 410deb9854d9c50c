"""Every error the workbench raises on purpose, and the exit code each one gives a command.

::

    WorkbenchError                 1
    ├── ParameterError             2   an argument the caller can correct
    ├── AccessRefused             14   a system or an action that the identity has no role for
    ├── ChangedMeanwhile          15   somebody else changed the same before a write
    ├── SettingsError              4   the settings file, an environment variable
    ├── CatalogError               4   a system profile or an SLO document
    ├── FrameError                10   a frame that breaks its contract
    ├── ArchiveError              11   the local archive or the store cannot be used
    ├── ReportError               12   a report template failed
    │   └── ReportIncomplete       3   a source did not answer while the report was made
    └── SourceError                    a monitored backend, with the query that met it
        ├── SourceUnavailable      3   no connection, deadline passed, 5xx, wrong credentials
        │   ├── CertificateInvalid 6   the server's certificate does not verify
        │   └── AnswerUnreadable   7   an answer came, but it is not the backend's (HTML page, other API)
        │       └── AnswerTruncated 13 the answer stops in the middle
        ├── QueryTooExpensive      8   the server or our own limits refuse the size
        ├── QueryRejected          9   the query is wrong: the backend says where
        └── EmptyAnswer            5   a good query that matched nothing

The four kinds of source errors ask four different things of the reader: wait or repair, narrow,
correct, or look elsewhere. Messages say what, where, which value and what to do next.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import ClassVar


class WorkbenchError(Exception):
    """Base of all errors below; ``hint`` is the next step for the reader."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ParameterError(WorkbenchError):
    """An argument has a value that cannot be used."""

    exit_code = 2


class AccessRefused(WorkbenchError):
    """Who asks may not see the system, or may not do this."""

    exit_code = 14


class ChangedMeanwhile(WorkbenchError):
    """Somebody else changed something of the same system since the writer last looked; nothing was written.

    ``changes`` says what; ``newest`` is what to hand over as ``seen`` to write all the same.
    """

    exit_code = 15
    changes: tuple[str, ...] = ()
    newest: int = 0

    def __init__(self, system: str, changes: tuple[str, ...], *, newest: int) -> None:
        count = "1 change" if len(changes) == 1 else f"{len(changes)} changes"
        super().__init__(
            f"Nothing was written: {count} of {system} since you last looked.\n" + "\n".join(changes),
            hint="Look at them, then write again.",
        )
        self.changes, self.newest = changes, newest


class SettingsError(WorkbenchError):
    """The settings file or an environment variable cannot be used."""

    exit_code = 4


@dataclass(frozen=True)
class Fault:
    """One mistake in a file of the catalog, placed so that an editor can jump to it; ``id`` is in the docs."""

    file: str
    line: int
    text: str
    why: str
    nearest: str = ""
    id: str = "catalog/key"

    def __str__(self) -> str:
        suggestion = f" Did you mean {self.nearest!r}?" if self.nearest else ""
        text = self.text.strip()
        return f"{self.file}:{self.line}: {self.why}{suggestion} [{self.id}]" + (f"\n    {text}" if text else "")


class CatalogError(WorkbenchError):
    """A profile or SLO document is wrong; ``faults`` lists every mistake found in it."""

    exit_code = 4
    faults: tuple[Fault, ...] = ()

    def __init__(self, faults: tuple[Fault, ...], *, hint: str = "") -> None:
        super().__init__("\n".join(str(fault) for fault in faults), hint=hint)
        self.faults = faults


class FrameError(WorkbenchError):
    """A frame does not keep its contract."""

    exit_code = 10


class ArchiveError(WorkbenchError):
    """The archive or the store cannot be read or written."""

    exit_code = 11


#: What a disk says, by the number of its error; such an error is of the machine, not of the program.
_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EROFS: "the disk is read-only",
    errno.EFBIG: "a file may not become so large",
    errno.EIO: "the disk failed (input/output error)",
    errno.EACCES: "permission denied",
    errno.EPERM: "the operation is not permitted",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open on this machine",
}


def disk_failure(error: OSError) -> ArchiveError | None:
    """Return an error of the operating system as ours where it is one of a disk; else None.

    Examples
    --------
    >>> str(disk_failure(OSError(errno.ENOSPC, "No space left on device", "/home/x/report.html")).message)
    '/home/x/report.html cannot be used: the disk is full.'
    >>> disk_failure(OSError(errno.ECONNREFUSED, "Connection refused"))
    """
    reason = _DISK.get(error.errno or 0)
    if reason is None:
        return None
    return ArchiveError(
        f"{error.filename or 'A file'} cannot be used: {reason}.",
        hint="What was committed before is whole. Mend the disk or its rights, then run the command again.",
    )


class ReportError(WorkbenchError):
    """A report could not be made."""

    exit_code = 12


class ReportIncomplete(ReportError):
    """A source did not answer while a report was made, so parts of it are unknown; it replaces no earlier copy."""

    exit_code = 3


class SourceError(WorkbenchError):
    """A backend did not give the answer asked for; ``query`` and ``source`` say which one."""

    def __init__(self, message: str, *, source: str = "", query: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.source = source
        self.query = query

    def __str__(self) -> str:
        parts = [f"{self.source}: {self.message}" if self.source else self.message]
        if self.query:
            parts.append(f"query: {self.query}")
        if self.hint:
            parts.append(self.hint)
        return "\n".join(parts)


class SourceUnavailable(SourceError):
    """The backend cannot be reached, is too slow, fails, or refuses our credentials."""

    exit_code = 3


class CertificateInvalid(SourceUnavailable):
    """The certificate of the server does not verify; it is never skipped silently."""

    exit_code = 6


class AnswerUnreadable(SourceUnavailable):
    """The answer is not one of this backend: an HTML page of a proxy, another service."""

    exit_code = 7


class AnswerTruncated(AnswerUnreadable):
    """The answer stops in the middle."""

    exit_code = 13


class QueryTooExpensive(SourceError):
    """The answer would be larger or slower than the server or our limits allow."""

    exit_code = 8


class QueryRejected(SourceError):
    """The query itself is wrong: a syntax error, many-to-many matching, an unknown function."""

    exit_code = 9
    position: int | None = None

    def __init__(
        self, message: str, *, source: str = "", query: str = "", hint: str = "", position: int | None = None
    ) -> None:
        super().__init__(message, source=source, query=query, hint=hint)
        self.position = position

    def __str__(self) -> str:
        if self.position is None or not self.query:
            return super().__str__()
        line, column = pointed(self.query, self.position)
        head, caret = f"query: {line}", " " * (len("query: ") + column) + "^"
        lines = [f"{self.source}: {self.message}" if self.source else self.message, head, caret]
        return "\n".join([*lines, self.hint] if self.hint else lines)


def pointed(text: str, position: int, *, width: int = 100) -> tuple[str, int]:
    """Line of a text around a place, cut to a width, and the column of the place in it.

    Examples
    --------
    >>> pointed("a" + chr(10) + "b + * c", 6)
    ('b + * c', 4)
    >>> pointed("a" * 500, 300, width=20)
    ('…aaaaaaaaaaaaaaaaaa…', 10)
    """
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].split("\n", 1)[0]
    column = position - start
    if len(line) <= width:
        return line, column
    low = max(0, min(column - width // 2, len(line) - width))
    shown = line[low : low + width]
    if low:
        shown = "…" + shown[1:]
    if low + width < len(line):
        shown = shown[:-1] + "…"
    return shown, column - low


class EmptyAnswer(SourceError):
    """A valid query matched no series; never to be read as zero."""

    exit_code = 5


def raised_elsewhere(kind: str, message: str, hint: str) -> WorkbenchError:
    """Return an error that another process raised; of a kind that is not known here it is the base of all.

    What an error has besides its message and hint, such as the faults of a profile, stays with the other process.

    Examples
    --------
    >>> raised_elsewhere("CatalogError", "mine.yaml:3: no such key", "").message
    'mine.yaml:3: no such key'
    """
    kinds: list[type[WorkbenchError]] = [WorkbenchError]
    for each in kinds:  # grows while it is walked
        kinds += each.__subclasses__()
    raised = next((each for each in kinds if each.__name__ == kind), WorkbenchError)
    error = raised.__new__(raised)  # a constructor of its own makes the message of other arguments
    base = SourceError if isinstance(error, SourceError) else WorkbenchError
    base.__init__(error, message, hint=hint)
    return error
