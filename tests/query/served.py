"""A real HTTP server on the loopback interface that says what a test tells it to, over real sockets and real TLS."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CAPTURES = Path(__file__).parent / "captures"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    fields: dict[str, str]
    headers: dict[str, str]
    peer: dict[str, Any] | None = None
    body: bytes = b""


@dataclass
class Says:
    """An answer; ``write`` writes the body itself, ``drop`` cuts the connection, headers may drip."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    write: Callable[[Any], None] | None = None
    drop: bool = False
    headers_drip_s: float = 0.0


@dataclass
class Served:
    url: str
    asked: list[Asked]

    def queries(self) -> list[Asked]:
        return [asked for asked in self.asked if not asked.path.endswith(("buildinfo", "/api/v1/read"))]


def says(document: Any, status: int = 200, **headers: str) -> Says:
    return Says(
        json.dumps(document, separators=(",", ":")).encode(), status, {"Content-Type": "application/json", **headers}
    )


def matrix(*series: tuple[dict[str, str], list[tuple[float, str]]], **more: Any) -> Says:
    result = [{"metric": labels, "values": [list(point) for point in points]} for labels, points in series]
    return says({"status": "success", "data": {"resultType": "matrix", "result": result}, **more})


def vector(*series: tuple[dict[str, str], float, str], **more: Any) -> Says:
    result = [{"metric": labels, "value": [time, value]} for labels, time, value in series]
    return says({"status": "success", "data": {"resultType": "vector", "result": result}, **more})


def error(status: int, kind: str, text: str, **headers: str) -> Says:
    return says({"status": "error", "errorType": kind, "error": text}, status, **headers)


def build(version: str = "3.5.3") -> Says:
    return says({"status": "success", "data": {"version": version, "goVersion": "go1.24"}})


def _handler(answer: Callable[[Asked], Says], asked: list[Asked]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            return

        def _respond(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            text = body.decode("utf-8", "replace") if length else parts.query
            peer = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
            request = Asked(self.command, parts.path, dict(parse_qsl(text)), dict(self.headers), peer, body)
            asked.append(request)
            told = answer(request)
            if told.drop:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if told.headers_drip_s:
                self._drip(told.headers_drip_s)
                return
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            if told.write is None:
                self.send_header("Content-Length", str(len(told.body)))
                self.end_headers()
                self.wfile.write(told.body)
                return
            self.close_connection = True
            self.end_headers()
            try:
                told.write(self.wfile)
            except OSError:
                return

        def _drip(self, seconds: float) -> None:
            self.close_connection = True
            end = time.monotonic() + seconds
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while time.monotonic() < end:
                    self.wfile.write(b"a")
                    self.wfile.flush()
                    time.sleep(0.02)
            except OSError:
                return

        do_GET = do_POST = do_DELETE = _respond

    return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        return


def recorded(name: str) -> tuple[dict[str, Any], Says]:
    """Request and answer of one capture, e.g. ``prometheus3/query_vector``."""
    document = json.loads((CAPTURES / f"{name}.json").read_text(encoding="utf-8"))
    answer = document["response"]
    body = base64.b64decode(answer["body_base64"]) if answer.get("body_base64") else answer["body"].encode()
    kept = {
        name: value
        for name, value in answer["headers"]
        if name in ("Content-Type", "Content-Encoding", "X-Server-Hostname")
    }
    return document["request"], Says(body, answer["status"], kept)


@dataclass(frozen=True)
class Certificates:
    authority: Path
    server: tuple[Path, Path]
    other_host: tuple[Path, Path]
    client: tuple[Path, Path]

    def context(self, pair: tuple[Path, Path], *, wants_client: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, pair))
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(str(self.authority))
        return context


Answering = Callable[[Asked], Says]


@contextmanager
def serving(
    answer: Answering, *, tls: ssl.SSLContext | None = None, versioned: bool = True, reads: bool = False
) -> Iterator[Served]:
    """Answer until the block ends; with ``versioned`` the build information is that of a Prometheus 3.

    Without ``reads`` there is no remote read, as behind most proxies.
    """
    asked: list[Asked] = []

    def routed(request: Asked) -> Says:
        if request.path.endswith("/api/v1/read") and not reads:
            return Says(b"404 page not found", 404, {"Content-Type": "text/plain"})
        return build() if versioned and request.path.endswith("/status/buildinfo") else answer(request)

    server = _Quiet(("127.0.0.1", 0), _handler(routed, asked))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield Served(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}", asked)
    finally:
        server.shutdown()
        server.server_close()
