"""What Alertmanager wrote down: JSON lines of its event recorder, of webhooks and of its API.

The event recorder (since 0.33, behind a feature flag) knows every alert; a snapshot of the API knows those of its
moment; a webhook knows what was sent, so alerts that were silenced, inhibited, or over within ``group_wait`` are not
in it.
"""

from __future__ import annotations

import codecs
import glob
import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.core.errors import SourceUnavailable, WorkbenchError
from workbench.core.frames import EPISODES, check
from workbench.core.series import LabelKey
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange, from_ms
from workbench.query.alerts.lines import Recorded, Sighting, read_line

#: Columns of a table of notifications.
NOTIFICATIONS = ("time", "receiver", "integration", "group", "reason", "firing", "resolved", "muted")

_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)

_SENT_ONLY = (
    "Webhooks say what was sent: alerts that were silenced, inhibited or over within group_wait are not in them."
)


class AlertRecords:
    """A :class:`workbench.core.source.EpisodeSource` over files of JSON lines, plain or gzipped.

    Parameters
    ----------
    name : str
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
        rows = [vars(one) for one in recorded.sent if span.start_ms <= one.time_ms < span.end_ms]
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

    def recorded(self) -> Recorded:
        """Give all that the files say: sightings, messages, and alerts that were kept quiet.

        Raises
        ------
        SourceUnavailable
            A file is not there or cannot be read.
        """
        return self._read()[0]

    def _read(self) -> tuple[Recorded, list[str]]:
        whole = Recorded()
        unread, cut, mutes, webhooks = 0, 0, False, False
        for document in self._documents():
            try:
                part = read_line(document)
            except _UNREADABLE:
                unread += 1
                continue
            for name in ("seen", "sent", "muted", "silences"):
                getattr(whole, name).extend(getattr(part, name))
            mutes, webhooks, cut = mutes or part.mutes, webhooks or not part.mutes, cut + part.cut
        warnings = []
        if unread:
            warnings = [f"{unread:,} lines are no event and no webhook of Alertmanager, and are left out."]
        if cut:
            warnings.append(f"{cut:,} alerts were cut from messages (max_alerts of the receiver) and are not here.")
        return replace(whole, mutes=mutes, cut=cut), [*warnings, _SENT_ONLY] if webhooks else warnings

    def _documents(self) -> Iterator[Any]:
        """Give the documents of all files: one a line, or one over many lines; those of a list one by one."""
        for lines in self._files():
            rest: list[bytes] = []
            for line in lines:
                try:
                    whole = json.loads(line)
                except (ValueError, RecursionError):
                    whole = None
                if isinstance(whole, dict | list) and whole and line[:1] in (b"{", b"["):
                    yield from (*rest, *_items(whole))
                    rest = []
                    continue
                rest.append(line)
                if rest[0][:1] not in (b"{", b"["):
                    yield rest.pop()
                elif line.rstrip() in (b"}", b"]"):
                    try:
                        yield from _items(json.loads(b"".join(rest)))
                        rest = []
                    except (ValueError, RecursionError):
                        pass
            yield from rest

    def _files(self) -> Iterator[Iterator[bytes]]:
        files = [Path(each) for each in sorted(glob.glob(str(self._path)))]
        files = [each for one in files for each in (sorted(one.iterdir()) if one.is_dir() else [one])]
        if not files:
            raise SourceUnavailable(f"There is no file at {self._path}.", source=self._name, hint="Check path.")
        for file in files:
            try:
                with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
                    yield (line.removeprefix(codecs.BOM_UTF8) for line in lines if line.strip())
            except (OSError, EOFError) as error:
                raise SourceUnavailable(
                    f"{file} cannot be read: {error}.", source=self._name, hint="Is it still being written?"
                ) from None


def _items(document: Any) -> list[Any]:
    """Documents in a list; alerts in a list are one answer of the API."""
    if not isinstance(document, list):
        return [document]
    alerts = [each for each in document if isinstance(each, dict) and "startsAt" in each]
    return [{"data": document}] if document and len(alerts) == len(document) else document


def _moments(recorded: Recorded) -> list[int]:
    looks = [one.seen_ms for one in recorded.seen] + [one.seen_ms for one in recorded.muted]
    return looks + [one.time_ms for one in recorded.sent]


def episodes_of(seen: Iterable[Sighting], span: TimeRange, warnings: Iterable[str] = ()) -> pd.DataFrame:
    """Join sightings to episodes: one label set that fired since one instant is one episode, however often it was seen.

    An episode whose end nobody saw, though the alert fired anew later, ends where it was last seen (right-censored);
    the newest of a label set is open.

    Parameters
    ----------
    seen : iterable of Sighting
    span : TimeRange
    warnings : iterable of str
        Put into ``.attrs``.
    """
    by_alert: dict[LabelKey, dict[int, tuple[int, int | None]]] = {}
    for one in seen:
        starts = by_alert.setdefault(one.labels, {})
        last, ends = starts.get(one.starts_ms, (one.seen_ms, None))
        if one.ends_ms is not None:
            ends = one.ends_ms if ends is None else max(ends, one.ends_ms)
        starts[one.starts_ms] = (max(last, one.seen_ms), ends)
    rows = []
    for key, starts in by_alert.items():
        labels = dict(key)
        starts = _joined(starts)
        order = list(starts)
        for place, began in enumerate(order):
            last, ends = starts[began]
            lost = ends is None and place + 1 < len(order)
            if lost:
                ends = max(began, min(last, order[place + 1]))
            if began >= span.end_ms or (ends is not None and ends <= span.start_ms):
                continue
            rows.append(
                {
                    "alertname": labels.get("alertname", ""),
                    "severity": labels.get("severity", ""),
                    "labels": {name: text for name, text in labels.items() if name not in ("alertname", "severity")},
                    "active_at": began,
                    "starts_at": began,
                    "ends_at": ends,
                    "left_censored": False,
                    "right_censored": lost or ends is None,
                    "unknown_s": 0.0,
                }
            )
    frame = _frame(rows)
    frame.attrs["warnings"] = tuple(warnings)
    return frame


def _joined(starts: dict[int, tuple[int, int | None]]) -> dict[int, tuple[int, int | None]]:
    """Join what overlaps, by start: an alert that fires cannot begin, as one does whose two senders differ in clock."""
    joined: dict[int, tuple[int, int | None]] = {}
    began = None
    for start in sorted(starts):
        last, ends = starts[start]
        if began is not None:
            last_before, ends_before = joined[began]
            if start < (last_before if ends_before is None else ends_before):
                pair = ((last, ends), (last_before, ends_before))
                end = max((each for _, each in pair if each is not None), default=None)
                fires = end is not None and any(each is None and seen > end for seen, each in pair)
                joined[began] = (max(last, last_before), None if fires else end)
                continue
        joined[start] = (last, ends)
        began = start
    return joined


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(EPISODES.columns))
    for name in ("alertname", "severity"):
        frame[name] = frame[name].astype("str")
    for name in ("active_at", "starts_at", "ends_at"):
        frame[name] = pd.to_datetime(frame[name].astype("Int64"), unit="ms", utc=True).dt.as_unit("ms")
    for name in ("left_censored", "right_censored"):
        frame[name] = frame[name].astype("bool")
    frame["unknown_s"] = frame["unknown_s"].astype("float64")
    frame = frame.sort_values(["starts_at", "alertname"], kind="stable", ignore_index=True)
    return check(frame, EPISODES, where="Alertmanager")
