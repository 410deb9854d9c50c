"""Composites, log lines, spans and probes in OpenSLO documents; round trips through our own export."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from workbench.catalog import CompositeIndicator, Objective, RecordsIndicator, ThresholdIndicator
from workbench.catalog.load import read_catalog
from workbench.catalog.slo.export import openslo_text
from workbench.core.errors import CatalogError
from workbench.core.filters import Condition, LogFilter, SpanFilter

HEAD = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: shop-journey, labels: {system: shop}MARKS}\nspec:\n"
ROLLING = "  service: checkout\n  timeWindow: [{duration: 28d, isRolling: true}]\n"
JOURNEY = HEAD + ROLLING + """\
  budgetingMethod: RatioTimeslices
  objectives:
    - {displayName: API, targetPercent: 99.5, timeSliceWindow: 5m, indicatorRef: api, compositeWeight: 2}
    - {displayName: Latency, target: 0.99, timeSliceWindow: 5m, indicatorRef: latency}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: api}
spec: {ratioMetric: {counter: true, bad: {metricSource: {spec: {query: bad_total}}},
  total: {metricSource: {spec: {query: all_total}}}}}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: latency}
spec: {ratioMetric: {counter: true, good: {metricSource: {spec: {query: 'd_bucket{le="2"}'}}},
  total: {metricSource: {spec: {query: d_count}}}}}
"""  # fmt: skip
RECORDS = HEAD + ROLLING + """\
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
  indicator:
    metadata: {name: records}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: KIND, spec: BAD}}
        total: {metricSource: {type: KIND, spec: {services: [api]}}}
"""  # fmt: skip
PROBE = HEAD + ROLLING + """\
  budgetingMethod: METHOD
  objectives: [{op: gte, value: 1, target: 0.999, timeSliceTarget: 1, timeSliceWindow: 5m}]
  indicator: {metadata: {name: up}, spec: {thresholdMetric: {metricSource: {spec: {query: probe_success}}}}}
