"""Which server answers, and how it counts the borders of a range."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from workbench.core.errors import QueryRejected, QueryTooExpensive, SourceError
from workbench.core.timerange import from_ms
from workbench.query.http.reading import read_json
from workbench.query.http.transport import Reply
from workbench.query.metrics.api import PrometheusApi
from workbench.query.metrics.decode import envelope

_VERSION = re.compile(r"v?([23])\.\d+")

#: One value per hour on the hour: a closed range of one hour holds two of them, a left-open one holds one.
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


def server_of(api: PrometheusApi) -> Server:
    """Ask a server what it is.

    Raises
    ------
    SourceError
        It does not answer.
    """
    reply = api.reply("/api/v1/status/buildinfo")
    with api.naming(""):
        build = envelope(reply.body)[0] if reply.status == 200 else {}
    known = build if isinstance(build, dict) else {}
    stores = partial(api.reply, "/api/v1/stores")
    return identify(reply, known, lambda: api.number(PROBE, PROBE_TIME_MS), stores)


def identify(
    reply: Reply,
    build: Mapping[str, Any],
    probe: Callable[[], float | None],
    stores: Callable[[], Reply] | None = None,
) -> Server:
    """Tell a server from its build information, and its semantics from what it does where the version says nothing.

    Parameters
    ----------
    reply : Reply
        Answer of ``/api/v1/status/buildinfo``.
    build : mapping
        Its ``data``; empty when there is none, e.g. when a proxy lets only queries through.
    probe : callable
        Evaluates :data:`PROBE` at :data:`PROBE_TIME_MS`.
    stores : callable, optional
        Asks for ``/api/v1/stores``, which only Thanos has.

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
    elif "application" not in build and stores is not None and _lists_stores(stores()):
        product = "Thanos"
    try:
        held = probe()
    except (QueryRejected, QueryTooExpensive):
        held = None
    return Server(product, version, "v2" if held == 2 else "v3")


_LATEST_MS = 9_214_646_400_000  # the year 2262


def newest_sample(api: PrometheusApi) -> datetime | None:
    """Return when a target was last scraped, else the newest time of the storage; None when there is neither."""
    scraped = api.number("max(timestamp(up))")
    if scraped is not None:
        return _moment(scraped * 1000)
    try:
        latest = int(api.document("/api/v1/status/tsdb")["headStats"]["maxTime"])
    except (SourceError, KeyError, TypeError, ValueError):
        return None
    return _moment(latest)


def _moment(ms: float) -> datetime | None:
    """Instant of a number that a server gave; None for one that is no time."""
    return from_ms(round(ms)) if 0 < ms < _LATEST_MS else None


def _lists_stores(reply: Reply) -> bool:
    """Whether an answer is Thanos' list of stores by kind; others know no such path, or answer it in their own way."""
    if reply.status != 200:
        return False
    try:
        stores = read_json(reply.body, limit=reply.limit, until=reply.until).get("data")
    except (ValueError, AttributeError, RecursionError, SourceError):
        return False
    return isinstance(stores, dict) and all(isinstance(kind, list) for kind in stores.values())


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


def families_of(answer: Any) -> dict[str, dict[str, str]]:
    """Read the answer of ``/api/v1/metadata``: metric family -> type, help and unit.

    Examples
    --------
    >>> families_of({"up": [{"type": "gauge", "help": "", "unit": ""}], "odd": None})
    {'up': {'type': 'gauge', 'help': '', 'unit': ''}}
    """
    families = answer.items() if isinstance(answer, dict) else ()
    return {
        family: {key: str(entries[0].get(key) or "") for key in ("type", "help", "unit")}
        for family, entries in sorted(families)
        if isinstance(entries, list) and entries and isinstance(entries[0], dict)
    }
