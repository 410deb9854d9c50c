"""Who may ask the dashboard: a page of another site whose name was made to point here may not (DNS rebinding)."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
import urllib3

from tests.pages.browsing import dashboard
from workbench.ui.access.doors import may_ask

NAMES = frozenset({"localhost", "slo.example.com"})


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("localhost:8501", "", True),
        ("LOCALHOST", "http://LOCALHOST", True),
        ("127.0.0.1:8501", "http://127.0.0.1:8501", True),
        ("[::1]:8501", "http://[::1]:8501", True),
        ("slo.example.com", "https://slo.example.com", True),
        ("127.0.0.1:8080", "https://slo.example.com", True),  # behind a proxy that keeps its own Host
        ("evil.example:8501", "", False),
        ("evil.example:8501", "http://evil.example:8501", False),
        ("localhost.evil.example", "", False),
        ("evil.example@localhost", "", False),
        ("localhost:8501", "http://evil.example", False),
        ("127.0.0.1:8501", "http://6.6.6.6:8501", False),
        ("127.0.0.1:8501", "null", False),
        ("", "", False),
        ("[", "", False),
    ],
)
def test_only_known_names_and_own_pages_may_ask(host: str, origin: str, allowed: bool) -> None:
    assert may_ask(host, origin, NAMES) is allowed


def websocket(url: str, **headers: str) -> bytes:
    parts = urlsplit(url)
    lines = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=20) as peer:
        peer.sendall(f"GET /_stcore/stream HTTP/1.1\r\n{head}\r\n".encode())
        return peer.recv(200).split(b"\r\n")[0]


def test_pages_and_websockets_of_another_site_are_refused(tmp_path) -> None:
    with dashboard(tmp_path, WORKBENCH_HOME=str(tmp_path / "home"), WORKBENCH_DASHBOARD_HOSTS="slo.example.com") as url:
        own = urlsplit(url).netloc
        statuses = {
            host: urllib3.request("GET", url, headers={"Host": host}).status
            for host in (own, "evil.example", "slo.example.com")
        }
        assert statuses == {own: 200, "evil.example": 421, "slo.example.com": 200}
        assert b"101" in websocket(url, Host=own, Origin=f"http://{own}")
        assert b"403" in websocket(url, Host="evil.example", Origin="http://evil.example")
        assert b"403" in websocket(url, Host=own, Origin="http://evil.example")
