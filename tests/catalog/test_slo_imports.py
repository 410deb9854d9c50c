"""Definitions of Sloth, Pyrra and OpenSLO v2alpha become objectives; ours written out are read back the same."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from workbench.catalog import RatioIndicator, RawIndicator, load_catalog
from workbench.catalog.load import read_catalog
from workbench.catalog.slo.export import openslo_text
from workbench.core.errors import CatalogError, ParameterError
from workbench.core.shipped import shipped
from workbench.studies.authoring.imports import import_slos

SLOTH = """
version: prometheus/v1
service: myservice
labels: {owner: myteam}
slos:
  - name: requests-availability
    objective: 99.9
    description: Availability of requests.
    sli:
      events:
        error_query: sum(rate(http_requests_total{job="my", code=~"(5..|429)"}[{{.window}}]))
        total_query: sum(rate(http_requests_total{job="my"}[{{ .window }}]))
    alerting: {name: High}
  - name: raw
    objective: 95
    sli: {raw: {error_ratio_query: "sum(rate(bad_total[{{.window}}])) / sum(rate(all_total[{{.window}}]))"}}
"""
SLOTH_KUBERNETES = """
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: {name: x}
spec:
  service: myservice
  slos:
    - name: a
      objective: 99.95
      sli: {events: {errorQuery: 'sum(rate(e[{{.window}}]))', totalQuery: 'sum(rate(t[{{.window}}]))'}}
"""
PYRRA = """
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: api-errors, namespace: monitoring, labels: {prometheus: k8s, pyrra.dev/team: operations}}
spec:
  target: "99"
  window: 4w
  description: Errors.
  indicator: %s
"""
RATIO = """{ratio: {errors: {metric: 'apiserver_request_total{code=~"5.."}'}, total: {metric: apiserver_request_total},
    grouping: [verb]}}"""
LATENCY = "{latency: {success: {metric: 'd_bucket{le=\"0.5\"}'}, total: {metric: d_count}}}"
NATIVE = "{latencyNative: {latency: 200ms, total: {metric: d}}}"
GAUGE = "{bool_gauge: {metric: probe_success}}"
V2 = """
- apiVersion: openslo.com/v2alpha
  kind: SLO
  metadata:
    name: web-availability
    labels: {env: prod, team: team-a}
  spec:
    description: X% of search requests are successful
    service: web
    sli:
      metadata: {name: web-ratio}
      spec:
        ratioMetric:
          counter: true
          good: {dataSourceRef: main, spec: {query: 'sum(http_requests{code=~"2..|4.."})'}}
          total: {dataSourceRef: main, spec: {query: sum(http_requests)}}
    timeWindow:
      - duration: 1w
        isRolling: false
        calendar: {startTime: 2022-01-01 12:00:00, timeZone: America/New_York}
    budgetingMethod: Timeslices
    objectives:
      - {displayName: Good, op: gt, target: 0.995, timeSliceTarget: 0.95, timeSliceWindow: 1m}
- apiVersion: openslo.com/v2alpha
  kind: AlertPolicy
  metadata: {name: low}
  spec: {conditions: []}
