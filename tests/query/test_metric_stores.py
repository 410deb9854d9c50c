"""Stores that imitate Prometheus: told apart, asked with what each needs, and never counted from a part."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.query.served import Asked, Says, matrix, recorded, says, vector
from workbench.core.errors import SourceUnavailable
from workbench.core.timerange import TimeRange
from workbench.query import PrometheusSource
from workbench.query.metrics.stores import StoreOptions

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = TimeRange.last("1h", until=NOW)
STORES = {"store": [{"name": "sidecar", "minTime": 0, "maxTime": 1}]}


def store(build: dict[str, Any], *, thanos: bool = False, **headers: str):
    """A store that answers queries with one series, and knows no other endpoint."""

    def answer(asked: Asked) -> Says:
        if asked.path.endswith("/status/buildinfo"):
            return says({"status": "success", "data": build}, **headers)
        if asked.path.endswith("/api/v1/stores"):
            return says({"status": "success", "data": STORES}) if thanos else Says(b"404 page not found", 404, {})
        if asked.path.endswith("/query_range"):
            return matrix(({"a": "1"}, [(HOUR.start_ms / 1000, "1")]))
        if asked.path.endswith("/query"):
            return vector(({"a": "1"}, 0, "1"))
        return Says(b"404 page not found", 404, {})

    return answer


THANOS = {"version": "0.37.2", "goVersion": "go1.23", "branch": "HEAD"}


@pytest.mark.parametrize(
    ("build", "headers", "thanos", "engine"),
    [
        ({"version": "2.53.0", "goVersion": "go1.22"}, {}, False, "Prometheus 2.53.0"),
        ({"version": "3.5.3", "goVersion": "go1.24"}, {}, False, "Prometheus 3.5.3"),
        (THANOS, {}, True, "Thanos 0.37.2"),
        ({"application": "Grafana Mimir", "version": "2.15.0"}, {}, False, "Grafana Mimir 2.15.0"),
        ({"application": "Cortex", "version": "1.18.1"}, {}, False, "Cortex 1.18.1"),
        ({}, {"X-Server-Hostname": "vm"}, False, "VictoriaMetrics"),
        ({}, {}, False, "Prometheus API"),
    ],
)
def test_stores_are_told_by_what_they_say_and_do(
    serve, build: dict[str, Any], headers: dict[str, str], thanos: bool, engine: str
) -> None:
    served = serve(store(build, thanos=thanos, **headers), versioned=False)
    assert PrometheusSource("s", served.url).server().engine == engine


def test_prometheus_is_not_asked_for_stores(serve) -> None:
    served = serve(store({}))
    PrometheusSource("s", served.url).range("up", HOUR, step_ms=60_000)
    assert "/api/v1/stores" not in {asked.path for asked in served.asked}


def test_thanos_is_asked_for_raw_deduplicated_samples_from_the_first_query_on(serve) -> None:
    served = serve(store(THANOS, thanos=True), versioned=False)
    source = PrometheusSource("s", served.url, options=StoreOptions(replica_labels=("replica",)))
    source.range("up", HOUR, step_ms=60_000)
    source.instant("up", NOW)
    asked = [one.fields for one in served.asked if one.path.endswith(("query_range", "query"))]
    wanted = {"dedup": "true", "partial_response": "true", "max_source_resolution": "0s", "replicaLabels[]": "replica"}
    told = [{name: fields.get(name) for name in wanted} for fields in asked if "vector" not in fields["query"]]
    assert told == [wanted, wanted]


def test_a_partial_answer_is_a_warning_on_a_chart_and_an_error_where_samples_are_counted(serve) -> None:
    missing = "No StoreAPIs matched for this query"

    def answer(asked: Asked) -> Says:
        whole = store(THANOS, thanos=True)(asked)
        if asked.path.endswith("/query_range"):
            return matrix(({"a": "1"}, [(HOUR.start_ms / 1000, "1")]), warnings=[missing])
        if asked.path.endswith("/query") and "[" in asked.fields["query"] and "vector" not in asked.fields["query"]:
            if "count_over_time" in asked.fields["query"]:
                return vector(({}, 0, "5"))
            return matrix(({"a": "1"}, [(NOW.timestamp() - 60, "1")]), warnings=[missing])
        return whole

    source = PrometheusSource("s", serve(answer, versioned=False).url)
    assert source.range("up", HOUR, step_ms=60_000).warnings == (missing,)
    with pytest.raises(SourceUnavailable, match="Only a part of the samples came"):
        source.raw("up", HOUR.left_open())


def test_victoriametrics_is_told_by_its_recorded_answer_and_may_be_kept_from_partial_ones(serve) -> None:
    def answer(asked: Asked) -> Says:
        if asked.path.endswith("buildinfo"):
            return recorded("victoriametrics/buildinfo")[1]
        return store({})(asked)

    served = serve(answer, versioned=False)
    source = PrometheusSource("s", served.url, options=StoreOptions(partial=False))
    source.range("up", HOUR, step_ms=60_000)
    assert source.server().product == "VictoriaMetrics"
    assert served.asked[-1].fields["deny_partial_response"] == "1"
