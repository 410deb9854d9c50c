"""What a source is made of, for ``workbench sources check`` and for drafting a profile: targets, metadata, storage.

Read through prometheus-api-client, which knows these endpoints, always with a timeout and without its retries.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from workbench.core.errors import SourceError, SourceUnavailable
from workbench.core.source import SourceState
from workbench.query.http import failures
from workbench.query.http.reading import json_bytes, too_large
from workbench.query.http.shapes import WRONG, expected
from workbench.query.http.transport import Broken
from workbench.query.metrics.api_client import cause_of
from workbench.query.metrics.prometheus import PrometheusSource

if TYPE_CHECKING:
    from prometheus_api_client import PrometheusConnect

T = TypeVar("T")

_REFUSED = re.compile(r"HTTP Status Code (\d+) \((b(?:'[^\n]*'|\"[^\n]*\"))\)")


@dataclass(frozen=True)
class SourceDetails:
    """Result of a check.

    Attributes
    ----------
    state : SourceState
    targets : DataFrame
        One row per target: ``job``, ``instance``, ``health`` (up, down, unknown), ``last_scrape`` (UTC), ``error``.
    families : int
        Metric families with metadata. [count]
    notes : tuple of str
        What could not be read, and why.
    """

    state: SourceState
    targets: pd.DataFrame
    families: int
    notes: tuple[str, ...] = ()


def connect(source: PrometheusSource) -> PrometheusConnect:
    """Return a ``PrometheusConnect`` with the login and deadline of a source."""
    import requests
    from prometheus_api_client import PrometheusConnect
    from urllib3.util.retry import Retry

    session = requests.Session()
    never = Retry(total=0, connect=0, read=0, redirect=0, status=0)
    client = PrometheusConnect(
        url=source.location,
        session=session,
        retry=never,
        timeout=source.timeout_s,
        auth=_no_auth,
    )
    session.mount(source.location, _adapter(source))
    return client


def _adapter(source: PrometheusSource) -> Any:
    """Return an adapter of requests that sends through our transport: its deadline, limits and login hold."""
    import requests

    class Ours:
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            path = str(request.url).removeprefix(source.location)
            try:
                reply = source.transport.send("GET", path, (), timeout_s=source.timeout_s)
            except Broken as failure:
                raise failure.error from None
            if json_bytes(reply.body) > reply.limit + reply.limit // 2:
                raise too_large(reply.limit)
            response = requests.Response()
            response.status_code, response.url, response.request = reply.status, str(request.url), request
            response.headers.update(reply.headers)
            response._content = bytes(reply.body)
            return response

        def close(self) -> None:
            """Keep the transport: it is the source's."""

    return Ours()


def _no_auth(request: Any) -> Any:
    """Keep ``.netrc`` out: the transport has the login."""
    return request


def targets(source: PrometheusSource) -> pd.DataFrame:
    """Return the targets of a server with their health.

    Returns
    -------
    DataFrame
        ``job``, ``instance``, ``health``, ``last_scrape``, ``error``, as in :class:`SourceDetails`.

    Raises
    ------
    SourceError
        The server does not answer, or has no targets endpoint (VictoriaMetrics may not).
    """
    with connect(source) as client:
        answer = _answer_of(source, "/api/v1/targets", lambda: client.get_targets(state="active"))
    with expected(source.name, "Prometheus"):
        return _target_table(answer)


def _target_table(answer: Any) -> pd.DataFrame:
    rows = [
        {
            "job": target.get("labels", {}).get("job", ""),
            "instance": target.get("labels", {}).get("instance", ""),
            "health": target.get("health", "unknown"),
            "last_scrape": target.get("lastScrape"),
            "error": failures.clean(target.get("lastError") or "", 200),
        }
        for target in (answer or {}).get("activeTargets") or ()
    ]
    frame = pd.DataFrame(rows, columns=["job", "instance", "health", "last_scrape", "error"])
    frame["last_scrape"] = pd.to_datetime(frame["last_scrape"], utc=True, format="ISO8601", errors="coerce")
    return frame.sort_values(["job", "instance"], ignore_index=True)


def metadata(source: PrometheusSource) -> pd.DataFrame:
    """Return metric families: ``metric``, ``type``, ``help``, ``unit``, sorted; the material of a drafted profile."""
    with connect(source) as client:
        answer = _answer_of(source, "/api/v1/metadata", lambda: client.get_metric_metadata(metric=None))
    frame = pd.DataFrame(answer, columns=["metric_name", "type", "help", "unit"]).rename(
        columns={"metric_name": "metric"}
    )
    return frame.drop_duplicates("metric").sort_values("metric", ignore_index=True)


def details(source: PrometheusSource) -> SourceDetails:
    """Check a source as far as it lets us; never raises for what it refuses."""
    state = source.state()
    notes: list[str] = [state.detail] if state.detail else []
    empty = pd.DataFrame(columns=["job", "instance", "health", "last_scrape", "error"])
    if state.status == "unavailable":
        return SourceDetails(state, empty, 0, tuple(notes))
    table, families = empty, 0
    try:
        table = targets(source)
        down = int((table["health"] == "down").sum())
        if down:
            notes.append(f"{down} of {len(table)} targets are down.")
    except SourceError as error:
        notes.append(f"No targets: {error.message}")
    try:
        families = len(metadata(source))
    except SourceError as error:
        notes.append(f"No metadata: {error.message}")
    return SourceDetails(state, table, families, tuple(notes))


def _answer_of(source: PrometheusSource, path: str, ask: Callable[[], T]) -> T:
    """Run one call of the client; whatever it raises becomes one of our errors."""
    import requests
    from prometheus_api_client.exceptions import PrometheusApiClientException

    try:
        return ask()
    except SourceError as error:
        failure = error
    except PrometheusApiClientException as error:
        match = _REFUSED.search(str(error))
        if match:
            body = ast.literal_eval(match[2])
            failure = failures.of_reply(int(match[1]), body, "", query="", path=path)
        else:
            failure = SourceUnavailable(f"The client could not read {path}.")
    except requests.exceptions.JSONDecodeError as error:
        text = error.doc.encode() if isinstance(error.doc, str) else error.doc
        failure = failures.of_text(text, "", error)
    except (requests.RequestException, OSError) as error:
        failure = failures.of_exception(cause_of(error), failures.host_of(source.location), source.timeout_s)
    except WRONG:
        failure = failures.of_text(b"?", "", ValueError("another document"))
    failure.source = source.name
    raise failure from None
