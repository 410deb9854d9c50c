"""A Prometheus-compatible server as a source: Prometheus 2 and 3, Thanos, Mimir, VictoriaMetrics."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from workbench.core.errors import (
    EmptyAnswer,
    ParameterError,
    QueryRejected,
    QueryTooExpensive,
    SourceError,
    WorkbenchError,
)
from workbench.core.series import Labels, Metrics, SeriesSet
from workbench.core.settings import Limits, SourceSettings
from workbench.core.source import QueryCost, SourceState
from workbench.core.timerange import TimeRange, to_ms
from workbench.query.http.login import Login, SecretText, login_of
from workbench.query.http.parallel import in_parallel
from workbench.query.http.shapes import typed_answers
from workbench.query.http.transport import HttpTransport, Transport, transport_of
from workbench.query.metrics import plan
from workbench.query.metrics.api import PrometheusApi
from workbench.query.metrics.decode import Answer
from workbench.query.metrics.decode_parts import is_labels
from workbench.query.metrics.merge import Grid
from workbench.query.metrics.raw import Pulled, Way, pull, way_of, without_stale_marks
from workbench.query.metrics.server import Server, escaped_label, families_of, newest_sample, server_of
from workbench.query.metrics.stores import StoreOptions

_COUNT_FROM_STEPS = 1_000

#: Rows of a matrix before it is known how many there are; it grows.
_ROWS = 32


@typed_answers("Prometheus")
class PrometheusSource:
    """A :class:`workbench.core.source.MetricSource` over the HTTP API of Prometheus.

    Every request has a deadline. It only reads.

    Parameters
    ----------
    name : str
        Short name, for messages and provenance.
    url : str
        ``http(s)://host[:port][/prefix]``, without credentials.
    username, password, bearer, bearer_file, headers, ca_file, cert_file, key_file
        As in :class:`workbench.query.http.login.Login`; secrets are texts or have ``reveal()``.
    timeout_s : float
        For one question and its repetitions. [s]
    semantics : {"auto", "v2", "v3"}
        Borders of ranges; ``auto`` asks the server.
    gzip : bool
        Let the server compress: worth it below about 75 Mbit/s, far slower above.
    limits : Limits, optional
        Samples, series and seconds that one range may cost.
    transport : Transport, optional
        Another way to send requests, e.g. a session of the user's (:mod:`workbench.query.metrics.api_client`).
    login, options
        In place of the single values above; what is asked of a store of several servers.

    Examples
    --------
    >>> PrometheusSource("prod", "https://metrics.example.com/prometheus", timeout_s=30)
    PrometheusSource('prod', 'https://metrics.example.com/prometheus')
    """

    def __init__(
        self,
        name: str,
        url: str = "",
        *,
        username: str = "",
        password: SecretText | None = None,
        bearer: SecretText | None = None,
        bearer_file: Path | None = None,
        headers: Mapping[str, SecretText] | None = None,
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        timeout_s: float = 60.0,
        semantics: str | None = "auto",
        gzip: bool = False,
        limits: Limits | None = None,
        transport: Transport | None = None,
        login: Login | None = None,
        options: StoreOptions | None = None,
    ) -> None:
        if semantics not in (None, "auto", "v2", "v3"):
            raise ParameterError(f"{semantics!r} is not a semantics.", hint="Use auto, v2 or v3.")
        if not (timeout_s > 0 and math.isfinite(timeout_s)):
            raise ParameterError(f"A timeout of {timeout_s} s cannot be used.", hint="Every request needs a deadline.")
        login = login or Login(username, password, bearer, bearer_file, headers or {}, ca_file, cert_file, key_file)
        self.transport = transport or HttpTransport(url, login, gzip=gzip)
        self._api = PrometheusApi(name, self.transport, timeout_s)
        self.login = login
        self._configured = "" if semantics in (None, "auto") else str(semantics)
        self._limits = limits or Limits()
        self._api.max_series = self._limits.series
        self._options = options or StoreOptions()
        self._server: Server | None = None
        self._way: Way | None = None

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings, *, limits: Limits | None = None) -> PrometheusSource:
        """Build a source from its part of the settings file."""
        return cls(
            name,
            settings.url,
            login=login_of(settings),
            transport=transport_of(settings),
            options=StoreOptions.of(settings),
            timeout_s=settings.timeout_s,
            semantics=settings.semantics,
            gzip=settings.gzip,
            limits=limits,
        )

    def __repr__(self) -> str:
        return f"PrometheusSource({self.name!r}, {self.location!r})"

    @property
    def name(self) -> str:
        """Short name from the settings."""
        return self._api.name

    @property
    def location(self) -> str:
        """Base address, without credentials."""
        return self._api.transport.location

    @property
    def timeout_s(self) -> float:
        """Deadline of one question. [s]"""
        return self._api.timeout_s

    @property
    def semantics(self) -> str:
        """``v2`` (closed ranges) or ``v3`` (left-open): as set, else as the server does; ``v3`` if it is away."""
        if self._configured:
            return self._configured
        try:
            return self.server().semantics
        except SourceError:
            return "v3"

    def server(self) -> Server:
        """Product, version and semantics; asked once."""
        if self._server is None:
            self._server = server_of(self._api)
            self._api.extra = self._options.fields(self._server.product)
        return self._server

    def range(self, query: str, span: TimeRange, *, step_ms: int) -> Metrics:
        """Evaluate at ``start, start + step, ...`` up to and including the end.

        Long or large ranges are asked in slices, two at a time. ``span.aligned(step_ms)`` beforehand gives equal
        questions equal answers.

        Parameters
        ----------
        query : str
            PromQL.
        span : TimeRange
            Period to read, without its end.
        step_ms : int
            Distance of evaluations. [ms]

        Returns
        -------
        Metrics
            Without series when nothing matched; :func:`require_series` makes that an error.

        Raises
        ------
        QueryTooExpensive
            Over our limits (said before it runs) or the server's.
        QueryRejected
            The server does not accept the query; ``position`` says where it knows.
        SourceUnavailable
            No answer, or none of this API.
        """
        self._meet()
        deadline = time.monotonic() + self._limits.seconds
        start, steps = span.start_ms, plan.steps_between(span.start_ms, span.end_ms, step_ms)
        parts, series = self._plan(query, span, step_ms)
        if len(parts) > 1:
            query_sent, _ = plan.pinned(query, start, span.end_ms)
        else:
            query_sent = query
        grid = Grid(start, step_ms, steps, rows=series or _ROWS, max_rows=self._limits.series)
        unaligned = [("nocache", "1")] if start % step_ms else []

        def slice_of(number: int) -> Answer:
            part = parts[number]
            fields = [
                ("query", query_sent),
                ("start", plan.seconds_text(part.start_ms)),
                ("end", plan.seconds_text(part.end_ms)),
                ("step", plan.seconds_text(step_ms)),
                *unaligned,
            ]
            return self._api.samples("/api/v1/query_range", fields, grid.slice(number), query=query, deadline=deadline)

        answers = in_parallel(slice_of, len(parts))
        return grid.metrics(self._meta(query, span, answers, step_ms=step_ms))

    def instant(self, query: str, at: datetime) -> Metrics:
        """Evaluate once; the matrix has one step.

        Raises
        ------
        QueryRejected
            Also when the query gives a text, or raw samples (``up[5m]``): use :meth:`raw` for those.
        """
        self._meet()
        moment = to_ms(at)
        labels: list[Labels] = []
        numbers: list[float] = []

        def sink(series: SeriesSet) -> None:
            for own, _, values in series:
                if len(values):
                    labels.append(own)
                    numbers.append(float(values[-1]))

        fields = [("query", query), ("time", plan.seconds_text(moment))]
        answer = self._api.samples("/api/v1/query", fields, sink, query=query)
        if answer.kind in ("matrix", "string"):
            kind = "a text" if answer.kind == "string" else "the samples of a range"
            raise QueryRejected(
                f"The query gives {kind}, not one number a series.",
                source=self.name,
                query=query,
                hint="Put a function such as rate() or last_over_time() around it, or ask for raw samples.",
            )
        values = np.array(numbers, np.float64).reshape(len(numbers), 1)
        meta = self._meta(query, TimeRange.from_ms(moment, moment), [answer], step_ms=0)
        return Metrics(np.array([moment], np.int64), tuple(labels), values, np.ones(values.shape, bool), meta)

    def raw(self, selector: str, span: TimeRange) -> SeriesSet:
        """Return the samples of a plain selector in the range, without stale marks."""
        return without_stale_marks(self.history(selector, span).series)

    def history(self, selector: str, span: TimeRange) -> Pulled:
        """Return the samples of a plain selector in the range for an archive, stale marks included.

        See :func:`workbench.query.metrics.raw.pull`; by remote read where the server offers it, which is asked once.
        """
        if self._way is None:
            self._way = way_of(self._api, self.server().product)
        return pull(self._api, selector, span, self._limits, way=self._way)

    def series(self, matchers: Sequence[str], span: TimeRange) -> tuple[Labels, ...]:
        """Label sets that have samples in the range, as the server's index knows it."""
        if not matchers:
            raise ParameterError("No matcher given.", hint='E.g. up or {job="api"}.')
        fields = [*(("match[]", matcher) for matcher in matchers), *_bounds(span)]
        fields.append(("limit", str(self._limits.series + 1)))
        rows = self._api.rows("/api/v1/series", fields, form=True, query=", ".join(matchers), each=is_labels)
        if len(rows) > self._limits.series:
            raise QueryTooExpensive(
                f"More than {self._limits.series:,} series match.",
                source=self.name,
                query=", ".join(matchers),
                hint="Match fewer series, or raise limits.series in the settings.",
            )
        return tuple(rows)

    def label_values(self, label: str, span: TimeRange) -> tuple[str, ...]:
        """Values of one label in the range, sorted."""
        plain = escaped_label(label)
        if plain != label and self.server().product == "VictoriaMetrics":
            plain = label
        path = f"/api/v1/label/{quote(plain, safe='')}/values"
        return tuple(sorted(self._api.rows(path, _bounds(span), each=lambda value: isinstance(value, str))))

    def metadata(self) -> Mapping[str, Mapping[str, str]]:
        """``metric family -> {type, help, unit}``; empty where the server keeps none (VictoriaMetrics)."""
        return families_of(self._api.document("/api/v1/metadata"))

    def document(self, path: str, fields: Sequence[tuple[str, str]] = ()) -> Any:
        """Return ``data`` of an answer that holds no samples, e.g. of ``/api/v1/rules``."""
        return self._api.document(path, fields)

    def cost(self, query: str, span: TimeRange, *, step_ms: int) -> QueryCost:
        """Say what :meth:`range` would cost: the series are counted at the end and in the middle of the range.

        Raises
        ------
        QueryRejected
            The server does not accept the query.
        """
        steps = plan.steps_between(span.start_ms, span.end_ms, step_ms)
        series = self._count(query, span)
        if series is None:
            series = len(self.instant(query, span.end).labels)
        _, whole = plan.pinned(query, span.start_ms, span.end_ms)
        parts = plan.slices(span.start_ms, span.end_ms, step_ms, series=series) if whole else (None,)
        return plan.cost_of(series, steps, len(parts))

    def state(self) -> SourceState:
        """Say whether the source answers, and with what; never raises."""
        status, newest, detail, code, server = "unavailable", None, "", 0, Server("", "", "v3")
        try:
            server = self.server()
            newest = newest_sample(self._api)
            status = "ok" if newest else "no_data"
            detail = "" if newest else "It answers, but no target has been scraped in the last five minutes."
        except WorkbenchError as error:
            detail, code = f"{error.message} {error.hint}".strip(), error.exit_code
        semantics = self._configured or server.semantics
        return SourceState(
            self.name, "prometheus", self.location, status, server.engine, semantics, newest, detail, code
        )

    def _meet(self) -> None:
        """Learn which store answers, as some must be asked with more."""
        with suppress(SourceError):
            self.server()

    def _plan(self, query: str, span: TimeRange, step_ms: int) -> tuple[tuple[plan.Slice, ...], int | None]:
        """Slices of a range and the series to expect; refuse what is over the limits."""
        steps = plan.steps_between(span.start_ms, span.end_ms, step_ms)
        _, whole = plan.pinned(query, span.start_ms, span.end_ms)
        if not whole and steps > plan.MAX_POINTS:
            raise QueryTooExpensive(
                f"{steps:,} steps; a query that calls start(), end() or range() cannot be cut, and one request may "
                f"have {plan.MAX_POINTS:,}.",
                source=self.name,
                query=query,
                hint="Ask for a longer step or a shorter range.",
            )
        series = self._count(query, span) if steps >= _COUNT_FROM_STEPS else None
        parts = plan.slices(span.start_ms, span.end_ms, step_ms, series=series)
        with self._api.naming(query):
            cost = plan.cost_of(series, steps, len(parts))
            plan.affordable(cost, max_samples=self._limits.samples, max_series=self._limits.series)
        return (parts if whole else plan.slices(span.start_ms, span.end_ms, step_ms)), series

    def _count(self, query: str, span: TimeRange) -> int | None:
        """Series that the query gives at the end and in the middle of a range, the larger; None if not countable."""
        moments = {span.end_ms, (span.start_ms + span.end_ms) // 2}
        try:
            counts = [self._api.number(f"count(\n{query}\n)", moment, about=query) for moment in moments]
        except QueryRejected:
            return None
        return max(int(count or 0) for count in counts)

    def _meta(self, query: str, span: TimeRange, answers: Sequence[Answer], *, step_ms: int) -> dict[str, Any]:
        try:
            engine = self.server().engine
        except SourceError:
            engine = "Prometheus API"
        return {
            "query": query,
            "source": self.name,
            "engine": engine,
            "semantics": self.semantics,
            "range": (span.start.isoformat(), span.end.isoformat()),
            "step_ms": step_ms,
            "warnings": tuple(dict.fromkeys(text for answer in answers for text in answer.warnings)),
            "infos": tuple(dict.fromkeys(text for answer in answers for text in answer.infos)),
            "tier": "raw",
        }


def require_series(metrics: Metrics) -> Metrics:
    """Return the metrics unchanged if they have a series.

    Raises
    ------
    EmptyAnswer
        Nothing matched: that is not zero, it is unknown.
    """
    if not metrics.labels:
        raise EmptyAnswer(
            "The query matched no series.",
            source=str(metrics.meta.get("source", "")),
            query=str(metrics.meta.get("query", "")),
            hint="Check names and label values, and whether the range holds data.",
        )
    return metrics


def _bounds(span: TimeRange) -> list[tuple[str, str]]:
    return [("start", plan.seconds_text(span.start_ms)), ("end", plan.seconds_text(span.end_ms))]
