"""``workbench dashboard``: start Streamlit on the shipped pages."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from workbench.cli.shared.output import say


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


def serve(settings: Any, *, address: str, port: int, browser: bool, hosts: tuple[str, ...] = ()) -> NoReturn:
    """Become the dashboard, so that a signal to this process stops it; its settings travel by environment."""
    import workbench
    from workbench.core.shipped import shipped

    chosen = free_port(address, port)
    environment = {**os.environ, "WORKBENCH_HOME": str(settings.home), "WORKBENCH_ZONE": settings.zone}
    environment["WORKBENCH_DASHBOARD_HOSTS"] = ",".join((*settings.dashboard_hosts, *hosts))
    if settings.origin is not None:
        environment["WORKBENCH_CONFIG"] = str(settings.origin)
    command = [
        *(sys.executable, "-m", "streamlit", "run", str(Path(workbench.__file__).parent / "ui" / "server.py")),
        *("--server.address", address, "--server.port", str(chosen)),
        *("--server.headless", "false" if browser and os.environ.get("DISPLAY") else "true"),
    ]
    shown = f"[{address}]" if ":" in address else address
    say(f"Dashboard: http://{shown}:{chosen}  (stop with Ctrl+C)")
    if address not in ("127.0.0.1", "::1", "localhost"):
        say(f"It listens on {address}: anyone who reaches that address can read it.")
    sys.stderr.flush()
    os.chdir(shipped(".streamlit").parent)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.execve(sys.executable, command, environment)  # noqa: S606


@click.command()
@click.option("--port", type=int, default=8501, show_default=True, help="Port; the next free one is taken.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--allow-host", "hosts", multiple=True, help="Name under which browsers reach it; may be repeated.")
@click.option("--open/--no-open", "browser", default=True, help="Open the browser when there is one.")
@click.pass_obj
def dashboard(state: Any, port: int, address: str, hosts: tuple[str, ...], browser: bool) -> None:
    """Open the dashboard on the sources of the settings.

    It answers under an address, the name of this host and localhost; other names (a proxy's) are to be allowed.

    \b
    Examples:
      workbench dashboard
      workbench --config prod.toml dashboard --port 8600
      workbench dashboard --address 0.0.0.0 --allow-host slo.example.com
    """
    serve(state.settings, address=address, port=port, browser=browser, hosts=hosts)
