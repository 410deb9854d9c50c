"""Servers that lie, drip, swell or repeat our login: a typed error or a right answer, in time, within memory."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from workbench.core.errors import AnswerUnreadable, QueryTooExpensive, SourceError, SourceUnavailable
from workbench.core.settings import Limits
from workbench.core.timerange import TimeRange
from workbench.query.http.login import Login
from workbench.query.http.reading import json_bytes, read_json
from workbench.query.http.secrets import struck_out
from workbench.query.http.transport import Broken, HttpTransport
from workbench.query.metrics.prometheus import PrometheusSource

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TIMEOUT_S = 1.0
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def server(write: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """A server of raw bytes; ``write`` gets the socket and the head of the request."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def one(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            peer.settimeout(30)
            head = b""
            while b"\r\n\r\n" not in head:
                head += peer.recv(65536)
            write(peer, head)

    def run() -> None:
        while not over.is_set():
            with suppress(OSError):
                threading.Thread(target=one, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        listening.close()


def drip(peer: socket.socket, byte: bytes, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        peer.sendall(byte)
        time.sleep(0.05)


def full(body: bytes, **headers: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


def late_byte(peer: socket.socket, _: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    time.sleep(TIMEOUT_S * 0.9)
    peer.sendall(b"{")
    time.sleep(20)


def empty_blocks(peer: socket.socket, _: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    packed = zlib.compressobj(wbits=31)
    block = packed.compress(b"") + packed.flush(zlib.Z_FULL_FLUSH)
    for _ in range(2_000):
        peer.sendall(b"%x\r\n%b\r\n" % (len(block), block))
        block = packed.flush(zlib.Z_FULL_FLUSH) or b"\x00\x00\x00\xff\xff"
        time.sleep(0.02)


DRIPPED: dict[str, Callable[[socket.socket, bytes], None]] = {
    "silence": lambda peer, _: time.sleep(20),
    "status line": lambda peer, _: drip(peer, b"H"),
    "headers": lambda peer, _: (peer.sendall(b"HTTP/1.1 200 OK\r\n"), drip(peer, b"a"))[0],
    "body": lambda peer, _: (peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), drip(peer, b" "))[0],
    "body to the end": lambda peer, _: (
        peer.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), drip(peer, b" "))[0],
    "chunk extension": lambda peer, _: (peer.sendall(CHUNKED + b"2;"), drip(peer, b"x"))[0],
    "chunk of one byte": lambda peer, _: (peer.sendall(CHUNKED), drip(peer, b"1\r\n \r\n"))[0],
    "trailers": lambda peer, _: (peer.sendall(CHUNKED + b"2\r\n{}\r\n0\r\n"), drip(peer, b"a: b\r\n"))[0],
    "interim answers": lambda peer, _: drip(peer, b"HTTP/1.1 100 Continue\r\n\r\n"),
    "one late byte": late_byte,
    "empty gzip blocks": empty_blocks,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("way", sorted(DRIPPED))
def test_the_time_is_total(way):
    with server(DRIPPED[way]) as url:
        began = time.monotonic()
        with pytest.raises(Broken) as caught:
            HttpTransport(url).send("GET", "/x", (), timeout_s=TIMEOUT_S)
        assert time.monotonic() - began < TIMEOUT_S + 1
        assert isinstance(caught.value.error, SourceUnavailable)
        assert not caught.value.again


def test_a_connection_that_was_in_time_is_used_again():
    bodies = iter([b"1", b"2", b"3"])

    def three(peer: socket.socket, _: bytes) -> None:
        for body in bodies:
            peer.sendall(full(body))
            peer.recv(65536)

    with server(three) as url:
        transport = HttpTransport(url)
        assert [bytes(transport.send("GET", "/", (), timeout_s=5).body) for _ in range(3)] == [b"1", b"2", b"3"]


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"[1, 2]", mtime=0)),
        ("x-gzip", gzip.compress(b"[1", mtime=0) + gzip.compress(b", 2]", mtime=0) + b"\0\0"),
        ("deflate", zlib.compress(b"[1, 2]")),
        ("deflate", zlib.compress(b"[1, 2]")[2:-4]),
        ("identity", b"[1, 2]"),
    ],
)
def test_a_packed_answer_is_unpacked(encoding, packed):
    with server(lambda peer, _: peer.sendall(full(packed, Content_Encoding=encoding))) as url:
        assert bytes(HttpTransport(url).send("GET", "/", (), timeout_s=5).body) == b"[1, 2]"


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(b"[1, 2]", mtime=0)[:-9]), ("gzip", b"no gzip"), ("deflate", b"\xff\xff")],
)
def test_a_packed_answer_that_cannot_be_unpacked_is_an_error(encoding, packed):
    with server(lambda peer, _: peer.sendall(full(packed, Content_Encoding=encoding))) as url:
        with pytest.raises(Broken) as caught:
            HttpTransport(url).send("GET", "/", (), timeout_s=5)
        assert isinstance(caught.value.error, AnswerUnreadable)


