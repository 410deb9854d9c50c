"""Who may ask the dashboard: browsers that mean this host, pages of its own, and people whom a trusted proxy names.

A page of another site can let its name point to 127.0.0.1 (DNS rebinding) and would then read a dashboard that listens
on the loopback address only. Its requests still carry its name, so ``Host`` and ``Origin`` are checked, for pages and
for websockets.

Whom an authenticating proxy names is believed only where the peer of the connection is the proxy of the settings.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from workbench.core.settings.access import ProxySettings
from workbench.ui.parts.reader import GROUPS_HEADER, USER_HEADER

#: Environment variable with the names that were allowed on the command line and in the settings.
HOSTS = "WORKBENCH_DASHBOARD_HOSTS"

Scope = MutableMapping[str, Any]
Call = Callable[..., Awaitable[Any]]
Headers = list[tuple[bytes, bytes]]

_OWN = {name.lower().encode() for name in (USER_HEADER, GROUPS_HEADER)}

#: Says "ok" and nothing else; probes have no name.
_HEALTH = "/_stcore/health"

_NOBODY = b"You are not signed in. Open the dashboard at the address of its proxy.\n"

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
    address = urlsplit(origin)
    return address.netloc.lower() == host.lower() or (_name(origin) or "") in names


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
        else:
            await _refuse(scope, send, 421, 4403, _REFUSED)


class ProxyUsers:
    """Middleware that takes the user's name from the headers of a trusted proxy, and from nobody else.

    The name goes on as a header of ours; one that came from outside is taken out. Who has none gets 401.
    """

    def __init__(self, app: Call, proxy: ProxySettings | None) -> None:
        self.app, self.proxy = app, proxy

    async def __call__(self, scope: Scope, receive: Call, send: Call) -> None:
        """Answer, or refuse."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        kept = [(name, value) for name, value in scope["headers"] if name.lower() not in _OWN]
        if self.proxy is None or scope.get("path") == _HEALTH:
            await self.app({**scope, "headers": kept}, receive, send)
            return
        named = proxy_headers(self.proxy, (scope.get("client") or ("",))[0], kept)
        if named:
            await self.app({**scope, "headers": [*kept, *named]}, receive, send)
        else:
            await _refuse(scope, send, 401, 4401, _NOBODY)


def proxy_headers(proxy: ProxySettings, peer: str, headers: Headers) -> Headers:
    """Return our headers for the user that a proxy names; none where it is not the proxy, or names nobody, or two.

    Parameters
    ----------
    proxy : ProxySettings
        Address and header of the trusted proxy.
    peer : str
        Address that the connection comes from.
    headers : list of pairs of bytes
        Headers of the request.
    """
    if not proxy.trusts(peer):
        return []
    pairs = ((proxy.user_header, USER_HEADER), (proxy.groups_header, GROUPS_HEADER))
    values = [[value for name, value in headers if name.lower() == theirs.lower().encode()] for theirs, _ in pairs]
    users, groups = values
    if len(users) != 1 or len(groups) > 1 or not users[0].strip():
        return []
    return [(USER_HEADER.lower().encode(), users[0]), *((GROUPS_HEADER.lower().encode(), group) for group in groups)]


async def _refuse(scope: Scope, send: Call, status: int, code: int, text: bytes) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": code})
        return
    plain = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": plain})
    await send({"type": "http.response.body", "body": text})
