"""What Alertmanager wrote down: JSON lines of its event recorder and of webhooks, as episodes and notifications.

The event recorder (since 0.33, behind a feature flag) knows every alert; a webhook knows what was sent, so alerts that
were silenced, inhibited, or over within ``group_wait`` are not in it [1]_ [2]_.

References
----------
.. [1] prometheus/alertmanager, eventrecorder: label pairs up to 0.34, maps since 0.35.
.. [2] Prometheus, Alertmanager configuration, ``webhook_config``, version 4 of the payload.
"""

from __future__ import annotations

import glob
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.core.errors import SourceUnavailable, WorkbenchError
from workbench.core.frames import EPISODES, check
from workbench.core.series import LabelKey, label_key
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange, from_ms

#: Columns of a table of notifications.
NOTIFICATIONS = ("time", "receiver", "integration", "group", "reason", "firing", "resolved", "muted")

_SENT_ONLY = (
    "Webhooks say what was sent: alerts that were silenced, inhibited or over within group_wait are not in them."
)


@dataclass(frozen=True)
class Sighting:
    """One alert as it was seen once; times in ms since the epoch, ``ends_ms`` None while it fires."""

    labels: LabelKey
    seen_ms: int
    starts_ms: int
    ends_ms: int | None


@dataclass(frozen=True)
class Notification:
    """One message to one integration."""

    time_ms: int
    receiver: str
    integration: str
    group: str
    reason: str
    firing: int
    resolved: int
    muted: int


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
        seen, _, warnings = self._read()
        return episodes_of(seen, span, warnings)

    def notifications(self, span: TimeRange) -> pd.DataFrame:
        """Give the messages of ``[start, end)`` by time, with the columns of :data:`NOTIFICATIONS`."""
        _, sent, warnings = self._read()
        rows = [vars(one) for one in sent if span.start_ms <= one.time_ms < span.end_ms]
        frame = pd.DataFrame(rows, columns=["time_ms", *NOTIFICATIONS[1:]])
        frame.insert(0, "time", pd.to_datetime(frame.pop("time_ms"), unit="ms", utc=True).dt.as_unit("ms"))
        frame = frame.sort_values("time", kind="stable", ignore_index=True)
        frame.attrs["warnings"] = tuple(warnings)
        return frame

    def seen(self) -> TimeRange | None:
        """Return the first and the last moment of which the files tell; None when they hold no alert."""
        found, sent, _ = self._read()
        times = [one.seen_ms for one in found] + [one.time_ms for one in sent]
        return TimeRange.from_ms(min(times), max(times)) if times else None

    def state(self) -> SourceState:
        """Say whether the files can be read, and how new they are; never raises."""
        status, newest, detail, code = "unavailable", None, "", 0
        try:
            seen, sent, warnings = self._read()
            times = [one.seen_ms for one in seen] + [one.time_ms for one in sent]
            newest = from_ms(max(times)) if times else None
            status, detail = ("ok", " ".join(warnings)) if times else ("no_data", "The files hold no alert.")
        except WorkbenchError as error:
            detail, code = f"{error.message} {error.hint}".strip(), error.exit_code
        return SourceState(self._name, self.kind, self.location, status, "JSON lines", "", newest, detail, code)

    def _read(self) -> tuple[list[Sighting], list[Notification], list[str]]:
        seen: list[Sighting] = []
        sent: list[Notification] = []
        doubts: Counter[str] = Counter()
        webhooks = False
        for line in self._lines():
            try:
                document = json.loads(line)
                if "data" in document:
                    event_sightings, notification = _of_event(document)
                else:
                    event_sightings, notification = _of_webhook(document)
                    webhooks = True
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                doubts["lines are no event and no webhook of Alertmanager, and are left out"] += 1
                continue
            seen += event_sightings
            sent += [notification] if notification else []
        warnings = [f"{count:,} {text}." for text, count in doubts.items()]
        return seen, sent, [*warnings, _SENT_ONLY] if webhooks else warnings

    def _lines(self) -> Iterator[bytes]:
        files = [Path(each) for each in sorted(glob.glob(str(self._path)))]
        files = [each for one in files for each in (sorted(one.iterdir()) if one.is_dir() else [one])]
        if not files:
            raise SourceUnavailable(f"There is no file at {self._path}.", source=self._name, hint="Check path.")
        for file in files:
            try:
                with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
                    yield from (line for line in lines if line.strip())
            except (OSError, EOFError) as error:
                raise SourceUnavailable(
                    f"{file} cannot be read: {error}.", source=self._name, hint="Is it still being written?"
                ) from None


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
        order = sorted(starts)
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