def answering(result: object, kind: str = "vector") -> bytes:
    return full(json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode())


ODD: dict[str, object] = {
    "an object": {"a": 1},
    "null": None,
    "a list of null": [None],
    "a number": 7,
    "texts": ["a", "b"],
    "no value": [{"metric": {"a": "b"}}],
    "labels of a list": [{"metric": ["a"], "value": [1, "2"]}],
    "a value of three": [{"metric": {}, "value": [1, "2", 3]}],
    "a value that is none": [{"metric": {}, "value": ["x", "y"]}],
    "an endless number": [{"metric": {}, "value": [1, "1" * 5000]}],
    "a time without end": [{"metric": {}, "value": [1e308, "1"]}],
    "half a pair": [{"metric": {"a": "\ud800"}, "value": [1, "2"]}],
    "deep": [{"metric": {}, "value": [1, json.loads("[" * 500 + "]" * 500)]}],
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["vector", "matrix", "scalar", "string", "other"])
@pytest.mark.parametrize("odd", sorted(ODD))
def test_an_odd_answer_is_a_typed_error_or_an_answer(odd, kind):
    with server(lambda peer, _: peer.sendall(answering(ODD[odd], kind))) as url:
        source = PrometheusSource("odd", url, timeout_s=3, semantics="v3")
        for question in (
            lambda: source.instant("x", NOW),
            source.metadata,
            source.state,
        ):
            with suppress(SourceError):
                question()


@pytest.mark.slow
@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"7", b"", b"{}", b'{"status":"success","data":null}'])
def test_another_document_is_a_typed_error(body):
    with server(lambda peer, _: peer.sendall(full(body))) as url:
        source = PrometheusSource("odd", url, timeout_s=3, semantics="v3")
        span = TimeRange.last("1h", until=NOW)
        for question in (
            lambda: source.instant("x", NOW),
            lambda: source.label_values("x", span),
            lambda: source.series(["x"], span),
        ):
            with pytest.raises(SourceError):
                question()


def many_series(count: int) -> bytes:
    row = b'{"metric":{"__name__":"a","instance":"host-%d"},"value":[1,"2"]}'
    return b'{"status":"success","data":{"resultType":"vector","result":[' + b",".join(
        row % i for i in range(count)) + b"]}}"  # fmt: skip


SWOLLEN: dict[str, Callable[[], bytes]] = {
    "a million series": lambda: full(many_series(1_000_000)),
    "a million labels": lambda: answering([{"metric": {f"l{i}": "v" for i in range(1_000_000)}, "value": [1, "2"]}]),
    "a label of 100 MB": lambda: answering([{"metric": {"a": "x" * 100_000_000}, "value": [1, "2"]}]),
    "empty lists": lambda: full(b"[" + b"[]," * 30_000_000 + b"[]]"),
    "empty objects": lambda: full(b"[" + b"{}," * 30_000_000 + b"{}]"),
    "a gzip bomb": lambda: full(gzip.compress(b"\0" * (1 << 30), 1), Content_Encoding="gzip"),
    "100 MB, broken off each time": lambda: full(b"x" * 100_000_000).replace(b"100000000", b"110000000", 1),
    "200 MB of text": lambda: full(b'{"status":"success","data":"' + b"x" * 200_000_000 + b'"}'),
}

