"""Log files as a source: every line becomes a row or part of one, and the answer says how well they were read."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from workbench.catalog.profile.model import Profile
from workbench.core.counting import counted_lines
from workbench.core.errors import SourceUnavailable
from workbench.core.filters import LogFilter
from workbench.core.settings import SourceSettings
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange, from_ms
from workbench.query.logs.dates import order_of
from workbench.query.logs.files.lines import Coverage, file_lines, log_name
from workbench.query.logs.files.merge import Merged
from workbench.query.logs.lines import continues, parsed_line
from workbench.query.logs.match import checked, matching
from workbench.query.logs.rows import LogRows, no_rows, note_parsed
from workbench.query.logs.shape import LogShape, settings_shape

KIND = "logfiles"

_CHUNK = 10_000


class LogFileSource:
    """A :class:`~workbench.core.source.LogSource` over the files that a pattern names.

    Parameters
    ----------
    name : str
        Name in the settings.
    path : Path
        File, folder, or pattern of a shell; ``**`` looks into folders below.
    shape : LogShape, optional
        Where records keep what the columns of LOGS want.
    """

    kind = KIND

    def __init__(self, name: str, path: Path, shape: LogShape | None = None) -> None:
        self._name, self._path = name, path
        self._shape = shape or LogShape()

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings) -> LogFileSource:
        """Build a source from its part of the settings file."""
        return cls(name, settings.path or Path(), settings_shape(settings))

    def reading(self, profile: Profile) -> LogFileSource:
        """Return this source for the logs of one system."""
        return LogFileSource(self._name, self._path, self._shape.reading(profile))

    def __repr__(self) -> str:
        return f"LogFileSource({self._name!r}, {str(self._path)!r})"

    @property
    def name(self) -> str:
        """Name in the settings."""
        return self._name

    def files(self) -> list[Path]:
        """Files the pattern names now, by name.

        Raises
        ------
        SourceUnavailable
            There are none.
        """
        pattern = str(self._path / "**") if self._path.is_dir() else str(self._path)
        files = sorted(path for path in map(Path, glob.glob(pattern, recursive=True)) if path.is_file())
        if not files:
            raise SourceUnavailable(
                f"No file matches {self._path}.",
                source=self._name,
                hint="Check path of this source, and who may read it.",
            )
        return files

    def logs(self, wanted: LogFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give the lines of ``[start, end)`` that pass, oldest first, each exactly once: LOGS in pieces.

        ``.attrs["coverage"]`` says what became of all lines of the files
        (:meth:`workbench.query.logs.files.lines.Coverage.to_dict`); it is whole in the last piece, which is empty where
        nothing passes.

        Raises
        ------
        ParameterError
            A regular expression is not RE2, or there is native text: files have no language.
        SourceUnavailable
            No file matches.
        """
        wanted = checked(wanted, KIND)
        coverage = Coverage()
        merged = Merged(self._pieces(wanted, span, coverage))
        last = no_rows()
        for piece in merged:
            if len(last):
                yield last
            last = piece
        coverage.counts["repeated"] = merged.repeated
        last.attrs = {"source": self._name, "coverage": coverage.to_dict(), "warnings": coverage.warnings()}
        yield last

    def log_counts(self, wanted: LogFilter, span: TimeRange, *, step_ms: int, by: Sequence[str] = ()) -> pd.DataFrame:
        """Count lines a step: :func:`workbench.core.counting.counted_lines`. Raises as :meth:`logs`."""
        warnings: dict[str, object] = {}

        def read() -> Iterator[pd.DataFrame]:
            for piece in self.logs(wanted, span):
                warnings.update(piece.attrs)
                yield piece

        frame = counted_lines(read(), span, step_ms=step_ms, by=by)
        frame.attrs = warnings
        return frame

    def state(self) -> SourceState:
        """Say whether there are files and when the newest was written; never raises."""
        status, newest, detail, code = "ok", None, "", 0
        try:
            files = self.files()
            newest = from_ms(int(max(path.stat().st_mtime for path in files) * 1000))
            detail = f"{len(files):,} files, {sum(path.stat().st_size for path in files) / 1e6:,.1f} MB."
        except SourceUnavailable as error:
            status, detail, code = "unavailable", f"{error.message} {error.hint}", error.exit_code
        except OSError as error:
            status, detail, code = "unavailable", str(error), SourceUnavailable.exit_code
        return SourceState(self._name, self.kind, str(self._path), status, "files", "", newest, detail, code)

    def _pieces(self, wanted: LogFilter, span: TimeRange, coverage: Coverage) -> Iterator[tuple[str, pd.DataFrame]]:
        for path in self.files():
            for frame in _frames(path, self._shape, coverage):
                passing = matching(frame, wanted, span)
                if len(passing):
                    yield log_name(path), passing


def _frames(path: Path, shape: LogShape, coverage: Coverage) -> Iterator[pd.DataFrame]:
    """Rows of one file in pieces; a line that belongs to the one before is put into its message."""
    order = shape.dates or order_of(file_lines(path, Coverage()))
    rows = LogRows(shape, written_ns=_written_ns(path), order=order)
    counts = coverage.counts
    before: str = ""
    time_ns: int | None = None
    for line in file_lines(path, coverage):
        if not line.strip():
            counts["blank"] += 1
            continue
        parsed = parsed_line(line)
        if parsed.kind == "text" and len(rows) and "level" not in parsed.record and continues(parsed.text, before):
            rows.extend_message(parsed.text)
            counts["continued"] += 1
            before = parsed.text
            continue
        if len(rows) >= _CHUNK:
            yield rows.frame()
        undated, levels = rows.undated, rows.unknown_levels + rows.no_levels
        rows.add(parsed.record, otherwise_ns=time_ns)
        understood = not (parsed.broken or rows.undated > undated)
        counts["not_understood"] += not understood
        known = rows.unknown_levels + rows.no_levels == levels
        note_parsed(coverage.parsers, parsed.kind, understood=understood, level=known)
        counts[parsed.kind] += 1
        counts["broken"] += parsed.broken
        before, time_ns = parsed.text, rows.last_ns() or time_ns
    if len(rows):
        yield rows.frame()
    for name in ("naive", "partial", "undated", "unordered", "unplaced", "unknown_levels", "no_levels"):
        counts[name] += getattr(rows, name)


def _written_ns(path: Path) -> int | None:
    """When a file was last written: its lines are not younger, whatever year they leave out. [ns]"""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
