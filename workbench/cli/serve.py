"""``workbench serve``: dashboard, collector and scheduler as one service."""

from __future__ import annotations

import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import click

PARTS = ("dashboard", "collector", "scheduler")


@click.command()
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="This part alone; may be repeated.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Address the dashboard listens on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port of the dashboard.")
@click.option("--allow-host", "hosts", multiple=True, help="Name under which browsers reach it; may be repeated.")
@click.option("--every", default="5m", show_default=True, help="Time between two turns of the collector.")
@click.option("--health-address", default="127.0.0.1", show_default=True, help="Address of health and metrics.")
@click.option("--health-port", type=click.IntRange(1, 65535), default=9464, show_default=True,
              help="Port of /healthz, /readyz and /metrics.")  # fmt: skip
@click.option("--grace", type=click.FloatRange(min=0), default=10.0, show_default=True,
              help="Seconds a part may take to stop before it is killed.")  # fmt: skip
@click.pass_obj
def serve(
    state: Any,
    only: tuple[str, ...],
    address: str,
    port: int,
    hosts: tuple[str, ...],
    every: str,
    health_address: str,
    health_port: int,
    grace: float,
) -> None:
    """Run dashboard, collector and scheduler until a signal ends them.

    A part that dies is started again, after 1 s, then 2 s, up to a minute. Logs are JSON lines on stderr, with trace
    and span. SIGTERM stops all parts; docs/deploy.md has units and manifests.

    \b
    Examples:
      workbench serve
      workbench --config prod.toml serve --address 0.0.0.0 --allow-host slo.example.com
      workbench serve --only collector --only scheduler
    """
    from workbench.core.errors import ParameterError
    from workbench.core.timerange import duration_ms
    from workbench.service.health import Service, health_server
    from workbench.service.json_log import JsonLog
    from workbench.service.supervisor import Supervisor
    from workbench.store import open_store

    duration_ms(every)
    settings, wanted = state.settings, only or PARTS
    parts = [part for part in _parts(settings, address, port, hosts, every) if part.name in wanted]
    if "dashboard" in wanted:
        _check_free(address, port)
    log = JsonLog()
    supervisor = Supervisor(parts, log, grace_s=grace)
    probe = f"http://{_own(address)}:{port}/_stcore/health" if "dashboard" in wanted else ""
    service = Service(supervisor, open_store(settings), probe, time.monotonic())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stopping.set())
    try:
        with health_server(service, address=health_address, port=health_port) as bound:
            log.event("INFO", "The service starts.", parts=list(supervisor.running), address=address, port=port,
                      health=f"{health_address}:{bound}")  # fmt: skip
            supervisor.run()
    except OSError as error:
        raise ParameterError(
            f"Health cannot listen on {health_address}:{health_port}: {error.strerror}.", hint="Choose --health-port."
        ) from None
    log.event("INFO", "The service stopped.")


def _parts(settings: Any, address: str, port: int, hosts: tuple[str, ...], every: str) -> list[Any]:
    from workbench.cli.dashboard import dashboard_command, dashboard_environment
    from workbench.core.shipped import shipped
    from workbench.service.supervisor import Part

    environment = dashboard_environment(settings, hosts)
    own = [sys.executable, "-c", "from workbench.cli.main import main; main()"]
    return [
        Part(
            "dashboard",
            dashboard_command(settings, address=address, port=port, browser=False),
            shipped(".streamlit").parent,
            environment,
        ),
        Part("collector", [*own, "collect", "--every", every], Path.cwd(), environment),
        Part("scheduler", [*own, "schedule", "run"], Path.cwd(), environment),
    ]


def _own(address: str) -> str:
    """Address by which this process reaches what listens there."""
    chosen = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(address, address)  # noqa: S104
    return f"[{chosen}]" if ":" in chosen else chosen


def _check_free(address: str, port: int) -> None:
    from workbench.core.errors import ParameterError

    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise ParameterError(
                f"The dashboard cannot listen on {address}:{port}: {error.strerror}.", hint="Choose --port."
            ) from None