"""


def imported(folder: Path, text: str, system: str = "conduit"):
    file = folder / "definitions.yaml"
    file.write_text(text)
    return import_slos(file, system=system)


def test_sloth_events_are_counted_exactly_and_its_ratios_weigh_slices_alike(tmp_path):
    made = imported(tmp_path, SLOTH)
    exact, raw = made.objectives
    assert (exact.id, exact.system, exact.target) == ("myservice-requests-availability", "conduit", Decimal("0.999"))
    assert exact.indicator == RatioIndicator(
        total='sum(http_requests_total{job="my"})',
        bad='sum(http_requests_total{job="my",code=~"(5..|429)"})',
    )
    assert (exact.window_days, exact.method, exact.labels["owner"]) == (30, "occurrences", "myteam")
    assert raw.indicator == RawIndicator("sum(rate(bad_total[5m])) / sum(rate(all_total[5m]))", "failure")
    assert raw.method == "ratio_timeslices"
    assert [note.split(":")[0] for note in made.notes] == ["requests-availability", "raw"]


def test_sloth_in_kubernetes_is_read_too(tmp_path):
    (one,) = imported(tmp_path, SLOTH_KUBERNETES).objectives
    assert (one.target, one.queries()) == (Decimal("0.9995"), {"bad": "sum(e)", "total": "sum(t)"})


@pytest.mark.parametrize(
    ("indicator", "queries", "method"),
    [
        (RATIO, {"bad": 'sum(apiserver_request_total{code=~"5.."})', "total": "sum(apiserver_request_total)"},
         "occurrences"),
        (LATENCY, {"good": 'sum(d_bucket{le="0.5"})', "total": "sum(d_count)"}, "occurrences"),
        (NATIVE, {"good": "histogram_fraction(0, 0.2, sum(rate(d[5m]))) * histogram_count(sum(rate(d[5m])))",
                  "total": "histogram_count(sum(rate(d[5m])))"}, "occurrences"),
        (GAUGE, {"query": "sum(sum_over_time(probe_success[5m])) / sum(count_over_time(probe_success[5m]))"},
         "ratio_timeslices"),
    ],
)  # fmt: skip
def test_pyrra_of_every_kind(tmp_path, indicator, queries, method):
    made = imported(tmp_path, PYRRA % indicator)
    (one,) = made.objectives
    assert (one.queries(), one.method) == (queries, method)
    assert (one.id, one.target, one.window_days) == ("monitoring-api-errors", Decimal("0.99"), 28)
    assert one.labels["team"] == "operations"
    assert bool(made.notes) == ("grouping" in indicator)


def test_openslo_v2alpha_becomes_v1(tmp_path):
    made = imported(tmp_path, V2)
    (one,) = made.objectives
    assert (one.id, one.method, one.slice_ms, one.slice_target) == (
        "web-availability", "timeslices", 60_000, Decimal("0.95"))  # fmt: skip
    assert one.calendar is not None
    assert (one.calendar.unit, one.calendar.start, one.calendar.zone) == (
        "week", "2022-01-01 12:00:00", "America/New_York")  # fmt: skip
    assert "op and value mean nothing beside a ratio" in made.notes[0]
    assert "AlertPolicy low is left out" in made.notes[1]


@pytest.mark.parametrize("text", [SLOTH, SLOTH_KUBERNETES, PYRRA % RATIO, PYRRA % NATIVE, PYRRA % GAUGE, V2])
def test_what_was_imported_is_the_same_after_another_round(tmp_path, text):
    first = imported(tmp_path, text)
    again = imported(tmp_path, first.text)
    assert again.text == first.text
    assert again.notes == ()
    assert [replace(one, file="", line=0, query_lines={}) for one in again.objectives] == [
        replace(one, file="", line=0, query_lines={}) for one in first.objectives
    ]


@pytest.mark.parametrize("system", load_catalog().profiles)
def test_every_objective_written_out_is_read_back_the_same(system, tmp_path):
    objectives = load_catalog().objectives[system]
    (tmp_path / "again.yaml").write_text(openslo_text(objectives))
    layers = [shipped("data", "systems"), shipped("data", "slos"), tmp_path / "again.yaml"]
    found = {one.id: one for one in read_catalog(layers).objectives[system]}
    for one in objectives:
        kept = {name: getattr(one, name) for name in ("file", "line", "query_lines", "slo", "labels")}
        assert replace(found[one.id], **kept) == one


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SLOTH.replace("99.9", "100"), "leaves no error budget"),
        (SLOTH.replace("99.9", "0.999"), "write 99.900 for the ratio 0.999"),
        ((PYRRA % RATIO).replace('"99"', '"0.99"'), "write 99.00 for the ratio 0.99"),
        (SLOTH.replace("objective: 99.9", "objective: high"), "'high' is not a percentage"),
        (SLOTH.replace("error_query", "eror_query"), "error_query is needed"),
        ((PYRRA % RATIO).replace('"99"', '"100"'), "leaves no error budget"),
        ((PYRRA % RATIO).replace("4w", "a month"), "is not a duration"),
        (PYRRA % "{latency: {success: {metric: a}}}", "total.metric is needed"),
        (PYRRA % "{}", "ratio, latency, latencyNative or bool_gauge is needed"),
        ("a: b", "no definition of Sloth, Pyrra or OpenSLO"),
        (V2.replace("0.995", "1"), "must be below 1"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_place(tmp_path, text, why):
    with pytest.raises(CatalogError, match=why) as caught:
        imported(tmp_path, text)
    assert str(tmp_path / "definitions.yaml") in str(caught.value)


def test_an_unknown_system_or_an_empty_file_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="no system 'nowhere'"):
        imported(tmp_path, SLOTH, system="nowhere")
    with pytest.raises(ParameterError, match="holds no SLO"):
        imported(tmp_path, "")
