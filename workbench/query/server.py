"""Which server answers, and how it counts the borders of a range."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.core.errors import QueryRejected, QueryTooExpensive
from workbench.query.transport import Reply

_VERSION = re.compile(r"v?([23])\.\d+")

#: One value an hour on the hour: a closed range of one hour holds two of them, a left-open one holds one.
PROBE = "count_over_time(vector(1)[1h:1h])"
PROBE_TIME_MS = 1_699_999_200_000


@dataclass(frozen=True)
class Server:
    """Product, version as it says itself, and semantics of ranges: ``v2`` closed, ``v3`` left-open."""

    product: str
    version: str
    semantics: str

    @property
    def engine(self) -> str:
        """Product and version in one text."""
        return f"{self.product} {self.version}".strip()


def identify(reply: Reply, build: Mapping[str, Any], probe: Callable[[], float | None]) -> Server:
    """Tell a server from its build information, and its semantics from what it does where the version says nothing.

    Parameters
    ----------
    reply : Reply
        Answer of ``/api/v1/status/buildinfo``.
    build : mapping
        Its ``data``; empty when there is none, e.g. when a proxy lets only queries through.
    probe : callable
        Evaluates :data:`PROBE` at :data:`PROBE_TIME_MS`.

    Notes
    -----
    VictoriaMetrics reports a Prometheus version that is not its own (``2.24.0``) or none at all, so it is told by its
    header. Mimir and Thanos count versions of their own. For all of them the probe decides.
    """
    version = str(build.get("version") or "")
    product = str(build.get("application") or "Prometheus API")
    if "x-server-hostname" in reply.headers:
        product, version = "VictoriaMetrics", ""
    elif "application" not in build and build.get("goVersion") and (major := _VERSION.match(version)):
        return Server("Prometheus", version, f"v{major[1]}")
    try:
        held = probe()
    except (QueryRejected, QueryTooExpensive):
        held = None
    return Server(product, version, "v2" if held == 2 else "v3")


def escaped_label(name: str) -> str:
    """Name of a label for a path of the API; names outside the old alphabet are written with their code points.

    Examples
    --------
    >>> escaped_label("job"), escaped_label("label.with.dots")
    ('job', 'U__label_2e_with_2e_dots')
    """
    if re.fullmatch(r"[A-Za-z_:][A-Za-z0-9_:]*", name):
        return name
    parts = []
    for i, letter in enumerate(name):
        if letter == "_":
            parts.append("__")
        elif letter.isascii() and (letter.isalpha() or letter == ":" or (letter.isdigit() and i > 0)):
            parts.append(letter)
        else:
            parts.append(f"_{ord(letter):x}_")
    return "U__" + "".join(parts)
