"""``workbench dashboard``: start Streamlit on the shipped pages."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any, NoReturn

import click

from workbench.cli.shared.output import say

#: Most processes that compute answers beside the dashboard, whatever the number of cores.
MOST_WORKERS = 4


def free_port(address: str, wanted: int, tries: int = 50) -> int:
    """Return the first free port from ``wanted`` on."""
    from workbench.core.errors import ParameterError

    for port in range(wanted, min(wanted + tries, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise ParameterError(f"No free port from {wanted} on at {address}.", hint="Choose another with --port.")


def dashboard_command(settings: Any, *, address: str, port: int, browser: bool) -> list[str]:
    """Return the command that runs the dashboard.

    Raises
    ------
    SettingsError
        Others would reach it, and the settings do not say who may see what.
    """
    settings.access.check_address(address)
    return [
        *(sys.executable, "-m", "workbench.ui.launch"),
        *("--server.address", address, "--server.port", str(port)),
        *("--server.headless", "false" if browser and os.environ.get("DISPLAY") else "true"),
    ]


def dashboard_environment(settings: Any, hosts: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the environment by which settings reach the dashboard."""
    environment = {**os.environ, "WORKBENCH_HOME": str(settings.home), "WORKBENCH_ZONE": settings.zone}
    environment["WORKBENCH_DASHBOARD_HOSTS"] = ",".join((*settings.dashboard_hosts, *hosts))
    # The peer is who connects, never who a header says it is: the server would believe X-Forwarded-For of loopback.
    environment["FORWARDED_ALLOW_IPS"] = ""
    environment.setdefault("MALLOC_ARENA_MAX", "2")  # each of many threads would keep memory of its own
    environment.setdefault("WORKBENCH_DASHBOARD_WORKERS", str(min(MOST_WORKERS, os.cpu_count() or 1)))
    if settings.origin is not None:
        environment["WORKBENCH_CONFIG"] = str(settings.origin)
    return environment


def serve(settings: Any, *, address: str, port: int, browser: bool, hosts: tuple[str, ...] = ()) -> NoReturn:
    """Become the dashboard, so that a signal to this process stops it; its settings travel by environment."""
    from workbench.core.settings.access import is_loopback
    from workbench.core.shipped import shipped

    settings.access.check_address(address)
    chosen = free_port(address, port)
    command = dashboard_command(settings, address=address, port=chosen, browser=browser)
    shown = f"[{address}]" if ":" in address else address
    say(f"Dashboard: http://{shown}:{chosen}  (stop with Ctrl+C)")
    if settings.access.open and not is_loopback(address):
        say(f"It listens on {address} with open = true: anyone who reaches that address can read everything.")
    sys.stderr.flush()
    os.chdir(shipped(".streamlit").parent)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.execve(sys.executable, command, dashboard_environment(settings, hosts))  # noqa: S606


@click.command()
@click.option("--port", type=int, default=8501, show_default=True, help="Port; the next free one is taken.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--allow-host", "hosts", multiple=True, help="Name under which browsers reach it; may be repeated.")
@click.option("--open/--no-open", "browser", default=True, help="Open the browser when there is one.")
@click.pass_obj
def dashboard(state: Any, port: int, address: str, hosts: tuple[str, ...], browser: bool) -> None:
    """Open the dashboard on the sources of the settings.

    On another address than this machine's own it asks for sign-in, as [access] of the settings says (docs/access.md).
    It answers under an address, the name of this host and localhost; other names (a proxy's) are to be allowed.

    \b
    Examples:
      workbench dashboard
      workbench --config prod.toml dashboard --port 8600
      workbench dashboard --address 0.0.0.0 --allow-host slo.example.com
    """
    serve(state.settings, address=address, port=port, browser=browser, hosts=hosts)
