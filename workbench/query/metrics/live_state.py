"""What a server says of itself and keeps no history of: targets, rules, alerts, silences; as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from workbench.core.errors import QueryTooExpensive, SourceError
from workbench.query.http import failures
from workbench.query.http.reading import read_json
from workbench.query.http.shapes import typed_by
from workbench.query.http.transport import HttpTransport, ask
from workbench.query.metrics.prometheus import PrometheusSource

#: More rows than this of one kind are refused: a list without its end would say that the rest is gone. [count]
MAX_ROWS = 5_000

Document = list[dict[str, Any]]


@typed_by("Prometheus")
def targets(source: PrometheusSource) -> Document:
    """Return the active targets: ``job``, ``instance``, ``health``, ``error``."""
    answer = source.document("/api/v1/targets", [("state", "active")])
    return _rows(
        answer.get("activeTargets"),
        lambda target: {
            **_text(target.get("labels"), "job", "instance"),
            **_text(target, "health"),
            "error": _of(target, "lastError"),
        },
    )


@typed_by("Prometheus")
def rules(source: PrometheusSource) -> Document:
    """Return the rules: ``group``, ``name``, ``type``, ``query``, ``health``, ``error``."""
    groups = source.document("/api/v1/rules").get("groups") or []
    flat = [{**rule, "group": group.get("name")} for group in groups for rule in group.get("rules") or []]
    return _rows(
        flat, lambda rule: {**_text(rule, "group", "name", "type", "query", "health"), "error": _of(rule, "lastError")}
    )


@typed_by("Prometheus")
def alerts(source: PrometheusSource) -> Document:
    """Return the active alerts: ``labels``, ``state``, ``active_at``."""
    rows = source.document("/api/v1/alerts").get("alerts")
    return _rows(
        rows,
        lambda alert: {
            "labels": _labels(alert.get("labels")),
            "state": _of(alert, "state"),
            "active_at": _of(alert, "activeAt"),
        },
    )


@typed_by("Alertmanager")
def silences(source: PrometheusSource, alertmanager: str) -> Document:
    """Return the silences of an Alertmanager that are not over: matchers, times, author, comment."""
    path = "/api/v2/silences"
    transport = HttpTransport(alertmanager)
    try:
        reply = ask(transport, "GET", path, (), timeout_s=source.timeout_s)
        if not 200 <= reply.status < 300:
            raise failures.of_reply(reply.status, reply.body, reply.content_type, query="", path=path)
        rows = read_json(reply.body, limit=reply.limit, until=reply.until)
        if not isinstance(rows, list):
            raise ValueError("no list")
    except SourceError as error:
        error.source = error.source or alertmanager
        raise
    except (ValueError, RecursionError) as error:
        raise failures.of_text(bytes(reply.body), reply.content_type, ValueError(str(error))) from None
    live = [row for row in rows if isinstance(row, dict) and (row.get("status") or {}).get("state") != "expired"]
    return _rows(
        live,
        lambda silence: {
            **_text(silence, "id", "startsAt", "endsAt", "createdBy", "comment"),
            "matchers": [_matcher(each) for each in silence.get("matchers") or []],
        },
    )


def _matcher(matcher: Any) -> dict[str, Any]:
    """One matcher; Alertmanagers before 0.22 know no ``isEqual`` and mean equal."""
    phrase = matcher if isinstance(matcher, dict) else {}
    return {
        **_text(matcher, "name", "value"),
        "regex": bool(phrase.get("isRegex", False)),
        "equal": bool(phrase.get("isEqual", True)),
    }


def _rows(answer: Any, row: Callable[[dict[str, Any]], dict[str, Any]]) -> Document:
    if len(answer or []) > MAX_ROWS:
        raise QueryTooExpensive(
            f"The server lists {len(answer):,} rows; at most {MAX_ROWS:,} are kept, and a part of them would say that "
            "the rest is gone.",
            hint="Alerts and rules are read from their samples as well; nothing is written down of this list.",
        )
    rows = [row(item) for item in (answer or []) if isinstance(item, dict)]
    return sorted(rows, key=lambda item: json.dumps(item, sort_keys=True))


def _of(document: dict[str, Any], name: str) -> str:
    return failures.clean(str(document.get(name) or ""))


def _text(document: Any, *names: str) -> dict[str, str]:
    return {name: _of(document, name) for name in names} if isinstance(document, dict) else dict.fromkeys(names, "")


def _labels(labels: Any) -> dict[str, str]:
    return {failures.clean(str(name)): failures.clean(str(value)) for name, value in dict(labels or {}).items()}