_ASKED = """
    import re, sys, time
    from pathlib import Path
    from workbench.core.errors import SourceError
    from workbench.query.http.transport import HttpTransport
    from workbench.query.metrics.api import PrometheusApi

    def memory(kind):
        return int(re.search(kind + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

    url, limit = sys.argv[1], int(sys.argv[2])
    api = PrometheusApi("s", HttpTransport(url, limit=limit), 10)
    Path("/proc/self/clear_refs").write_text("5")  # the peak of a forked process is that of its parent
    before, began = memory("VmRSS"), time.monotonic()
    try:
        api.samples("/api/v1/query", [("query", "x")], lambda series: None, query="x")
        said = "answered"
    except SourceError as error:
        said = type(error).__name__
    print(said, memory("VmHWM") - before, time.monotonic() - began)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", sorted(SWOLLEN))
def test_an_answer_costs_at_most_one_and_a_half_times_the_limit(way):
    limit, answer = 128 << 20, SWOLLEN[way]()
    with server(lambda peer, _: peer.sendall(answer)) as url:
        asked = [sys.executable, "-c", textwrap.dedent(_ASKED), url, str(limit)]
        said, memory, seconds = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    assert said in ("QueryTooExpensive", "AnswerUnreadable", "AnswerTruncated")
    assert int(memory) <= 1.5 * limit, f"{int(memory) / (1 << 20):.0f} MiB"
    assert float(seconds) < 11


def test_too_many_series_are_refused_before_they_are_read():
    with server(lambda peer, _: peer.sendall(full(many_series(50)))) as url:
        source = PrometheusSource("s", url, timeout_s=3, semantics="v3", limits=Limits(series=49))
        with pytest.raises(QueryTooExpensive, match="50 series; the limit is 49"):
            source.instant("x", NOW)


@pytest.mark.slow
def test_the_memory_of_json_is_known_from_above():
    import tracemalloc

    texts = [many_series(20_000), b"[" + b"{}," * 400_000 + b"1]", b"[" + b'"ab",' * 300_000 + b"1]"]
    texts += [json.dumps({f"label{i}": "ü" * 20 for i in range(80_000)}, ensure_ascii=False).encode()]
    for text in texts:
        tracemalloc.start()
        held = read_json(text)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert held
        assert peak <= json_bytes(text)


SECRET = 'p&ss "wörd"/with+all=signs'
LOGINS = {
    "basic": (Login("ana", SECRET), [SECRET, base64.b64encode(f"ana:{SECRET}".encode()).decode()]),
    "bearer": (Login(bearer="tok-0123456789/abcdef+="), ["tok-0123456789/abcdef+="]),
    "header": (Login(headers={"X-Api-Key": "key-0123456789"}), ["key-0123456789"]),
}


def forms(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret,
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        quote(secret, safe=""),
        quote(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    ]


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "500 Oops"])
@pytest.mark.parametrize("way", sorted(LOGINS))
def test_what_a_server_repeats_of_our_login_is_struck_out(way, status):
    login, secrets = LOGINS[way]

    def echo(peer: socket.socket, head: bytes) -> None:
        body = head + json.dumps([form for secret in secrets for form in forms(secret)]).encode()
        mirrored = head.split(b"\r\n")[1:-2]
        lines = b"".join(b"X-Echo-%d: %b\r\n" % (i, line) for i, line in enumerate(mirrored))
        peer.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n".encode() + lines + b"\r\n" + body)

    with server(echo) as url:
        reply = HttpTransport(url, login).send("GET", "/", (), timeout_s=5)
    seen = bytes(reply.body).decode() + json.dumps(dict(reply.headers), ensure_ascii=False)
    assert [form for secret in secrets for form in forms(secret) if form in seen] == []
    assert "***" in seen


def test_a_short_password_changes_no_data():
    assert struck_out(b'{"job":"prom"}', ["prom"], data=True) == b'{"job":"prom"}'
    assert struck_out(b'{"error":"not prom"}', ["prom"], data=False) == b'{"error":"not ***"}'
