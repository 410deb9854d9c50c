"""Connections whose wait for headers ends on time, even when a server sends them letter by letter.

The timeout of a socket counts between two pieces, so a server that drips would hold a request for ever.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_TICK_S, _IDLE_S = 0.05, 10.0


class _Watch:
    """One thread for all connections of the process; it ends those that wait too long and goes when there are none.

    A timer a request would do as well, but starting its thread costs more than a small answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[HTTPConnection, float] = {}
        self._late: set[HTTPConnection] = set()
        self._runs = False

    def begin(self, connection: HTTPConnection, seconds: float) -> None:
        """Watch a connection from now on."""
        with self._lock:
            self._waiting[connection] = time.monotonic() + seconds
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="query-watch", daemon=True).start()

    def end(self, connection: HTTPConnection) -> bool:
        """Stop watching it; whether it was ended for being late."""
        with self._lock:
            self._waiting.pop(connection, None)
            late = connection in self._late
            self._late.discard(connection)
            return late

    def _run(self) -> None:
        used = time.monotonic()
        while True:
            time.sleep(_TICK_S)
            now = time.monotonic()
            with self._lock:
                used = now if self._waiting else used
                if now - used > _IDLE_S:
                    self._runs = False
                    return
                for connection in [waits for waits, until in self._waiting.items() if until < now]:
                    del self._waiting[connection]
                    self._late.add(connection)
                    _interrupt(connection.sock)


def _interrupt(waiting: socket.socket | None) -> None:
    if waiting is not None:
        with suppress(OSError):
            socket.socket.shutdown(waiting, socket.SHUT_RDWR)


_watch = _Watch()


def _on_time(connection: HTTPConnection, respond: Callable[[], urllib3.HTTPResponse]) -> urllib3.HTTPResponse:
    _watch.begin(connection, float(connection.timeout or threading.TIMEOUT_MAX))
    try:
        response = respond()
    except BaseException as error:
        if _watch.end(connection) and isinstance(error, (HTTPException, OSError)):
            raise TimeoutError from None
        raise
    if _watch.end(connection):
        response.close()
        raise TimeoutError
    return response


class _TimedConnection(HTTPConnection):
    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        return _on_time(self, super().getresponse)


class _TimedTlsConnection(HTTPSConnection):
    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        return _on_time(self, super().getresponse)


class _TimedPool(HTTPConnectionPool):
    ConnectionCls = _TimedConnection


class _TimedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTlsConnection


def timed(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    """Return the manager, its connections watched from now on."""
    manager.pool_classes_by_scheme = {"http": _TimedPool, "https": _TimedTlsPool}
    return manager
