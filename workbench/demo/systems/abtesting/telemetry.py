"""Logs and traces of the platform: a tenth of the requests that the metrics count, and what happens rarely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.demo.engine.calls import NS, Call, kept, sampled, starts_and_stops
from workbench.demo.engine.day import Day
from workbench.demo.engine.records import Records
from workbench.demo.systems.abtesting.places import BUCKETS, EVALUATIONS, LOGIN, MODELS, SYSTEM, TESTS
from workbench.demo.systems.abtesting.requests import Answered

#: One request in so many is kept: the sampling of the document.
KEEP = 10
_LEVELS = {"401": ("WARN", "WARNING"), "429": ("WARN", "WARNING"), "5": ("ERROR", "ERROR")}
_REASONS = {
    "401": "wrong password",
    "429": "rate limit exceeded",
    "500": "unexpected error",
    "503": "database connection failed",
}
#: Endpoint -> module, function and line of the code that writes the line.
_CODE = {
    TESTS.path: ("api.tests", "list_tests", "58"),
    LOGIN.path: ("api.auth", "login", "41"),
    EVALUATIONS.path: ("api.evaluations", "evaluate", "112"),
}


def record(day: Day, answered: Sequence[Answered]) -> Records:
    """Return the log lines and spans of a day."""
    records = Records(day.index)
    for status in dict.fromkeys(status for answer in answered for status in answer.flow):
        ending = [answer for answer in answered if status in answer.flow]
        chosen = kept(day, f"abtesting/{status}", [answer.flow[status] for answer in ending], KEEP)
        for answer, calls in zip(ending, chosen, strict=True):
            name = f"abtesting{answer.endpoint.path}/{status}"
            for call in sampled(day, name, calls, BUCKETS, answer.held, inner=4):
                _line(records, answer, status, call)
                _spans(records, answer, status, call)
    for event, level in day.of("auth_attack"):
        for minute in np.flatnonzero(level)[::5].tolist():
            at = (day.index * 1440 + minute) * 60 * NS + 30 * NS
            text = f"many failing sign-ins from one network: {level[minute]:.0f} a minute"
            _write(records, at, "ERROR", "ERROR", text, "security", {"context.correlation_id": f"sec_{event.id}"})
    for at, restart, word, version in starts_and_stops(day):
        crashed = restart.reason == "crash" and word == "stopped"
        text = f"application {word}" + (f", version {version}" if version and word == "started" else "")
        severity, word = ("FATAL", "CRITICAL") if crashed else ("INFO", "INFO")
        _write(records, at, severity, word, text, "system", {"instance": restart.process, "reason": restart.reason})
    return records


def _write(
    records: Records, at: int, severity: str, level: str, message: str, event: str, more: Mapping[str, str],
    trace: str = "", span: str = "",
) -> None:  # fmt: skip
    records.log(
        at, severity, message, service=SYSTEM, event_type=event, trace_id=trace, span_id=span,
        attributes={"level": level, **more},
    )  # fmt: skip


def _line(records: Records, answer: Answered, status: str, call: Call) -> None:
    endpoint = answer.endpoint
    severity, level = _LEVELS.get(status, _LEVELS.get(status[0], ("INFO", "INFO")))
    module, function, line = _CODE[endpoint.path]
    event = "error" if status.startswith("5") else "security" if status in ("401", "429") else "request"
    reason = f": {_REASONS[status]}" if status in _REASONS else ""
    _write(
        records, call.start_ns + call.length_ns, severity, level, f"{endpoint.method} {endpoint.path} {status}{reason}",
        event,
        {
            "context.correlation_id": f"req_{call.trace[:10]}",
            "context.user_id": f"user_{int(call.trace[:4], 16) % 90}",
            "context.session_id": f"sess_{call.trace[4:10]}",
            "metadata.module": module, "metadata.function": function, "metadata.line": line,
            "metadata.ip_address": f"10.0.{int(call.span[:2], 16)}.{int(call.span[2:4], 16)}",
            "metadata.user_agent": "Mozilla/5.0" if endpoint is not EVALUATIONS else "llm-ab-client/1.0",
            "metadata.duration_ms": f"{call.length_ns / 1e6:.1f}",
            "sampled": f"1/{KEEP}",
        },
        call.trace, call.span,
    )  # fmt: skip


def _spans(records: Records, answer: Answered, status: str, call: Call) -> None:
    endpoint, failed = answer.endpoint, status.startswith("5")
    _span(
        records, call, call.span, "", 0.0, 1.0, "http.request", "server", "error" if failed else "ok",
        {
            "http.request.method": endpoint.method, "http.route": endpoint.path,
            "http.response.status_code": status, "service.instance.id": endpoint.target.instance,
        },
    )  # fmt: skip
    first, second, third, fourth = call.more
    if endpoint is not TESTS:
        wrong = status == "401"
        _span(
            records, call, first, call.span, 0.01, 0.12, "authentication", "internal", "error" if wrong else "ok",
            {
                "auth.method": "password" if endpoint is LOGIN else "api_key",
                "auth.result": "failure" if wrong else "success",
            },
        )  # fmt: skip
    if status in ("401", "429", "400"):
        return
    operation, table = ("insert", "evaluations") if endpoint is EVALUATIONS else ("select", "tests")
    gone = status == "503"
    _span(
        records, call, second, call.span, 0.85, 0.1, "db.query", "client", "error" if gone else "ok",
        {"db.operation.name": operation, "db.collection.name": table},
    )  # fmt: skip
    if endpoint is TESTS:
        _span(
            records, call, third, call.span, 0.05, 0.05, "cache.operation", "client", "ok",
            {"db.system.name": "redis", "db.operation.name": "get"},
        )  # fmt: skip
    if endpoint is EVALUATIONS and not gone:
        outcome = "error" if failed else "ok"
        provider = "openai" if call.chance < 0.5 else "anthropic"
        _, read, written, _, _ = MODELS[provider]
        _span(records, call, third, call.span, 0.14, 0.7, "business_operation", "internal", outcome, {})
        _span(
            records, call, fourth, third, 0.16, 0.66, "model_inference", "client", outcome,
            {"model_provider": provider, "tokens_used": str(round((read + written) * (0.5 + call.chance)))},
        )  # fmt: skip


def _span(
    records: Records, call: Call, span: str, parent: str, after: float, share: float, operation: str, kind: str,
    status: str, attributes: Mapping[str, str],
) -> None:  # fmt: skip
    records.span(
        call.trace, span, parent, call.start_ns + int(call.length_ns * after), int(call.length_ns * share),
        service=SYSTEM, operation=operation, kind=kind, status=status, weight=KEEP, attributes=attributes,
    )  # fmt: skip
