"""One line that Alertmanager wrote: an event of its recorder, a webhook, or a snapshot of its API.

References
----------
.. [1] prometheus/alertmanager, eventrecorder: label pairs up to 0.34, maps since 0.35.
.. [2] Prometheus, Alertmanager configuration, ``webhook_config``, version 4 of the payload.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from workbench.core.series import LabelKey, label_key
from workbench.query.logs.times import time_of

#: Go's zero time, and what lies before 1971, are no time.
_NEVER = "0001-01-01"
_YEAR_1971_NS = 31_536_000_000_000_000


@dataclass(frozen=True)
class Sighting:
    """One alert as it was seen once; times in ms since the epoch, ``ends_ms`` None while it fires.

    Of an end that no message gives, ``ends_ms`` is the last instant at which it was seen, ``ends_by_ms`` the first at
    which it was over.
    """

    labels: LabelKey
    seen_ms: int
    starts_ms: int
    ends_ms: int | None
    ends_by_ms: int | None = None


@dataclass(frozen=True)
class Look:
    """All alerts that Alertmanager had at one moment: when each began. [ms since the epoch]"""

    seen_ms: int
    alerts: Mapping[LabelKey, int]


@dataclass(frozen=True)
class Notification:
    """One message to one integration; ``alerts`` has start [ms] and whether it fires of each."""

    time_ms: int
    receiver: str
    integration: str
    group: str
    reason: str
    firing: int
    resolved: int
    muted: int
    alerts: tuple[tuple[LabelKey, int, bool], ...] = ()


@dataclass(frozen=True)
class Muting:
    """An alert that Alertmanager kept quiet when it was seen; ``names`` are silences or inhibiting alerts."""

    labels: LabelKey
    seen_ms: int
    by: Literal["silence", "inhibition"]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Recorded:
    """What lines of Alertmanager say.

    Attributes
    ----------
    seen : list of Sighting
    sent : list of Notification
    muted : list of Muting
    silences : list of dict
        As the API gives them.
    looks : list of Look
        Snapshots of the API.
    mutes : bool
        Whether the lines are of a kind that says which alerts were kept quiet.
    sends : bool
        Whether they are of a kind that says what was sent.
    cut : int
        Alerts that messages left out (``max_alerts`` of the receiver). [count]
    """

    seen: list[Sighting] = field(default_factory=list)
    sent: list[Notification] = field(default_factory=list)
    muted: list[Muting] = field(default_factory=list)
    silences: list[dict[str, Any]] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    mutes: bool = False
    sends: bool = False
    cut: int = 0


def joined(parts: Iterable[Recorded], endings: Iterable[Sighting] = ()) -> Recorded:
    """Join what several lines say, and the ends that follow from their looks."""
    whole = Recorded(seen=list(endings))
    mutes = sends = False
    cut = 0
    for part in parts:
        for name in ("seen", "sent", "muted", "silences", "looks"):
            getattr(whole, name).extend(getattr(part, name))
        mutes, sends = mutes or part.mutes, sends or part.sends
        cut += part.cut
    return replace(whole, mutes=mutes, sends=sends, cut=cut)


def instant_ms(text: str | float | None) -> int | None:
    """Return an instant of Alertmanager, or of who wrote its webhook down; None for none and for Go's zero time.

    Examples
    --------
    >>> instant_ms("2026-11-21T19:49:31.754Z"), instant_ms(1795290571.754), instant_ms(1795290571754)
    (1795290571754, 1795290571754, 1795290571754)
    >>> instant_ms("0001-01-01T00:00:00Z")
    """
    if not text or str(text).startswith(_NEVER):
        return None
    read = time_of(text)
    if read is None:
        raise ValueError(f"{text!r} is no time")
    return None if read[0] < _YEAR_1971_NS else round(read[0] / 1e6)


def read_line(document: Mapping[str, Any]) -> Recorded:
    """Read an event, a webhook or a snapshot.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        It is none of them.
    """
    if isinstance(document.get("data"), list):
        return _of_snapshot({"alerts": document["data"]})
    if "data" in document:
        return _of_event(document)
    if "silences" in document or "groups" in document:
        return _of_snapshot(document)
    return _of_webhook(document)


def _of_snapshot(document: Mapping[str, Any]) -> Recorded:
    """Read the answers of ``/api/v2/alerts`` and ``/api/v2/silences`` of one moment."""
    alerts = [alert for alert in document.get("alerts") or () if isinstance(alert, dict)]
    silences = [silence for silence in document.get("silences") or () if isinstance(silence, dict)]
    arrival = next((document[name] for name in _ARRIVAL if name in document), 0)
    known = [instant_ms(alert.get(name)) or 0 for alert in alerts for name in ("updatedAt", "startsAt")]
    seen_ms = instant_ms(arrival) or max(known, default=0)
    seen, muted = [], []
    for alert in alerts:
        ends, status = instant_ms(alert.get("endsAt")), alert.get("status")
        status = status if isinstance(status, dict) else {}
        seen.append(_sighting(_labels(alert["labels"]), alert, seen_ms, resolved=ends is not None and ends <= seen_ms))
        for by, key in _MUTED_BY.items():
            names = tuple(str(name) for name in status.get(key) or ())
            if names:
                muted.append(Muting(label_key(_labels(alert["labels"])), seen_ms, by, names))
    fires = {each.labels: each.starts_ms for each in seen if each.ends_ms is None}
    looks = [Look(seen_ms, fires)] if "alerts" in document and seen_ms else []
    return Recorded(seen, [], muted, silences, looks, mutes=True)


_ARRIVAL = ("received_at", "@timestamp", "timestamp", "time")
_MUTED_BY: dict[Literal["silence", "inhibition"], str] = {"silence": "silencedBy", "inhibition": "inhibitedBy"}


def _of_webhook(document: Mapping[str, Any]) -> Recorded:
    payload = document.get("payload") or document.get("body") or document
    payload = json.loads(payload) if isinstance(payload, str) else payload
    arrival = next((document[name] for name in _ARRIVAL if name in document), 0)
    alerts = payload["alerts"]
    seen_ms = instant_ms(arrival) or max((_latest(alert) for alert in alerts), default=0)
    seen = [
        _sighting(_labels(alert["labels"]), alert, seen_ms, resolved=alert["status"] == "resolved") for alert in alerts
    ]
    over = sum(alert.ends_ms is not None for alert in seen)
    reason = str(payload.get("notification_reason") or "")
    group, receiver = str(payload.get("groupKey") or ""), str(payload.get("receiver") or "")
    contents = tuple((alert.labels, alert.starts_ms, alert.ends_ms is None) for alert in seen)
    sent = Notification(seen_ms, receiver, "webhook", group, reason, len(seen) - over, over, 0, contents)
    return Recorded(seen, [sent], sends=True, cut=int(payload.get("truncatedAlerts") or 0))


def _latest(alert: Mapping[str, Any]) -> int:
    return max(instant_ms(alert.get("startsAt")) or 0, instant_ms(alert.get("endsAt")) or 0)


def _of_event(document: Mapping[str, Any]) -> Recorded:
    seen_ms = instant_ms(document.get("@timestamp") or document["timestamp"]) or 0
    data = document["data"]
    match data:
        case {"alertCreated": {"alert": alert}}:
            return Recorded([_sighting(_labels(alert.get("labels")), alert, seen_ms)], mutes=True, sends=True)
        case {"alertGrouped": {"alert": {"details": alert}}} | {"alertResolved": {"alert": {"details": alert}}}:
            return Recorded([_sighting(_labels(alert.get("labels")), alert, seen_ms)], mutes=True, sends=True)
        case {"notification": sent}:
            alerts = [alert["details"] for alert in sent.get("alerts") or () if "details" in alert]
            group, integration = sent.get("groupInfo") or {}, sent.get("integration") or {}
            seen = [_sighting(_labels(alert.get("labels")), alert, seen_ms) for alert in alerts]
            firing = {str(alert.get("hash")) for alert in sent.get("firingAlerts") or ()}
            hashes = [str(alert.get("hash")) for alert in sent.get("alerts") or () if "details" in alert]
            contents = tuple(
                (alert.labels, alert.starts_ms, key in firing) for alert, key in zip(seen, hashes, strict=True)
            )
            notification = Notification(
                seen_ms,
                str(group.get("receiverName") or ""),
                str(integration.get("name") or ""),
                str(group.get("groupKey") or ""),
                str(sent.get("reason") or "").removeprefix("NOTIFY_REASON_").lower(),
                len(sent.get("firingAlerts") or ()),
                len(sent.get("resolvedAlerts") or ()),
                len(sent.get("mutedAlerts") or ()),
                contents,
            )
            return Recorded(seen, [notification], mutes=True, sends=True)
        case {"silenceMutedAlert": body}:
            silence = body.get("silence") or {}
            return Recorded([], [], [_muting(body, seen_ms, "silence", [silence.get("id")])], mutes=True, sends=True)
        case {"inhibitionMutedAlert": body}:
            by = body.get("inhibitingFingerprints") or ()
            return Recorded([], [], [_muting(body, seen_ms, "inhibition", by)], mutes=True, sends=True)
        case {**others} if others.keys() <= _WITHOUT_ALERTS:
            return Recorded(mutes=True, sends=True)
    raise ValueError("another event")


def _muting(
    body: Mapping[str, Any], seen_ms: int, by: Literal["silence", "inhibition"], names: Iterable[Any]
) -> Muting:
    labels = _labels(body["mutedAlert"].get("labels"))
    return Muting(label_key(labels), seen_ms, by, tuple(str(name) for name in names if name))


_WITHOUT_ALERTS = {"alertmanagerStartupEvent", "alertmanagerShutdownEvent", "alertGrouped", "alertResolved",
                   "silenceCreated", "silenceUpdated"}  # fmt: skip


def _labels(labels: Any) -> Mapping[str, str]:
    """Label set of an event: a map since 0.35, a list of pairs before."""
    if isinstance(labels, dict) and isinstance(labels.get("labels"), list):
        labels = {str(pair["key"]): pair.get("value") for pair in labels["labels"]}
    texts = {str(name): "" if value is None else value for name, value in dict(labels or {}).items()}
    if not all(isinstance(value, str | int | float) for value in texts.values()):
        raise TypeError("a label is no text")
    return {name: str(value) for name, value in texts.items()}


def _sighting(
    labels: Mapping[str, str], alert: Mapping[str, Any], seen_ms: int, *, resolved: bool | None = None
) -> Sighting:
    starts = instant_ms(alert["startsAt"])
    if starts is None:
        raise ValueError("no start")
    over = bool(alert.get("resolved")) if resolved is None else resolved
    key = label_key(labels)
    if not over:
        return Sighting(key, seen_ms, starts, None)
    ends = instant_ms(alert.get("endsAt"))
    return (
        Sighting(key, seen_ms, starts, starts, seen_ms)
        if ends is None
        else Sighting(key, seen_ms, starts, max(ends, starts))
    )
