"""A whole Jaeger, built from its Go module by `make jaeger`; it keeps spans in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.programs import ROOT, Server, free_port, running

PROGRAM = ROOT / ".servers" / "jaeger" / "jaeger"

_PORTS = ("query.grpc-server", "collector.otlp.grpc", "collector.grpc-server", "collector.http-server", "admin.http")


@dataclass(frozen=True)
class Jaeger:
    """A running Jaeger: its query service, and where it takes OTLP over HTTP."""

    server: Server
    otlp: str


@contextmanager
def jaeger(directory: Path) -> Iterator[Jaeger]:
    """Run one on ports of its own."""
    otlp = free_port()
    ports = {name: free_port() for name in _PORTS}

    def command(port: int) -> list[str | Path]:
        return [
            PROGRAM, f"--query.http-server.host-port=127.0.0.1:{port}",
            f"--collector.otlp.http.host-port=127.0.0.1:{otlp}",
            *(f"--{name}.host-port=127.0.0.1:{other}" for name, other in ports.items()), "--log-level=error",
        ]  # fmt: skip

    with running(command, directory, ready="/api/services") as server:
        yield Jaeger(server, f"http://127.0.0.1:{otlp}/v1/traces")
