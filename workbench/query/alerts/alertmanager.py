"""Alertmanager's API v2: what fires now, in which groups, what is silenced, and how the server does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.core.errors import AnswerUnreadable, WorkbenchError
from workbench.core.series import label_key
from workbench.core.settings import SourceSettings
from workbench.core.source import SourceState
from workbench.core.timerange import DAY_MS, TimeRange, from_ms, to_ms
from workbench.query.alerts.lines import Sighting, instant_ms
from workbench.query.alerts.records import AlertRecords
from workbench.query.alerts.sightings import episodes_of
from workbench.query.http.client import BackendClient
from workbench.query.http.failures import clean
from workbench.query.http.reading import in_time
from workbench.query.http.shapes import typed_answers

#: What the alerts of an Alertmanager that nobody looked at before do not say.
NOW_ONLY = (
    "Alertmanager keeps no history: these are the alerts of now. For the past, let `workbench collect --every 1m` look "
    "at it, set path to the JSON lines of its event recorder or of a webhook, or ask a Prometheus for ALERTS."
)

#: Silences that ended longer ago than this are in no snapshot. [ms]
_OVER_MS = DAY_MS


@typed_answers("Alertmanager")
class AlertmanagerSource:
    """A :class:`workbench.core.source.EpisodeSource` over the API v2 of Alertmanager; it only reads.

    Parameters
    ----------
    name : str
        Name of the source in the settings.
    web : BackendClient
        Client of the server, with its address and credentials.
    clock : callable
        Gives the aware instant "now".
    """

    kind = "alertmanager"

    def __init__(
        self, name: str, web: BackendClient, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._name, self.web, self._clock = name, web, clock

    @property
    def name(self) -> str:
        """Short name from the settings."""
        return self._name

    @property
    def location(self) -> str:
        """Base address, without credentials."""
        return self.web.location

    def alerts(self) -> pd.DataFrame:
        """Give the alerts of now.

        Returns
        -------
        DataFrame
            ``alertname``, ``severity`` (str), ``labels`` (map), ``starts_at``, ``updated_at`` [UTC], ``state``
            (``active``, ``suppressed``, ``unprocessed``), ``silenced_by``, ``inhibited_by``, ``receivers``
            (comma-separated), by start.
        """
        rows = []
        for alert in self._list("/api/v2/alerts"):
            labels, status = _texts(alert.get("labels")), alert.get("status") or {}
            rows.append(
                {
                    "alertname": labels.pop("alertname", ""),
                    "severity": labels.pop("severity", ""),
                    "labels": labels,
                    "starts_at": instant_ms(alert.get("startsAt")),
                    "updated_at": instant_ms(alert.get("updatedAt")),
                    "state": str(status.get("state") or ""),
                    "silenced_by": _joined(status.get("silencedBy")),
                    "inhibited_by": _joined(status.get("inhibitedBy")),
                    "receivers": _joined(each.get("name") for each in alert.get("receivers") or ()),
                }
            )
        columns = ["alertname", "severity", "labels", "starts_at", "updated_at", "state", "silenced_by", "inhibited_by"]
        return _timed(pd.DataFrame(rows, columns=[*columns, "receivers"]), "starts_at", "updated_at")

    def groups(self) -> pd.DataFrame:
        """Give the groups of now: ``receiver``, ``labels`` (map), ``alerts``, ``suppressed`` [count]."""
        rows = []
        for group in self._list("/api/v2/alerts/groups"):
            alerts = group.get("alerts") or []
            states = [(each.get("status") or {}).get("state") for each in alerts]
            rows.append(
                {
                    "receiver": clean(str((group.get("receiver") or {}).get("name") or "")),
                    "labels": _texts(group.get("labels")),
                    "alerts": len(alerts),
                    "suppressed": states.count("suppressed"),
                }
            )
        return pd.DataFrame(rows, columns=["receiver", "labels", "alerts", "suppressed"])

    def silences(self) -> pd.DataFrame:
        """Give the silences, those that are over too, as long as Alertmanager keeps them.

        Returns
        -------
        DataFrame
            ``id``, ``state`` (``active``, ``pending``, ``expired``), ``matchers`` (text), ``created_by``, ``comment``
            (str), ``starts_at``, ``ends_at``, ``updated_at`` [UTC], by start.
        """
        rows = [
            {
                **{name: clean(str(silence.get(key) or "")) for name, key in _SILENCE_TEXTS.items()},
                "state": str((silence.get("status") or {}).get("state") or ""),
                "matchers": ", ".join(_matcher(each) for each in silence.get("matchers") or ()),
                **{name: instant_ms(silence.get(key)) for name, key in _SILENCE_TIMES.items()},
            }
            for silence in self._list("/api/v2/silences")
        ]
        columns = ["id", "state", "matchers", "created_by", "comment", *_SILENCE_TIMES]
        return _timed(pd.DataFrame(rows, columns=columns), *_SILENCE_TIMES)

    def snapshot(self) -> dict[str, Any]:
        """Give alerts and silences of now, as a line of :mod:`workbench.query.alerts.lines`.

        Equal states give equal documents: rows are sorted, and what only says that Prometheus repeated an alert is not
        in them.
        """
        now = to_ms(self._clock())
        alerts = [
            {
                "labels": {clean(name): clean(text) for name, text in _texts(alert.get("labels")).items()},
                "startsAt": str(alert["startsAt"]),
                "status": {key: sorted(map(str, (alert.get("status") or {}).get(key) or ())) for key in _MUTED_BY},
            }
            for alert in self._list("/api/v2/alerts")
            if instant_ms(alert.get("startsAt")) is not None and (instant_ms(alert.get("endsAt")) or now + 1) > now
        ]
        silences = [
            {
                **{key: clean(str(silence.get(key) or "")) for key in (*_SILENCE_TEXTS.values(), "startsAt", "endsAt")},
                "matchers": [_matcher_fields(each) for each in silence.get("matchers") or () if isinstance(each, dict)],
            }
            for silence in self._list("/api/v2/silences")
            if (instant_ms(silence.get("endsAt")) or now) > now - _OVER_MS
        ]
        by_text = partial(json.dumps, sort_keys=True)
        return {"alerts": sorted(alerts, key=by_text), "silences": sorted(silences, key=by_text)}

    def status(self) -> dict[str, str]:
        """Give version, start and cluster of the server; its configuration is not read, it may hold secrets."""
        status = self.web.document("/api/v2/status")
        if not isinstance(status, dict) or not isinstance(status.get("versionInfo"), dict):
            raise AnswerUnreadable("The answer is not one of Alertmanager's API v2.", source=self._name)
        cluster = status.get("cluster") or {}
        return {
            "version": clean(str(status["versionInfo"].get("version") or "")),
            "uptime": clean(str(status.get("uptime") or "")),
            "cluster": clean(str(cluster.get("status") or "")),
            "peers": str(len(cluster.get("peers") or ())),
        }

    def episodes(self, span: TimeRange) -> pd.DataFrame:
        """Give the alerts of now that overlap ``[start, end)`` as open episodes; ``.attrs`` says it is no history."""
        now = to_ms(self._clock())
        seen = []
        for alert in self._list("/api/v2/alerts"):
            starts, ends = instant_ms(alert.get("startsAt")), instant_ms(alert.get("endsAt"))
            if starts is not None:
                over = ends if ends is not None and ends <= now else None
                seen.append(Sighting(label_key(_texts(alert.get("labels"))), now, starts, over))
        return episodes_of(seen, span, [NOW_ONLY])

    def state(self) -> SourceState:
        """Say whether the server answers; never raises. Its newest data is now, as it keeps no history."""
        status, engine, detail, code, newest = "unavailable", "Alertmanager", "", 0, None
        try:
            facts = self.status()
            engine = f"Alertmanager {facts['version']}".strip()
            newest, status = from_ms(to_ms(self._clock())), "ok"
            detail = (
                "" if facts["cluster"] in ("ready", "disabled") else f"Its cluster is {facts['cluster'] or 'unknown'}."
            )
        except WorkbenchError as error:
            detail, code = f"{error.message} {error.hint}".strip(), error.exit_code
        return SourceState(self._name, self.kind, self.location, status, engine, "", newest, detail, code)

    def _list(self, path: str) -> Iterator[dict[str, Any]]:
        reply = self.web.reply(path)
        answer = self.web.json(reply)
        if not isinstance(answer, list):
            raise AnswerUnreadable(
                f"The answer to {path} is no list.", source=self._name, hint="Is it an Alertmanager?"
            )
        return in_time((row for row in answer if isinstance(row, dict)), reply.until)


_MUTED_BY = ("silencedBy", "inhibitedBy")
_SILENCE_TEXTS = {"id": "id", "created_by": "createdBy", "comment": "comment"}
_SILENCE_TIMES = {"starts_at": "startsAt", "ends_at": "endsAt", "updated_at": "updatedAt"}


def opened(name: str, settings: SourceSettings) -> AlertmanagerSource | AlertRecords:
    """Open a server or the files of one, as the settings say."""
    if settings.url:
        return AlertmanagerSource(name, BackendClient.from_settings(name, settings, api="Alertmanager"))
    return AlertRecords(name, Path(settings.path or ""))


def _matcher(matcher: dict[str, Any]) -> str:
    sign = {(True, False): "=", (True, True): "=~", (False, False): "!=", (False, True): "!~"}
    op = sign[bool(matcher.get("isEqual", True)), bool(matcher.get("isRegex"))]
    return clean(f'{matcher.get("name")}{op}"{matcher.get("value")}"')


def _matcher_fields(matcher: dict[str, Any]) -> dict[str, Any]:
    texts = {key: clean(str(matcher.get(key) or "")) for key in ("name", "value")}
    return {**texts, "isRegex": bool(matcher.get("isRegex")), "isEqual": bool(matcher.get("isEqual", True))}


def _texts(labels: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in (labels or {}).items()}


def _joined(names: Any) -> str:
    return ", ".join(clean(str(name)) for name in names or ())


def _timed(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    for name in columns:
        frame[name] = pd.to_datetime(frame[name].astype("Int64"), unit="ms", utc=True).dt.as_unit("ms")
    return frame.sort_values(columns[0], kind="stable", ignore_index=True)
