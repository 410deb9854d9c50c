"""``/healthz``, ``/readyz`` and ``/metrics`` of the service, on a port of their own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from workbench import __version__
from workbench.core.errors import WorkbenchError
from workbench.core.timerange import to_ms
from workbench.service.supervisor import Supervisor
from workbench.store import Store

#: How long a check may take. [s]
_PATIENCE_S = 3.0


@dataclass(frozen=True)
class Check:
    """One thing that is looked at; ``message`` names no secret and no path."""

    name: str
    healthy: bool
    message: str
    duration_ms: float


@dataclass(frozen=True)
class Service:
    """What health and metrics are told from.

    Attributes
    ----------
    supervisor : Supervisor
    store : Store or None
    dashboard : str
        Address of the dashboard's own health check; empty where there is no dashboard here.
    began : float
        Start of the service. [s, monotonic]
    """

    supervisor: Supervisor
    store: Store | None
    dashboard: str
    began: float

    def checks(self) -> list[Check]:
        """Look at every part, the dashboard and the store."""
        named: dict[str, Callable[[], str]] = {
            child.part.name: lambda process=child: (
                "" if process.up else f"not running (last exit code {process.last_code})"
            )  # type: ignore[misc]
            for child in self.supervisor.running.values()
        }
        if self.dashboard:
            named["dashboard answers"] = lambda: _answers(self.dashboard)
        if self.store is not None:
            named["store"] = lambda: _opens(self.store)
        return [_checked(name, look) for name, look in named.items()]

    def document(self, *, ready: bool) -> tuple[int, dict[str, Any]]:
        """Return status and body: alive as long as the service answers, ready when every check passes."""
        checks = self.checks() if ready else []
        bad = [check.name for check in checks if not check.healthy]
        if self.supervisor.stopping.is_set():
            bad.append("the service is stopping")
        healthy = not (bad and ready)
        return (200 if healthy else 503), {
            "status": "healthy" if healthy else "unhealthy",
            "message": "All parts are running." if healthy else f"Not ready: {', '.join(bad)}.",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "uptime_seconds": round(time.monotonic() - self.began, 1),
            "version": __version__,
            "checks": [
                {"name": check.name, "status": "healthy" if check.healthy else "unhealthy", "message": check.message,
                 "duration_ms": check.duration_ms}
                for check in checks
            ],
        }  # fmt: skip


class ServiceMetrics(Collector):
    """Metrics of the service itself, read when a server scrapes them."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def collect(self) -> Iterator[Metric]:
        """Give the families."""
        yield InfoMetricFamily("workbench_build", "Version of the workbench.", {"version": __version__})
        up = GaugeMetricFamily("workbench_part_up", "1 where a part of the service runs.", labels=["part"])
        again = CounterMetricFamily("workbench_part_restarts", "Times a part was started again.", labels=["part"])
        for name, child in self.service.supervisor.running.items():
            up.add_metric([name], float(child.up))
            again.add_metric([name], child.restarts)
        yield from (up, again)
        if self.service.store is not None:
            yield from _of_store(self.service.store)


def _of_store(store: Store) -> Iterator[Metric]:
    readable = GaugeMetricFamily("workbench_store_up", "1 where the store could be read at this scrape.")
    try:
        collections = store.collections()
    except WorkbenchError:
        readable.add_metric([], 0.0)
        yield readable
        return
    readable.add_metric([], 1.0)
    labels = ["subject", "kind"]
    tried = GaugeMetricFamily(
        "workbench_collection_last_attempt_timestamp_seconds", "When a part was last tried to collect.", labels=labels
    )
    done = GaugeMetricFamily(
        "workbench_collection_last_success_timestamp_seconds", "When a part was last collected.", labels=labels
    )
    for collection in collections:
        tried.add_metric([collection.subject, collection.kind], to_ms(collection.tried) / 1000)
        if collection.succeeded is not None:
            done.add_metric([collection.subject, collection.kind], to_ms(collection.succeeded) / 1000)
    yield from (readable, tried, done)


@contextmanager
def health_server(service: Service, *, address: str, port: int) -> Iterator[int]:
    """Serve health and metrics in a thread; gives the port.

    Raises
    ------
    OSError
        The port is taken.
    """
    registry = CollectorRegistry()
    registry.register(ServiceMetrics(service))
    ProcessCollector(registry=registry)

    class Handler(BaseHTTPRequestHandler):
        timeout = 10
        server_version, sys_version = "workbench", ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
            elif path in ("/healthz", "/readyz"):
                status, body = service.document(ready=path == "/readyz")
                self._answer(status, "application/json", json.dumps(body).encode())
            else:
                self._answer(404, "text/plain; charset=utf-8", b"There are /healthz, /readyz and /metrics.\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Probes come every few seconds: they are no news."""

    server = ThreadingHTTPServer((address, port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def _checked(name: str, look: Callable[[], str]) -> Check:
    began = time.monotonic()
    why = look()
    return Check(name, not why, why or "OK", round((time.monotonic() - began) * 1000, 1))


def _answers(url: str) -> str:
    try:
        status = httpx.get(url, timeout=_PATIENCE_S, trust_env=False).status_code
    except httpx.HTTPError as error:
        return f"no answer ({type(error).__name__})"
    return "" if status == 200 else f"answers {status}"


def _opens(store: Store | None) -> str:
    try:
        if store is not None:
            store.newest_change("")
    except WorkbenchError as error:
        return f"cannot be read ({type(error).__name__})"
    return ""
