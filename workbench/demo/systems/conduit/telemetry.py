"""Logs and traces of Conduit: a hundredth of the requests and tasks that the metrics count, and what happens rarely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.demo.engine.calls import NS, Call, kept, sampled, starts_and_stops
from workbench.demo.engine.day import Counts, Day, Floats
from workbench.demo.engine.flows import total
from workbench.demo.engine.records import Records
from workbench.demo.systems.conduit.exposed import BUCKETS
from workbench.demo.systems.conduit.infrastructure import TASKS
from workbench.demo.systems.conduit.places import ENDPOINTS, MODELS, SYSTEM, WORKER
from workbench.demo.systems.conduit.traffic import STATUSES, Line

#: One request in so many has log lines and a trace.
KEEP = 100
_LEVELS = {"200": ("INFO", "Information"), "400": ("INFO", "Information"), "429": ("WARN", "Warning")}
_MESSAGES = {
    "400": "the request has no messages",
    "429": "the rate limit of the provider is reached",
    "500": "the database did not answer",
    "502": "the provider answered with an error",
    "503": "no connection to a provider is free",
}
_FULL = 100.0


def record(
    day: Day, lines: Sequence[Line], answered: Mapping[str, Counts], tasks: Counts, budgets: Mapping[str, Floats]
) -> Records:
    """Return the log lines and spans of a day.

    Parameters
    ----------
    answered : mapping of endpoint to histogram by minute
        Durations of the answered requests.
    tasks : int64 array, (buckets, MINUTES)
        Histogram of the tasks' durations.
    budgets : mapping of key to percent spent in each minute
        How much of its budget each key has used. [percent]
    """
    records = Records(day.index)
    requests = [line for line in lines if line.use.target is not WORKER]
    for status, ends in STATUSES.items() if requests else ():
        chosen = kept(day, f"conduit/{status}", [total(line.flow, *ends) for line in requests], KEEP)
        for line, calls in zip(requests, chosen, strict=True):
            name = f"conduit/{line.use.key}/{line.model}/{status}"
            for call in sampled(day, name, calls, BUCKETS, answered[line.use.endpoint], inner=2):
                _request(records, line, status, call)
    for line in lines:
        if line.use.target is WORKER:
            _tasks(day, records, line, tasks)
    for key, percent in budgets.items():
        for minute in np.flatnonzero((percent[1:] >= _FULL) & (percent[:-1] < _FULL)).tolist():
            _log(
                records, (day.index * 1440 + minute + 1) * 60 * NS, "WARN", "Warning",
                f"virtual key {key} has spent its budget of the month", "budget", {"VirtualKeyId": key},
            )  # fmt: skip
    for at, restart, word, version in starts_and_stops(day):
        crashed = restart.reason == "crash" and word == "stopped"
        text = f"{word} version {version}" if version and word == "started" else f"{word} ({restart.reason})"
        level = ("FATAL", "Critical") if crashed else ("INFO", "Information")
        _log(records, at, *level, text, "system", {"Instance": restart.process})
    return records


def _log(
    records: Records, at: int, severity: str, level: str, message: str, event: str, more: Mapping[str, str],
    trace: str = "", span: str = "",
) -> None:  # fmt: skip
    records.log(
        at, severity, message, service=SYSTEM, event_type=event, trace_id=trace, span_id=span,
        attributes={"Level": level, **more},
    )  # fmt: skip


def _request(records: Records, line: Line, status: str, call: Call) -> None:
    use, provider = line.use, MODELS[line.model].provider
    target = ENDPOINTS[use.endpoint]
    severity, level = _LEVELS.get(status, ("ERROR", "Error"))
    failed = status.startswith("5")
    reason = f": {_MESSAGES[status]}" if status in _MESSAGES else ""
    _log(
        records, call.start_ns + call.length_ns, severity, level, f"POST {use.endpoint} {status}{reason}",
        "provider" if status in ("429", "502") else "request",
        {
            "Instance": target.instance, "VirtualKeyId": use.key, "Provider": provider, "Model": line.model,
            "StatusCode": status, "DurationMs": f"{call.length_ns / 1e6:.1f}", "sampled": f"1/{KEEP}",
        },
        call.trace, call.span,
    )  # fmt: skip
    outcome = "error" if failed else "ok"
    records.span(
        call.trace, call.span, "", call.start_ns, call.length_ns, service="conduit-api", operation="http.request",
        kind="server", status=outcome, weight=KEEP,
        attributes={
            "http.request.method": "POST", "http.route": use.endpoint, "http.response.status_code": status,
            "conduit.virtual_key_id": use.key, "service.instance.id": target.instance,
        },
    )  # fmt: skip
    looked = min(1_500_000, call.length_ns // 20)
    records.span(
        call.trace, call.more[0], call.span, call.start_ns, looked, service="conduit-api", operation="cache.get",
        kind="client", status="ok", weight=KEEP,
        attributes={"cache.region": "virtual-key", "cache.hit": "true" if call.chance < 0.95 else "false"},
    )  # fmt: skip
    if status in ("400", "503"):
        return
    records.span(
        call.trace, call.more[1], call.span, call.start_ns + looked, call.length_ns - 2 * looked,
        service="conduit-api", operation="provider.request", kind="client",
        status="ok" if status == "200" else "error", weight=KEEP,
        attributes={
            "gen_ai.provider.name": provider, "gen_ai.request.model": line.model,
            "gen_ai.usage.input_tokens": str(round(use.prompt * (0.5 + call.chance))),
            "gen_ai.usage.output_tokens": str(round(use.completion * (1.5 - call.chance))),
        },
    )  # fmt: skip


def _tasks(day: Day, records: Records, line: Line, tasks: Counts) -> None:
    for end in ("success", "provider", "limited"):
        status = "success" if end == "success" else "failure"
        name = f"conduit/tasks/{end}"
        (chosen,) = kept(day, name, [line.flow[end]], KEEP)
        for call in sampled(day, name, chosen, TASKS, tasks, inner=0):
            failed = end != "success"
            text = "failed at the provider" if failed else f"finished in {call.length_ns / NS:.1f} s"
            _log(
                records, call.start_ns + call.length_ns, "ERROR" if failed else "INFO",
                "Error" if failed else "Information", f"task image {text}", "task",
                {
                    "Instance": WORKER.instance, "VirtualKeyId": line.use.key, "Model": line.model,
                    "Provider": MODELS[line.model].provider, "DurationMs": f"{call.length_ns / 1e6:.1f}",
                    "sampled": f"1/{KEEP}",
                },
                call.trace, call.span,
            )  # fmt: skip
            records.span(
                call.trace, call.span, "", call.start_ns, call.length_ns, service="conduit-api",
                operation="task.process", kind="consumer", status="error" if failed else "ok", weight=KEEP,
                attributes={"task.type": "image", "task.status": status},
            )  # fmt: skip
