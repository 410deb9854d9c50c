"""Sloth's queries in the forms people write: whatever the form, the events are those that the counters counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.studies.conftest import END, STEP
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import RatioIndicator, RawIndicator, ThresholdIndicator, load_catalog
from workbench.core.errors import CatalogError, QueryRejected
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, to_ms
from workbench.promql import exact_ratio
from workbench.studies.authoring.check import uncountable
from workbench.studies.authoring.counted import counted_by
from workbench.studies.authoring.imports import import_slos
from workbench.studies.counting.indicators import read_counts
from workbench.studies.counting.plans import planned

#: Requests a minute by code, on each of two instances.
RATES = {"200": 540, "404": 30, "429": 12, "500": 48}
#: Requests a minute at most as slow as a bound. [ms]
BUCKETS = {"500": 560, "1000": 567, "+Inf": 630}
SPAN = TimeRange(END - timedelta(hours=6), END)
TEMPLATE = load_catalog().objective("counterfactual-lab", "availability")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> ArchiveSource:
    times = np.arange(to_ms(END - timedelta(hours=8)), to_ms(END) + 1, STEP)
    minutes = np.arange(len(times))
    series = []
    for job, instance in (("a", "1"), ("b", "2")):
        target = {"job": job, "instance": instance}
        series.append(({"__name__": "up", **target}, times, np.ones(len(times))))
        series += [({"__name__": "r_total", "code": c, **target}, times, minutes * n + 7) for c, n in RATES.items()]
        series += [({"__name__": "d_bucket", "le": le, **target}, times, minutes * n) for le, n in BUCKETS.items()]
        series.append(({"__name__": "d_count", **target}, times, minutes * BUCKETS["+Inf"]))
        series.append(({"__name__": "d_sum", **target}, times, minutes * 99.5))
        series.append(({"__name__": "up_now", **target}, times, np.where(minutes % 10 == 3, 0.0, 1.0)))
        series.append(({"__name__": "open_requests", **target}, times, 3.0 + minutes * 7 % 11))
        recorded = {"__name__": "code:r:rate5m", **target}
        series += [({**recorded, "code": c}, times, np.full(len(times), n / 60)) for c, n in RATES.items()]
    archive = Archive.open(tmp_path_factory.mktemp("sloth") / "archive", create=True)
    archive.append_samples(SeriesSet.of(series))
    return ArchiveSource("arc", archive)


def rated(selector: str, form: int) -> str:
    inner = f"rate({selector}[5m])"
    return (f"sum({inner})", f"sum({inner}) by (job)", f"sum by (job) ({inner})", f"(\n  sum({inner})\n)")[form]


@st.composite
def ratios(draw: st.DrawFn) -> tuple[str, str, int, int]:
    """Return an error query, a total query, and the events of each a minute on one instance."""
    latency, form = draw(st.booleans()), draw(st.integers(0, 3))
    if latency:
        bound = draw(st.sampled_from(["500", "1000"]))
        whole, events = draw(st.sampled_from(["d_count", 'd_bucket{le="+Inf"}'])), BUCKETS["+Inf"]
        bad = f"{rated(whole, form)} - " + rated(f'd_bucket{{le="{bound}"}}', form)
        wrong = events - BUCKETS[bound]
    else:
        codes = draw(st.sets(st.sampled_from(list(RATES)), min_size=1))
        whole, events, wrong = "r_total", sum(RATES.values()), sum(RATES[code] for code in codes)
        if draw(st.booleans()) or len(codes) == 1:
            pattern = "|".join(sorted(codes))
            bad = rated(f'r_total{{code=~"{pattern}"}}', form)
        else:
            bad = " + ".join(rated(f'r_total{{code="{code}"}}', form) for code in sorted(codes))
    guards = ["{}", "{} or vector(0)", "({}) or vector(0)", "({}) > 0", "(({}) > 0) or vector(1)", "{} or 0 * {}"]
    guard = draw(st.sampled_from(guards[:1] if " + " in bad or " - " in bad else [*guards[:3], guards[5]]))
    total = rated(whole, form)
    bad = guard.format(bad, total)
    return bad, draw(st.sampled_from([guards[0], *guards[3:5]])).format(total), wrong, events


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(ratios())
def test_every_form_of_a_ratio_counts_what_the_counters_counted(source, ratio) -> None:
    bad, total, wrong, events = ratio
    objective = replace(TEMPLATE, indicator=RatioIndicator(**exact_ratio(bad, total)))
    counted = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id].events
    minutes = SPAN.seconds / 60 * 2
    assert counted["total"].sum() == pytest.approx(events * minutes)
    assert (counted["total"] - counted["good"]).sum() == pytest.approx(wrong * minutes)
    rules = counted_by(planned(objective, {}, SPAN))
    share = f"({rules.bad.replace('$window', '1h')}) / ({rules.total.replace('$window', '1h')})"
    (value,) = source.instant(share, END).values.ravel()
    assert value == pytest.approx(wrong / events), share


BAD, ALL = 'sum(rate(r_total{code="500"}[5m]))', "sum(rate(r_total[5m]))"


@pytest.mark.parametrize(
    ("bad", "total"),
    [
        ('sum(rate(r_total{code="500"}[5m]) * on (job, instance) group_left up)', ALL),
        ('sum(up * on (job, instance) group_right rate(r_total{code="500"}[5m]))', ALL),
        (f"60 * {BAD}", f"{ALL} * 60"),
        (f"{BAD} / (1 / 3600)", f"3600 * {ALL}"),
        (f"ceil({BAD})", f"clamp_min({ALL}, 0.001)"),
        ('round(sum(increase(r_total{code="500"}[5m])))', "sum(increase(r_total[5m]))"),
        ('sum(increase(r_total{code="500"}[5m])) / 300', ALL),
        ('sum(code:r:rate5m{code="500"})', "sum(code:r:rate5m)"),
        ('sum(irate(r_total{code="500"}[5m]))', "sum(irate(r_total[5m]))"),
    ],
)
def test_gauges_units_of_time_and_rounding_change_no_event(source, bad, total) -> None:
    objective = replace(TEMPLATE, indicator=RatioIndicator(**exact_ratio(bad, total)))
    counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
    assert counts.failure is None, counts.warnings
    assert counts.events["total"].sum() == pytest.approx(630 * 720)
    assert (counts.events["total"] - counts.events["good"]).sum() == pytest.approx(48 * 720)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["rate", "increase", "irate"]), st.integers(2, 7200), st.integers(2, 7200), st.booleans())
def test_a_factor_counts_the_same_events_or_is_refused(source, func, first, second, divided) -> None:
    sign = "/" if divided else "*"
    bad, total = (f"{text.replace('rate', func)} {sign} {n}" for text, n in ((BAD, first), (ALL, second)))
    if first != second:
        with pytest.raises(QueryRejected, match="their ratio is no share"):
            exact_ratio(bad, total)
        return
    objective = replace(TEMPLATE, indicator=RatioIndicator(**exact_ratio(bad, total)))
    events = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id].events
    assert 1 - events["good"].sum() / events["total"].sum() == pytest.approx(48 / 630)


@pytest.mark.parametrize(
    ("bad", "total", "failure"),
    [
        ('sum(rate(r_total{code="500"}[5m]) * ignoring (job) group_left up)', ALL, "no_data"),
        ("sum by (job) (rate(d_count[5m])) - sum(rate(d_bucket{le='1000'}[5m]))", ALL, "no_data"),
        ("sum(rate(d_count[5m]) * d_count)", "sum(rate(d_count[5m]))", "refused"),
    ],
)
def test_parts_that_do_not_match_are_not_taken_for_no_failures(source, bad, total, failure) -> None:
    objective = replace(TEMPLATE, indicator=RatioIndicator(**exact_ratio(bad, total)))
    counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
    assert counts.failure == failure, counts.warnings


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bad", "total", "share"),
    [
        (f"{BAD} + (sum(rate(nosuch[5m])) or vector(0))", ALL, 48 / 630),
        (f"(sum(rate(nosuch[5m])) or vector(0)) + {BAD}", ALL, 48 / 630),
        (f'{BAD} + sum(rate(r_total{{code="503"}}[5m])) + sum(rate(r_total{{code="429"}}[5m]))', ALL, 60 / 630),
        ('sum by (job) (rate(r_total{job="a",code="500"}[5m])) + sum by (job) (rate(r_total{code="429"}[5m]))', ALL,
         (24 + 12) / 630),
        ('sum(rate(d_bucket{le="+Inf"}[5m])) - sum(rate(d_bucket{le="500"}[5m]))', "sum(rate(d_count[5m]))", 70 / 630),
        ('sum(rate(r_total{code!="1"}[5m])) - (sum(rate(r_total{code="2"}[5m])) or vector(0))', ALL, 1),
        ("count(up_now == 0) or vector(0)", "count(up_now)", 0.1),
    ],
)  # fmt: skip
def test_a_term_without_data_takes_no_other_with_it(source, bad, total, share) -> None:
    objective = replace(TEMPLATE, indicator=RatioIndicator(**exact_ratio(bad, total)))
    counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
    assert counts.failure is None, counts.warnings
    assert 1 - counts.events["good"].sum() / counts.events["total"].sum() == pytest.approx(share)
    if "up_now" in total:
        return  # A rule of one slice tells only that slice.
    rules = counted_by(planned(objective, {}, SPAN))
    (value,) = source.instant(f"({rules.bad}) / ({rules.total})".replace("$window", "1h"), END).values.ravel()
    assert value == pytest.approx(share)


@pytest.mark.parametrize(
    ("bad", "total", "why"),
    [
        ("sum(rate(d_sum[5m]))", "sum(rate(d_count[5m]))", "sums the values of a histogram"),
        ('sum(rate(r_total{code!="200"}[5m]))', 'sum(rate(r_total{code="200"}[5m]))', "the total leaves out"),
        ('sum(rate(r_total{code="500"}[5m]))', 'sum(rate(r_total{code!~"5.."}[5m]))', "the total leaves out"),
        ('sum(rate(r_total{code=~"5.."}[5m]))', 'sum(rate(r_total{code=~"2.."}[5m]))', "counts none of the bad"),
        ('sum(rate(r_total{code="404"}[5m])) - sum(rate(r_total{code="500"}[5m]))', ALL, "cannot be less than 0"),
        ('sum(sum_over_time(r_total{code="500"}[5m]))', "sum(sum_over_time(r_total[5m]))", "r_total only grows"),
        ('sum(rate(d_bucket{le="+Inf"}[5m])) - sum(rate(d_bucket{le="2"}[5m]))', "sum(rate(d_count[5m]))",
         'takes away d_bucket{le="2"}'),
    ],
)  # fmt: skip
def test_parts_that_are_no_part_are_refused_on_import_or_when_counted(source, bad, total, why) -> None:
    try:
        objective = replace(TEMPLATE, indicator=RatioIndicator(**exact_ratio(bad, total)))
    except QueryRejected as error:
        assert why in error.message  # noqa: PT017
        return
    counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
    assert counts.failure in ("refused", "no_data")
    assert why in counts.warnings[0]


def test_a_gauge_in_place_of_a_counter_is_refused(source) -> None:
    objective = replace(TEMPLATE, indicator=RatioIndicator(bad="open_requests", total="r_total"))
    counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
    assert counts.failure == "refused"
    assert "open_requests falls as often as a gauge" in counts.warnings[0]


def test_more_good_events_than_events_are_no_objective_met(source) -> None:
    ratio = RatioIndicator(good="sum(rate(r_total[5m])) + sum(rate(d_count[5m]))", total=ALL)
    for indicator in (ratio, RatioIndicator(good='{__name__=~"r_total|d_count"}', total="r_total")):
        objective = replace(TEMPLATE, indicator=indicator)
        counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
        assert counts.failure == "refused"
        assert "the total only" in counts.warnings[0]


@pytest.mark.parametrize(
    ("share", "kind", "failure", "why"),
    [
        ("histogram_quantile(0.9, sum by (le) (rate(d_bucket[5m])))", "failure", "refused", "histogram_quantile"),
        ('sum(rate(r_total{code="500"}[5m])) / 100', "failure", "refused", "events per second"),
        ('sum(rate(r_total{code!="200"}[5m])) / sum(rate(r_total{code="200"}[5m]))', "failure", "refused",
         "leaves out"),
        ('sum(rate(d_bucket{le="2"}[5m])) / sum(rate(d_count[5m])) or vector(1)', "success", "no_data",
         "No bucket of d_bucket has the bound 2"),
        ("sum(rate(nosuch[5m])) / sum(rate(r_total[5m])) or vector(0)", "failure", None, "no series matches nosuch"),
    ],
)  # fmt: skip
def test_a_raw_ratio_that_is_no_share_is_not_judged(source, share, kind, failure, why) -> None:
    objective = replace(TEMPLATE, method="ratio_timeslices", indicator=RawIndicator(share, kind))
    counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
    assert counts.failure == failure
    assert why in " ".join(counts.warnings)


@pytest.mark.parametrize("form", ["sum(rate({}[5m]))", "sum(rate({}[5m])) + sum(rate({}[5m]))"])
def test_a_label_that_no_series_has_is_warned_of(source, form) -> None:
    for selector, warned in (('r_total{status="500"}', True), ('r_total{code="503"}', False)):
        objective = replace(TEMPLATE, indicator=RatioIndicator(**exact_ratio(form.format(selector, selector), ALL)))
        counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
        assert (counts.events["total"] - counts.events["good"]).sum() == 0
        assert [text for text in counts.warnings if "0 bad events" in text and "status" in text] == list(
            counts.warnings
        )
        assert bool(counts.warnings) == warned


@pytest.mark.parametrize("form", range(4))
def test_a_counter_beside_a_rate_is_counted_like_it(source, form) -> None:
    part = rated('r_total{code="500"}', form)
    objective = replace(TEMPLATE, indicator=RatioIndicator(bad=part, total="sum(r_total)"))
    counted = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
    bad = (counted.events["total"] - counted.events["good"]).sum()
    assert (bad, counted.events["total"].sum()) == (48 * 720, 630 * 720)
    assert counted.method == "exact"


@pytest.mark.parametrize(
    ("bad", "total", "why"),
    [
        ("sum(rate(a[5m]))", "sum(increase(b[5m]))", "their ratio is no share"),
        ("sum(rate(a[5m]))", "sum(b)", "the total query is a counter"),
        ("sum(rate(a[5m])) - sum(b)", "sum(rate(b[5m]))", "cannot be joined by -"),
        ("sum(rate(a[5m])) / sum(rate(b[5m]))", "sum(rate(b[5m]))", "the bad query is a share"),
        ("vector(1)", "sum(rate(b[5m]))", "the bad query is a number"),
        ("sum(rate(a[5m])) > bool 0", "sum(rate(b[5m]))", "the bad query is a number"),
        ("count(a)", "sum(rate(b[5m]))", "a number of series, the total events per second"),
        ("avg(rate(a[5m]))", "avg(rate(b[5m]))", "a result of avg"),
        ("count(rate(a[5m]))", "count(rate(b[5m]))", "a result of count"),
        ("sum(topk(1, rate(a[5m])))", "sum(rate(b[5m]))", "a result of topk"),
        ("histogram_quantile(0.9, rate(a_bucket[5m]))", "sum(rate(b[5m]))", "a result of histogram_quantile"),
        ("-sum(rate(a[5m]))", "sum(rate(b[5m]))", "negative"),
        ("sum(rate(a[5m] offset 5m))", "sum(rate(b[5m]))", "another offset"),
        ("sum(rate(a[5m] @ end()))", "sum(rate(b[5m]))", "fixed to one instant"),
        ("sum(rate(a[5m]))", "sum(rate(d_bucket[5m]))", "once a bucket of d_bucket"),
        ("sum(rate(a[5m]))", "sum(rate(d_bucket{le=~'1|2'}[5m]))", "once a bucket of d_bucket"),
        ("sum(rate(a[5m])) / 2", "sum(rate(b[5m]))", "0.5 times events per second"),
    ],
)
def test_queries_that_are_no_ratio_of_events_are_refused(bad, total, why) -> None:
    with pytest.raises(QueryRejected, match=why):
        exact_ratio(bad, total)


SLOTH = """version: prometheus/v1
service: shop
slos:
  - name: wrong
    objective: 99
    sli: {events: {error_query: 'sum(rate(a[{{.window}}]))', total_query: 'sum(b)'}}
  - name: right
    objective: 99
    sli: {events: {error_query: 'sum(rate(a[{{- .window -}}])) or vector(0)', total_query: 'sum(rate(b[{{.window}}]))'}}