def instant_ms(text: str | float | None) -> int | None:
    """Return an instant of Alertmanager, or of who wrote its webhook down; None for none and for Go's zero time.

    Examples
    --------
    >>> instant_ms("2026-11-21T19:49:31.754Z"), instant_ms(1795290571.754), instant_ms("0001-01-01T00:00:00Z")
    (1795290571754, 1795290571754, None)
    """
    if not text:
        return None
    if isinstance(text, int | float):
        return round(text * 1000)
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None if moment.year <= 1970 else round(moment.timestamp() * 1000)


def _of_webhook(document: Mapping[str, Any]) -> tuple[list[Sighting], Notification]:
    payload = document.get("payload") or document.get("body") or document
    arrival = next(
        (document[name] for name in ("received_at", "@timestamp", "timestamp", "time") if name in document), 0
    )
    alerts = payload["alerts"]
    seen_ms = instant_ms(arrival) or max((_latest(one) for one in alerts), default=0)
    seen = [_sighting(one["labels"], one, seen_ms, resolved=one["status"] == "resolved") for one in alerts]
    over = sum(one.ends_ms is not None for one in seen)
    reason = str(payload.get("notification_reason") or "")
    group, receiver = str(payload.get("groupKey") or ""), str(payload.get("receiver") or "")
    return seen, Notification(seen_ms, receiver, "webhook", group, reason, len(seen) - over, over, 0)


def _latest(alert: Mapping[str, Any]) -> int:
    return max(instant_ms(alert.get("startsAt")) or 0, instant_ms(alert.get("endsAt")) or 0)


def _of_event(document: Mapping[str, Any]) -> tuple[list[Sighting], Notification | None]:
    seen_ms = instant_ms(document.get("@timestamp") or document["timestamp"]) or 0
    data = document["data"]
    match data:
        case {"alertCreated": {"alert": alert}}:
            return [_sighting(_labels(alert.get("labels")), alert, seen_ms)], None
        case {"alertGrouped": {"alert": {"details": alert}}} | {"alertResolved": {"alert": {"details": alert}}}:
            return [_sighting(_labels(alert.get("labels")), alert, seen_ms)], None
        case {"notification": sent}:
            alerts = [one["details"] for one in sent.get("alerts") or () if "details" in one]
            group, integration = sent.get("groupInfo") or {}, sent.get("integration") or {}
            notification = Notification(
                seen_ms,
                str(group.get("receiverName") or ""),
                str(integration.get("name") or ""),
                str(group.get("groupKey") or ""),
                str(sent.get("reason") or "").removeprefix("NOTIFY_REASON_").lower(),
                len(sent.get("firingAlerts") or ()),
                len(sent.get("resolvedAlerts") or ()),
                len(sent.get("mutedAlerts") or ()),
            )
            return [_sighting(_labels(one.get("labels")), one, seen_ms) for one in alerts], notification
        case {**others} if others.keys() <= _WITHOUT_ALERTS:
            return [], None
    raise ValueError("another event")


_WITHOUT_ALERTS = {"alertmanagerStartupEvent", "alertmanagerShutdownEvent", "alertGrouped", "alertResolved",
                   "silenceCreated", "silenceUpdated", "silenceMutedAlert", "inhibitionMutedAlert"}  # fmt: skip


def _labels(labels: Any) -> Mapping[str, str]:
    """Label set of an event: a map since 0.35, a list of pairs before."""
    if isinstance(labels, dict) and isinstance(labels.get("labels"), list):
        return {str(pair["key"]): str(pair.get("value") or "") for pair in labels["labels"]}
    return labels or {}


def _sighting(
    labels: Mapping[str, str], alert: Mapping[str, Any], seen_ms: int, *, resolved: bool | None = None
) -> Sighting:
    starts = instant_ms(alert["startsAt"])
    if starts is None:
        raise ValueError("no start")
    over = bool(alert.get("resolved")) if resolved is None else resolved
    ends = instant_ms(alert.get("endsAt")) if over else None
    return Sighting(label_key(labels), seen_ms, starts, max(ends, starts) if ends is not None else None)
