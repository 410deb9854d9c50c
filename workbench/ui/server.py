"""Run the dashboard: the shipped pages with the shipped look, wherever the command is started from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.core.shipped import shipped


def options() -> dict[str, Any]:
    """Return the options of the shipped ``.streamlit/config.toml`` by dotted name.

    Streamlit itself looks for that file in the working folder only, and there is none beside an installed package.

    Examples
    --------
    >>> options()["browser.gatherUsageStats"]
    False
    """
    return dict(_flat(tomllib.loads(shipped(".streamlit", "config.toml").read_text(encoding="utf-8"))))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def run(*, address: str = "127.0.0.1", port: int = 8501, headless: bool = True) -> None:
    """Serve the dashboard until it is interrupted.

    Parameters
    ----------
    address : str
        Interface to listen on; anything but loopback shows the numbers to the network.
    port : int
        TCP port.
    headless : bool
        Do not open a browser.
    """
    from streamlit.web import bootstrap

    chosen = options() | {"server.address": address, "server.port": port, "server.headless": headless}
    bootstrap.load_config_options(chosen)
    bootstrap.run(str(shipped("pages", "app.py")), False, [], chosen)