"""  # fmt: skip


def only(tmp_path: Path, text: str) -> Objective:
    (tmp_path / "shop.yaml").write_text("schema: 1\nsystem: shop\ntitle: Shop\n")
    (tmp_path / "slo.yaml").write_text(text)
    (objective,) = read_catalog([tmp_path]).objectives["shop"]
    return objective


def wrong(tmp_path: Path, text: str) -> str:
    with pytest.raises(CatalogError) as caught:
        only(tmp_path, text)
    return caught.value.faults[0].why


def marked(text: str, marks: str = "") -> str:
    return text.replace("MARKS", f", annotations: {{{marks}}}" if marks else "")


def same_but_for_places(one: Objective) -> Objective:
    return replace(one, file="", line=0, query_lines={}, slo="")


@pytest.mark.parametrize(
    ("marks", "method", "target"),
    [
        ("", "RatioTimeslices", "0.980"),  # 1 - (2 * 0.5 % + 1 %)
        ("composite-weights: share", "RatioTimeslices", "0.993333333333"),
        ("composite-target: '0.995'", "RatioTimeslices", "0.995"),
        ("", "Occurrences", "0.993333333333"),
    ],
)
def test_a_composite_is_one_goal_of_its_members(tmp_path: Path, marks: str, method: str, target: str) -> None:
    text = marked(JOURNEY, marks).replace("RatioTimeslices", method)
    found = only(tmp_path, text.replace(", timeSliceWindow: 5m", "") if method == "Occurrences" else text)
    assert isinstance(found.indicator, CompositeIndicator)
    assert (found.id, found.target) == ("journey", Decimal(target))
    assert [(one.name, one.weight, one.target) for one in found.indicator.members] == [
        ("api", Decimal(2), Decimal("0.995")),
        ("latency", Decimal(1), Decimal("0.99")),
    ]
    assert found.queries()["latency.good"] == 'd_bucket{le="2"}'
    assert found.query_lines["api.bad"] == 15


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (JOURNEY.replace("targetPercent: 99.5", "targetPercent: 40"), "the composite would have no target"),
        (JOURNEY.replace("Latency,", "API,"), "a second member is named 'api'"),
        (JOURNEY.replace("timeSliceWindow: 5m, indicatorRef: latency", "timeSliceWindow: 1m, indicatorRef: latency"),
         "one timeSliceWindow"),
        (JOURNEY.replace(", indicatorRef: latency", ""), "each of its objectives has one"),
        (JOURNEY.replace("MARKS", ", annotations: {composite-weights: sums}"), "no meaning of weights"),
        (JOURNEY.replace("MARKS", ", annotations: {composite-target: '99.5'}"), "composite-target is '99.5'"),
    ],
)  # fmt: skip
def test_a_composite_that_makes_no_sense_is_refused(tmp_path: Path, text: str, why: str) -> None:
    assert why in wrong(tmp_path, marked(text))


def test_log_lines_and_spans_are_picked_by_neutral_filters(tmp_path: Path) -> None:
    logs = "{services: [api], severity: ERROR, attributes: [{attribute: code, op: in, values: ['500', '503']}]}"
    found = only(tmp_path, marked(RECORDS).replace("KIND", "logs").replace("BAD", logs))
    bad = LogFilter(("api",), "ERROR", attributes=(Condition("code", "in", ("500", "503")),))
    assert found.indicator == RecordsIndicator(total=LogFilter(("api",)), bad=bad)
    spans = "{services: [api], status: error, minDuration: 2s}"
    found = only(tmp_path, marked(RECORDS).replace("KIND", "spans").replace("BAD", spans))
    slow = SpanFilter(("api",), status="error", min_duration_ns=2_000_000_000)
    assert found.indicator == RecordsIndicator(total=SpanFilter(("api",)), bad=slow)


@pytest.mark.parametrize(
    ("kind", "bad", "why"),
    [
        ("logs", "{status: error}", "a source of type logs has no status in its spec"),
        ("logs", "{query: up}", "a source of type logs has no query in its spec"),
        ("spans", "{minDuration: soon}", "'soon' is not a duration"),
        ("logs", "{attributes: [{attribute: a, op: regex, value: '('}]}", "is not a regular expression"),
        ("logs", "{attributes: [{attribute: a, values: [b]}]}", "several values need op: in"),
    ],
)
def test_a_filter_that_its_source_does_not_have_is_refused(tmp_path: Path, kind: str, bad: str, why: str) -> None:
    assert why in wrong(tmp_path, marked(RECORDS).replace("KIND", kind).replace("BAD", bad))


def test_good_and_total_come_from_one_kind_of_source(tmp_path: Path) -> None:
    text = marked(RECORDS).replace("KIND", "logs", 1).replace("KIND", "spans").replace("BAD", "{severity: ERROR}")
    assert "one type of source" in wrong(tmp_path, text)


def test_each_probe_counts_where_the_document_says_so(tmp_path: Path) -> None:
    slices = only(tmp_path, marked(PROBE, "judged: samples").replace("METHOD", "Timeslices"))
    assert slices.indicator == ThresholdIndicator("probe_success", ">=", Decimal(1), 300_000, samples=True)
    events = only(tmp_path, marked(PROBE, "judged: samples").replace("METHOD", "Occurrences"))
    assert (events.method, events.slice_ms) == ("occurrences", None)
    assert "no events to count" in wrong(tmp_path, marked(PROBE).replace("METHOD", "Occurrences"))


@pytest.mark.parametrize(
    "text",
    [
        JOURNEY,
        JOURNEY.replace("MARKS", ", annotations: {composite-weights: share, absence: bad}"),
        RECORDS.replace("KIND", "logs").replace("BAD", "{severity: ERROR, contains: 'a\"b', events: [x]}"),
        RECORDS.replace("KIND", "spans").replace("BAD", "{status: error, operations: [x], minDuration: 1m30s}"),
        PROBE.replace("MARKS", ", annotations: {judged: samples}").replace("METHOD", "Timeslices"),
    ],
)
def test_what_is_exported_reads_back_the_same(tmp_path: Path, text: str) -> None:
    first = only(tmp_path, marked(text))
    again = only(tmp_path, openslo_text([first]))
    assert same_but_for_places(replace(again, id=first.id, title=first.title)) == same_but_for_places(first)