"""


def test_one_impossible_slo_is_refused_at_its_line_and_the_others_are_imported(tmp_path: Path) -> None:
    (tmp_path / "sloth.yaml").write_text(SLOTH)
    made = import_slos(tmp_path / "sloth.yaml", system="conduit")
    assert [one.queries() for one in made.objectives] == [{"bad": "sum(a)", "total": "sum(b)"}]
    (fault,) = made.faults
    assert (fault.line, "not a rate of events" in fault.why) == (6, True)
    (tmp_path / "sloth.yaml").write_text(SLOTH[: SLOTH.index("  - name: right")])
    with pytest.raises(CatalogError, match=r"sloth\.yaml:6: wrong"):
        import_slos(tmp_path / "sloth.yaml", system="conduit")


def test_one_bad_objective_leaves_the_others_measured(source) -> None:
    impossible = replace(
        TEMPLATE,
        id="impossible",
        indicator=RatioIndicator(bad="sum(rate(r_total[5m])) - sum(r_total)", total="r_total"),
    )
    right = replace(TEMPLATE, indicator=RatioIndicator(bad='r_total{code="500"}', total="r_total"))
    counts = read_counts(source, {}, [impossible, right], dict.fromkeys(("impossible", right.id), SPAN)).counts
    assert (counts["impossible"].failure, counts[right.id].failure) == ("refused", None)
    assert counts[right.id].events["total"].sum() == 630 * 720
    catalog = replace(load_catalog(), objectives={"counterfactual-lab": (impossible, right)})
    assert [fault.why.split(":")[0] for fault in uncountable(catalog)] == ["impossible"]


def test_the_shipped_objectives_can_all_be_counted() -> None:
    assert uncountable(load_catalog()) == []


@pytest.mark.parametrize("indicator", [
    RatioIndicator(bad='sum(r_total{code="500"})', total="sum(r_total)", counter=False),
    RawIndicator('sum(r_total{code="500"}) / sum(r_total)', "failure"),
])  # fmt: skip
def test_counters_since_the_start_of_the_process_are_no_events_of_a_slice(source, indicator) -> None:
    objective = replace(TEMPLATE, method="ratio_timeslices", indicator=indicator)
    counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
    assert counts.failure == "refused"
    assert "r_total only grows" in counts.warnings[0]


def test_a_limit_in_another_unit_is_warned_of(source) -> None:
    query = "sum(rate(d_count[5m])) / sum(rate(r_total[5m]))"
    for value, warned in (("0.5", False), ("500", True), ("0.001", True)):
        limit = ThresholdIndicator(query, "<=", Decimal(value), 300_000)
        objective = replace(TEMPLATE, method="timeslices", indicator=limit)
        counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
        assert any("same unit" in text for text in counts.warnings) == warned


def test_a_share_without_failures_names_a_label_that_no_series_has(source) -> None:
    for label, warned in (("code", False), ("status", True)):
        share = f'(sum(rate(r_total{{{label}="503"}}[5m])) or vector(0)) / sum(rate(r_total[5m]))'
        objective = replace(TEMPLATE, method="ratio_timeslices", indicator=RawIndicator(share, "failure"))
        counts = read_counts(source, {}, [objective], {objective.id: SPAN}).counts[objective.id]
        assert any('r_total{status!=""}' in text for text in counts.warnings) == warned


@pytest.mark.parametrize("total", ["absent_total", 'r_total{code="500"}'])
def test_more_failures_than_events_are_refused_and_take_no_other_objective_down(source, total) -> None:
    wrong = replace(TEMPLATE, id="wrong", indicator=RatioIndicator(bad="d_count", total=total))
    right = replace(TEMPLATE, indicator=RatioIndicator(bad='r_total{code="500"}', total="r_total"))
    counts = read_counts(source, {}, [wrong, right], {wrong.id: SPAN, right.id: SPAN}).counts
    assert counts[wrong.id].failure == "refused"
    assert any("and the total " in warning for warning in counts[wrong.id].warnings)
    assert counts[right.id].events["total"].sum() == pytest.approx(630 * 2 * SPAN.seconds / 60)
