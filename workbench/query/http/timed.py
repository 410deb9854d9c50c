"""One clock over a whole exchange, from the connection to the last byte, even when a server sends it letter by letter.

The timeout of a socket counts between two pieces, so a server that drips headers, extensions of chunks or trailers
would hold a request for ever. One thread watches all exchanges of the process and shuts the socket of those whose time
is up.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_TICK_S, _IDLE_S = 0.05, 10.0
_own = threading.local()


class Exchange:
    """One request and its answer; ``late`` is set when its time was up before its end."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.late = False
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None

    def uses(self, connection: HTTPConnection) -> None:
        """Say which connection carries it; its socket is kept, as a connection lets go of one that is to be closed."""
        self._connection, self._socket = connection, connection.sock or self._socket

    def check(self) -> None:
        """Raise :class:`TimeoutError` when the time is up."""
        if self.late or time.monotonic() > self.until:
            self.late = True
            raise TimeoutError

    def interrupt(self) -> None:
        """End it: whoever waits for the socket gets an error or an end."""
        self.late = True
        held = self._connection.sock if self._connection is not None else None
        for each in {id(each): each for each in (self._socket, held) if each is not None}.values():
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)


class _Watch:
    """One thread for all exchanges of the process; it goes when there are none.

    A timer a request would do as well, but starting its thread costs more than a small answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[Exchange] = set()
        self._runs = False

    def begin(self, exchange: Exchange) -> None:
        """Watch an exchange from now on."""
        with self._lock:
            self._running.add(exchange)
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="query-watch", daemon=True).start()

    def end(self, exchange: Exchange) -> None:
        """Stop watching it; it is not interrupted from now on."""
        with self._lock:
            self._running.discard(exchange)

    def _run(self) -> None:
        used = time.monotonic()
        while True:
            time.sleep(_TICK_S)
            now = time.monotonic()
            with self._lock:
                used = now if self._running else used
                if now - used > _IDLE_S:
                    self._runs = False
                    return
                for exchange in self._running:
                    if exchange.until < now:
                        exchange.interrupt()


_watch = _Watch()


@contextmanager
def exchange(seconds: float) -> Iterator[Exchange]:
    """Give whatever connection this thread uses in the block so long, all in all. [s]"""
    running = Exchange(seconds)
    _own.exchange = running
    _watch.begin(running)
    try:
        yield running
    finally:
        _watch.end(running)
        _own.exchange = None


def _note(connection: HTTPConnection) -> None:
    running: Exchange | None = getattr(_own, "exchange", None)
    if running is not None:
        running.uses(connection)


class _TimedConnection(HTTPConnection):
    def connect(self) -> None:
        _note(self)
        super().connect()

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        _note(self)
        return super().getresponse()


class _TimedTlsConnection(HTTPSConnection):
    def connect(self) -> None:
        _note(self)
        super().connect()

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        _note(self)
        return super().getresponse()


class _TimedPool(HTTPConnectionPool):
    ConnectionCls = _TimedConnection


class _TimedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTlsConnection


def timed(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    """Return the manager, its connections watched from now on."""
    manager.pool_classes_by_scheme = {"http": _TimedPool, "https": _TimedTlsPool}
    return manager
