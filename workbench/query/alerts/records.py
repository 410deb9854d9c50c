"""What Alertmanager wrote down: JSON lines of its event recorder, of webhooks and of its API.

The event recorder (since 0.33, behind a feature flag) knows every alert; a snapshot of the API knows those of its
moment; a webhook knows what was sent, so alerts that were silenced, inhibited, or over within ``group_wait`` are not
in it.
"""

from __future__ import annotations

import glob
import gzip
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from workbench.core.errors import SourceUnavailable, WorkbenchError
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange, from_ms
from workbench.query.alerts.documents import documents_of
from workbench.query.alerts.lines import Look, Recorded, joined, read_line
from workbench.query.alerts.sightings import endings, episodes_of, watchers

#: Columns of a table of notifications.
NOTIFICATIONS = ("time", "receiver", "integration", "group", "reason", "firing", "resolved", "muted")

_SENT_ONLY = (
    "Webhooks say what was sent: alerts that were silenced, inhibited or over within group_wait are not in them."
)


class AlertRecords:
    """A :class:`workbench.core.source.EpisodeSource` over files of JSON lines, plain or gzipped.

    Parameters
    ----------
    name : str
        Name of the source in the settings.
    path : Path
        A file, a folder, or the pattern of a shell.
    """

    kind = "alertmanager"

    def __init__(self, name: str, path: Path) -> None:
        self._name, self._path = name, path

    @property
    def name(self) -> str:
        """Short name from the settings."""
        return self._name

    @property
    def location(self) -> str:
        """Where the files are."""
        return str(self._path)

    def episodes(self, span: TimeRange) -> pd.DataFrame:
        """Give the episodes that overlap ``[start, end)``: EPISODES, by start.

        Raises
        ------
        SourceUnavailable
            A file is not there or cannot be read.
        """
        recorded, warnings = self._read()
        return episodes_of(recorded.seen, span, warnings)

    def notifications(self, span: TimeRange) -> pd.DataFrame:
        """Give the messages of ``[start, end)`` by time, with the columns of :data:`NOTIFICATIONS`."""
        recorded, warnings = self._read()
        rows = [vars(message) for message in recorded.sent if span.start_ms <= message.time_ms < span.end_ms]
        frame = pd.DataFrame(rows, columns=["time_ms", *NOTIFICATIONS[1:]])
        frame.insert(0, "time", pd.to_datetime(frame.pop("time_ms"), unit="ms", utc=True).dt.as_unit("ms"))
        frame = frame.sort_values("time", kind="stable", ignore_index=True)
        frame.attrs["warnings"] = tuple(warnings)
        return frame

    def seen(self) -> TimeRange | None:
        """Return the first and the last moment of which the files tell; None when they hold no alert."""
        times = _moments(self._read()[0])
        return TimeRange.from_ms(min(times), max(times)) if times else None

    def state(self) -> SourceState:
        """Say whether the files can be read, and how new they are; never raises."""
        status, newest, detail, code = "unavailable", None, "", 0
        try:
            recorded, warnings = self._read()
            times = _moments(recorded)
            newest = from_ms(max(times)) if times else None
            status, detail = ("ok", " ".join(warnings)) if times else ("no_data", "The files hold no alert.")
        except WorkbenchError as error:
            detail, code = f"{error.message} {error.hint}".strip(), error.exit_code
        return SourceState(self._name, self.kind, self.location, status, "JSON lines", "", newest, detail, code)

    def recorded(self, span: TimeRange | None = None) -> Recorded:
        """Give all that the files say: sightings, messages, and alerts that were kept quiet, also outside of ``span``.

        Raises
        ------
        SourceUnavailable
            A file is not there or cannot be read.
        """
        return self._read()[0]

    def _read(self) -> tuple[Recorded, list[str]]:
        parts: list[Recorded] = []
        looks: list[list[Look]] = []
        unread = 0
        for file in self._files():
            looks.append([])
            for document in documents_of(self._lines(file)):
                try:
                    parts.append(read_line(document))
                except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
                    unread += 1
                    continue
                looks[-1] += parts[-1].looks
        whole = joined(parts, endings(watchers(looks)))
        warnings = []
        if unread:
            warnings = [f"{unread:,} lines are no event and no webhook of Alertmanager, and are left out."]
        if whole.cut:
            warnings.append(
                f"{whole.cut:,} alerts were cut from messages (max_alerts of the receiver) and are not here."
            )
        webhooks = any(not part.mutes for part in parts)
        return whole, [*warnings, _SENT_ONLY] if webhooks else warnings

    def _files(self) -> list[Path]:
        files = [Path(each) for each in sorted(glob.glob(str(self._path)))]
        files = [each for path in files for each in (sorted(path.iterdir()) if path.is_dir() else [path])]
        if not files:
            raise SourceUnavailable(f"There is no file at {self._path}.", source=self._name, hint="Check path.")
        return files

    def _lines(self, file: Path) -> Iterator[bytes]:
        try:
            with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
                yield from lines
        except (OSError, EOFError) as error:
            raise SourceUnavailable(
                f"{file} cannot be read: {error}.", source=self._name, hint="Is it still being written?"
            ) from None


def _moments(recorded: Recorded) -> list[int]:
    seen = [alert.seen_ms for alert in recorded.seen] + [alert.seen_ms for alert in recorded.muted]
    return seen + [message.time_ms for message in recorded.sent] + [look.seen_ms for look in recorded.looks]
