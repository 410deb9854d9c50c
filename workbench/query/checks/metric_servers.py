"""What a check finds out about a server beyond that it answers: clock, oldest data, limits, permissions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise

from workbench.core.errors import SettingsError, SourceError, SourceUnavailable
from workbench.core.settings import SourceSettings
from workbench.core.source import SourceFact
from workbench.core.units import span_text
from workbench.query.http.failures import clean
from workbench.query.http.login import login_of
from workbench.query.http.transport import HttpTransport, ask
from workbench.query.metrics.prometheus import PrometheusSource
from workbench.query.metrics.stores import DIFFERENCES

#: A clock that is off by more than this makes "now" another moment at the server. [s]
SKEWED_S = 5.0

#: How far back samples are looked for, longest last. [days]
_BACK = (1, 7, 30, 90, 365, 730)

#: Endpoints that a question needs beside queries, and which.
_NEEDED = {
    "/api/v1/rules": "rules and their health",
    "/api/v1/alerts": "alerts of now",
    "/api/v1/targets": "targets and their health",
    "/api/v1/metadata": "units and types of metrics",
}


def clock_fact(name: str, settings: SourceSettings, now: datetime) -> SourceFact | None:
    """Compare a server's clock, from the ``Date`` of any answer, with ours; None for what is no server.

    The header has whole seconds, so half a second is added to it.
    """
    if not settings.url:
        return None
    try:
        transport = HttpTransport(settings.url, login_of(settings))
        reply = ask(transport, "GET", "/", (), timeout_s=min(settings.timeout_s, 10), attempts=1)
        server_time = parsedate_to_datetime(reply.headers.get("date", ""))
    except (SourceError, SettingsError):
        return None
    except (TypeError, ValueError):
        return SourceFact(name, "clock", "unknown", "Its answers carry no date.")
    ahead = (server_time.astimezone(UTC) + timedelta(milliseconds=500) - now).total_seconds()
    if abs(ahead) <= SKEWED_S:
        return SourceFact(name, "clock", "ok", f"Its clock is ours to within {SKEWED_S:g} s.")
    side = "ahead of" if ahead > 0 else "behind"
    text = f"Its clock is {span_text(abs(ahead))} {side} ours: ranges that end now miss or invent data."
    return SourceFact(name, "clock", "warning", text)


def encryption_fact(name: str, settings: SourceSettings) -> SourceFact | None:
    """Warn of credentials that travel in the clear to another machine; certificates are always verified."""
    named = any(not isinstance(value, str) for value in settings.headers.values())
    secret = bool(settings.password or settings.bearer or named)
    local = any(host in settings.url for host in ("://localhost", "://127.", "://[::1]"))
    if not secret or local or not settings.url.startswith("http://"):
        return None
    return SourceFact(name, "encryption", "warning", "Credentials are sent unencrypted: use https.")


def prometheus_facts(source: PrometheusSource, now: datetime) -> Iterator[SourceFact]:
    """Give what a server that speaks PromQL says of its data, its limits and what it lets us see."""
    server = source.server()
    for sentence in DIFFERENCES.get(server.product, ()):
        yield SourceFact(source.name, "differs", "ok", f"{server.product}: {sentence}")
    yield _reach_back(source, now)
    yield _limits(source)
    for path, use in _NEEDED.items():
        fact = _permission(source, path, use)
        if fact is not None:
            yield fact


def _reach_back(source: PrometheusSource, now: datetime) -> SourceFact:
    """Look for samples at instants ever further back; the oldest lie between the last that has some and the next."""
    held: int | None = None
    for days in _BACK:
        answer = source.instant("count(last_over_time(up[1h]))", now - timedelta(days=days))
        if not len(answer.labels):
            break
        held = days
    further = dict(pairwise(_BACK)).get(held or 0)
    if held is None:
        return SourceFact(source.name, "oldest", "warning", "It holds no samples of up a day ago.")
    until = f", but not {further}" if further else ""
    return SourceFact(source.name, "oldest", "ok", f"It holds samples of {held} days ago{until}.")


def _limits(source: PrometheusSource) -> SourceFact:
    try:
        flags = source.document("/api/v1/status/flags")
        info = source.document("/api/v1/status/runtimeinfo")
    except SourceError:
        return SourceFact(source.name, "limits", "unknown", "It does not tell its limits.")
    names = {
        "query.max-samples": "samples a query",
        "query.timeout": "timeout",
        "query.lookback-delta": "lookback",
        "query.max-concurrency": "queries at a time",
    }
    parts = [f"{use} {clean(str(flags[name]), 40)}" for name, use in names.items() if flags.get(name)]
    kept = info.get("storageRetention") if isinstance(info, dict) else None
    parts += [f"retention {clean(str(kept), 40)}"] if kept else []
    return SourceFact(source.name, "limits", "ok", ", ".join(parts) or "It names no limits.")


def _permission(source: PrometheusSource, path: str, use: str) -> SourceFact | None:
    try:
        source.document(path)
    except SourceUnavailable as error:
        refused = "refuses our credentials" in error.message
        status = "warning" if refused else "unknown"
        why = "It refuses us" if refused else "It does not offer"
        return SourceFact(source.name, "permissions", status, f"{why} {use} ({path}).")
    except SourceError as error:
        return SourceFact(source.name, "permissions", "unknown", f"{use}: {error.message}")
    return None
