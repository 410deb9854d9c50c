"""The dashboard as a web application, and who may ask it: browsers that mean this host, and pages of its own.

A page of another site can let its name point to 127.0.0.1 (DNS rebinding) and would then read a dashboard that listens
on the loopback address only. Its requests still carry its name, so ``Host`` and ``Origin`` are checked, for pages and
for websockets.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from streamlit.starlette import App

from workbench.core.shipped import shipped

#: Environment variable with the names that were allowed on the command line and in the settings.
HOSTS = "WORKBENCH_DASHBOARD_HOSTS"

Scope = MutableMapping[str, Any]
Call = Callable[..., Awaitable[Any]]

_REFUSED = (
    b"This dashboard does not answer under this name. If it should: workbench dashboard --allow-host NAME, "
    b"or dashboard_hosts in the settings.\n"
)


def allowed_names() -> frozenset[str]:
    """Return the names under which the dashboard answers: this host's, and those that were allowed."""
    own = {"localhost", socket.gethostname().lower()}
    return frozenset(own | {name.strip().lower() for name in os.environ.get(HOSTS, "").split(",") if name.strip()})


def may_ask(host: str, origin: str, names: frozenset[str]) -> bool:
    """Say whether a request may be answered.

    Parameters
    ----------
    host, origin : str
        The headers; a browser sends no origin for a page that was typed in.
    names : frozenset of str
        Names allowed; a literal address as host is no name, so it cannot have been made to point here.

    Examples
    --------
    >>> may_ask("127.0.0.1:8501", "", frozenset({"localhost"}))
    True
    >>> may_ask("evil.example:8501", "", frozenset({"localhost"}))
    False
    >>> may_ask("localhost:8501", "http://evil.example", frozenset({"localhost"}))
    False
    """
    name = _name("//" + host)
    if name is None or not (name in names or _is_address(name)):
        return False
    if not origin:
        return True
    said = urlsplit(origin)
    return said.netloc.lower() == host.lower() or (_name(origin) or "") in names


def _name(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        return parts.hostname if not parts.username and (parts.port is None or parts.port) else None
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class AllowedHosts:
    """Middleware that answers 421 to everybody else."""

    def __init__(self, app: Call, names: frozenset[str]) -> None:
        self.app, self.names = app, names

    async def __call__(self, scope: Scope, receive: Call, send: Call) -> None:
        """Answer, or refuse."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if may_ask(headers.get(b"host", ""), headers.get(b"origin", ""), self.names):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            plain = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 421, "headers": plain})
            await send({"type": "http.response.body", "body": _REFUSED})


app = App(shipped("pages", "app.py"), middleware=[Middleware(AllowedHosts, names=allowed_names())])
