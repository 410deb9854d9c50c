"""Beside prometheus-api-client: its users bring their ``PrometheusConnect`` or session, and take our answers back.

The client's own requests have no timeout unless asked and repeat a query that timed out; here each has a deadline and
the repetition is ours (:func:`workbench.query.http.transport.ask`). Its session, headers, certificates and proxies are
kept.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import urllib3.exceptions as broken

from workbench.core.series import Metrics
from workbench.core.settings import Limits
from workbench.query.http import failures
from workbench.query.http.login import checked_url
from workbench.query.http.reading import gathered
from workbench.query.http.transport import Broken, Fields, Reply, reply_of
from workbench.query.metrics.prometheus import PrometheusSource

_PIECE = 1 << 18


class Connected(Protocol):
    """What is used of a ``PrometheusConnect``."""

    url: str
    headers: dict[str, str] | None
    auth: Any
    _session: Any


class ClientTransport:
    """Requests through the session of a ``PrometheusConnect``."""

    def __init__(self, client: Connected) -> None:
        from requests.adapters import HTTPAdapter

        self._client = client
        self._base = checked_url(client.url)
        self._session = client._session
        self._session.mount(self._base, HTTPAdapter(max_retries=0))

    def __repr__(self) -> str:
        return f"ClientTransport({self._base!r})"

    @property
    def location(self) -> str:
        """Base address, without credentials."""
        return self._base

    def send(
        self,
        method: str,
        path: str,
        fields: Fields,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """Send once and read the whole answer, as :meth:`workbench.query.http.transport.HttpTransport.send`."""
        import requests

        deadline = time.monotonic() + timeout_s
        form = method == "POST" and body is None
        try:
            with self._session.request(
                method,
                self._base + path,
                params=None if form else list(fields),
                data=list(fields) if form else body,
                headers={"Accept-Encoding": "identity", **(headers or {}), **(self._client.headers or {})},
                auth=self._client.auth,
                timeout=timeout_s,
                allow_redirects=False,
                stream=True,
            ) as response:
                body_read = gathered(response.iter_content(_PIECE), deadline=deadline)
        except (requests.RequestException, TimeoutError) as error:
            cause = cause_of(error)
            raise Broken(
                failures.of_exception(cause, failures.host_of(self._base), timeout_s), again=failures.is_lost(cause)
            ) from None
        return reply_of(response.status_code, response.headers, body_read, sent=response.request.headers)


def source_of(
    client: Connected, *, name: str = "client", timeout_s: float = 60.0, limits: Limits | None = None
) -> PrometheusSource:
    """Return a source that asks through a user's ``PrometheusConnect``.

    The retries of its session are turned off for this server; ours take their place.

    Parameters
    ----------
    client : PrometheusConnect
        With whatever session, headers and authentication it was given.
    name : str
        Name of the source.
    timeout_s : float
        Deadline of one question; the client's own is not used. [s]
    limits : Limits, optional
        How large an answer may be.

    Returns
    -------
    PrometheusSource
    """
    return PrometheusSource(name, transport=ClientTransport(client), timeout_s=timeout_s, limits=limits)


def client_records(metrics: Metrics) -> list[dict[str, Any]]:
    """Return metrics in the form of ``custom_query_range``, ready for ``MetricRangeDataFrame``.

    Examples
    --------
    >>> metrics = Metrics(np.array([60_000]), ({"job": "a"},), np.array([[0.5]]), np.array([[True]]))
    >>> client_records(metrics)
    [{'metric': {'job': 'a'}, 'values': [[60, '0.5']]}]
    """
    seconds = [ms // 1000 if ms % 1000 == 0 else ms / 1000 for ms in metrics.times.tolist()]
    records = []
    for labels, values, present in zip(metrics.labels, metrics.values, metrics.present, strict=True):
        points = [[seconds[step], _text(float(values[step]))] for step in np.flatnonzero(present).tolist()]
        records.append({"metric": dict(labels), "values": points})
    return records


def _text(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def cause_of(error: BaseException) -> Exception:
    """Return the urllib3 failure inside one of requests, which tells more."""
    seen: BaseException | None = error
    for _ in range(6):
        if seen is None:
            break
        inner = next((argument for argument in seen.args if isinstance(argument, BaseException)), None)
        reason = getattr(seen, "reason", None)
        if isinstance(seen, broken.HTTPError) and not isinstance(seen, broken.MaxRetryError):
            return seen
        seen = reason if isinstance(reason, BaseException) else inner
    import requests

    if isinstance(error, requests.Timeout):
        return TimeoutError()
    return error if isinstance(error, Exception) else ConnectionError()
