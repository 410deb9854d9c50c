"""Logs and traces of ChoreoAI: a sample of the requests that the metrics count, and what happens rarely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.demo.engine.calls import NS, Call, kept, sampled, starts_and_stops
from workbench.demo.engine.day import Day
from workbench.demo.engine.records import Records
from workbench.demo.systems.choreo.places import BUCKETS, ENDPOINT, SYSTEM, Model, Provider
from workbench.demo.systems.choreo.requests import ProviderCall

#: One request in so many is kept. The document keeps every trace; the demo stays small.
KEEP = 25
_USERS = 60


def record(day: Day, provider_calls: Sequence[ProviderCall]) -> Records:
    """Return the log lines and spans of a day."""
    records = Records(day.index)
    used = [(call, model) for call in provider_calls for model in (call.provider.usual, call.provider.dearer) if model]
    for end in dict.fromkeys(end for call, model in used for end in call.flows[model.name]):
        chosen = kept(day, f"choreo/{end}", [call.flows[model.name][end] for call, model in used], KEEP)
        for (provider_call, model), calls in zip(used, chosen, strict=True):
            name = f"choreo/{provider_call.provider.name}/{model.name}/{end}"
            for call in sampled(day, name, calls, BUCKETS, provider_call.held, inner=2):
                _lines(records, provider_call.provider, model, end, call)
                _spans(records, provider_call.provider, model, end, call)
    for event, level in day.of("provider_limit"):
        for minute in np.flatnonzero(level)[::10].tolist():
            at = (day.index * 1440 + minute) * 60 * NS
            for provider in event.where.get("provider", ()):
                more = {"provider": provider, "module": "providers", "function": "check_limit", "line": "77"}
                _log(records, at, "WARN", "WARNING", "Provider rate limit approaching", "rate_limit", more)
    for at, restart, word, version in starts_and_stops(day):
        crashed = restart.reason == "crash" and word == "stopped"
        text = f"Service {word}" + (f", version {version}" if version and word == "started" else "")
        more = {"module": "main", "function": "lifespan", "line": "31", "instance": restart.process}
        _log(records, at, "FATAL" if crashed else "INFO", "CRITICAL" if crashed else "INFO", text, "system", more)
    return records


def _log(
    records: Records, at: int, severity: str, level: str, message: str, event: str, more: Mapping[str, str],
    trace: str = "", span: str = "",
) -> None:  # fmt: skip
    records.log(
        at, severity, message, service=SYSTEM, event_type=event, trace_id=trace, span_id=span,
        attributes={"level": level, "logger": SYSTEM, **more},
    )  # fmt: skip


def _lines(records: Records, provider: Provider, model: Model, end: str, call: Call) -> None:
    failed = end in ("raised", "502", "500")
    common = {
        "request_id": f"{call.trace[:8]}-{call.trace[8:12]}", "provider": provider.name,
        "user_id": f"user-{int(call.trace[:4], 16) % _USERS}", "sampled": f"1/{KEEP}",
    }  # fmt: skip
    after = call.start_ns + call.length_ns
    if end in ("502", "raised", "429"):
        where = {"module": "providers", "function": "request", "line": "143"}
        _log(
            records, after - call.length_ns // 50, "ERROR", "ERROR", "Provider request failed", "provider_failed",
            {**common, **where}, call.trace, call.span,
        )  # fmt: skip
    where = {"module": "middleware", "function": "logging_middleware", "line": "24" if end != "raised" else "37"}
    if end == "raised":
        _log(
            records,
            after,
            "ERROR",
            "ERROR",
            "Request failed",
            "request_failed",
            {**common, **where},
            call.trace,
            call.span,
        )
        return
    severity = "ERROR" if failed else "INFO"
    _log(
        records, after, severity, severity, "Request completed", "request_completed",
        {**common, **where, "model": model.name, "status_code": end}, call.trace, call.span,
    )  # fmt: skip


def _spans(records: Records, provider: Provider, model: Model, end: str, call: Call) -> None:
    failed = end in ("raised", "500", "502")
    outcome = "error" if failed else "ok"
    used = str(round((model.read + model.written) * (0.5 + call.chance))) if end == "200" else "0"
    shown: list[tuple[str, str, float, str, str, dict[str, str]]] = [
        (
            call.span, "", 0.0, "http.request", "server",
            {
                "http.request.method": "POST", "http.route": ENDPOINT,
                "http.response.status_code": "500" if end == "raised" else end,
                "service.instance.id": provider.target.instance,
            },
        ),
    ]  # fmt: skip
    if end not in ("400", "500"):
        outer, inner = call.more
        attributes = {"provider": provider.name, "model": model.name, "tokens_used": used}
        shown.append((outer, call.span, 0.02, "chat_completion", "internal", attributes))
        shown.append((inner, outer, 0.03, "provider_request", "client", {}))
        outcome = "ok" if end == "200" else "error"
    for span, parent, after, operation, kind, attributes in shown:
        status = outcome if parent or failed else "ok"
        records.span(
            call.trace, span, parent, call.start_ns + int(call.length_ns * after),
            int(call.length_ns * (1 - 2 * after)), service=SYSTEM, operation=operation, kind=kind, status=status,
            weight=KEEP, attributes=attributes,
        )  # fmt: skip
