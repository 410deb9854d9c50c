from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import Catalog, Objective, RatioIndicator, RawIndicator, load_catalog
from workbench.core.errors import ParameterError, QueryTooExpensive, SourceUnavailable
from workbench.core.result import Study
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, calendar_month
from workbench.studies import Context, slo_compliance
from workbench.studies.sources.unavailable import UnavailableSource

SYSTEM = "counterfactual-lab"
END = datetime(2026, 11, 1, tzinfo=UTC)
WEEK = TimeRange(END - timedelta(days=7), END)


class Watched(ArchiveSource):
    """The archive, with every question written down."""

    def __init__(self, archive: Archive) -> None:
        super().__init__("watched", archive)
        self.spans: dict[str, list[TimeRange]] = {}

    def raw(self, selector: str, span: TimeRange) -> SeriesSet:
        self.spans.setdefault(selector, []).append(span)
        return super().raw(selector, span)


class Failing(ArchiveSource):
    """The archive, where questions about one metric fail."""

    def __init__(self, archive: Archive, metric: str, error: Exception) -> None:
        super().__init__("failing", archive)
        self.metric, self.error = metric, error

    def raw(self, selector: str, span: TimeRange) -> SeriesSet:
        if self.metric in selector:
            raise self.error
        return super().raw(selector, span)


def row(study: Study, objective: str) -> pd.Series:
    return study.results["compliance"].frame.set_index("objective").loc[objective]


def asked(ctx: Context, indicator: Any, **changes: Any) -> Study:
    """The study of one objective: availability with another indicator."""
    shipped = ctx.catalog.objective(SYSTEM, "availability")
    objective: Objective = replace(shipped, indicator=indicator, **changes)
    catalog = Catalog(ctx.catalog.profiles, {SYSTEM: (objective,)})
    return slo_compliance(replace(ctx, catalog=catalog), system=SYSTEM, range=WEEK, as_of=END)


@pytest.mark.slow
def test_every_request_is_counted_over_a_restart_a_birth_and_a_gap(lab: Context) -> None:
    found = row(slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=END), "availability")
    seconds = 7 * 86_400
    assert found.total == 2 * 1000 * seconds + 30  # the 30 were there when lab-2 first showed its 503
    assert found.bad == 5 * seconds + 30
    assert found.status == "spent"
    assert found.method == "exact"


def test_latency_reads_the_bucket_however_its_bound_is_written(lab: Context) -> None:
    study = slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=END)
    assert [row(study, name).sli for name in ("latency-p95", "latency-p99")] == [0.96, 0.98]
    assert [row(study, name).status for name in ("latency-p95", "latency-p99")] == ["at_risk", "spent"]


def test_quality_counts_slices_and_leaves_the_unseen_ones_out(lab: Context) -> None:
    found = row(slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=END), "quality")
    assert (found.total, found.bad, found.unit) == (7 * 288 - 11, 24, "slices")
    assert found.coverage == (7 * 288 - 11) / (7 * 288)


def test_the_gap_lowers_the_coverage_and_loses_no_request(lab: Context) -> None:
    hour = TimeRange(datetime(2026, 10, 30, 5, tzinfo=UTC), datetime(2026, 10, 30, 8, tzinfo=UTC))
    study = slo_compliance(lab, system=SYSTEM, range=hour, as_of=END, slo="availability")
    assert row(study, "availability").total == 2 * 1000 * 3 * 3600
    assert study.coverage == pytest.approx(25 / 36)


def test_an_indicator_without_series_is_no_data(lab: Context) -> None:
    found = row(slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=END), "generation-success")
    assert found.status == "no_data"
    assert np.isnan(found.total)


@pytest.mark.slow
def test_two_parts_of_a_period_add_up_to_the_whole(lab: Context) -> None:
    middle = datetime(2026, 10, 28, 12, 5, tzinfo=UTC)
    whole = slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=END)
    parts = [
        slo_compliance(lab, system=SYSTEM, range=span, as_of=END)
        for span in (TimeRange(WEEK.start, middle), TimeRange(middle, WEEK.end))
    ]
    for name in ("availability", "latency-p95", "quality"):
        for column in ("good", "total"):
            assert sum(row(part, name)[column] for part in parts) == row(whole, name)[column]


def test_nothing_after_the_instant_is_read(lab: Context) -> None:
    before_birth = datetime(2026, 10, 28, tzinfo=UTC)
    found = slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=before_birth)
    assert row(found, "availability").total == 2 * 1000 * 3 * 86_400
    assert row(found, "availability").elapsed == 3 / 7
    assert found.freshness == before_birth


def test_a_month_in_a_zone_is_judged_over_exactly_its_days(lab: Context) -> None:
    span = calendar_month(2026, 10, "Europe/Berlin")
    study = slo_compliance(replace(lab, zone="Europe/Berlin"), system=SYSTEM, range=span, as_of=END)
    found = row(study, "availability")
    assert (found.period, found.window_start, found.window_end) == ("2026-10", span.start, span.end)
    assert found.budget_minutes == pytest.approx(745 * 60 / 1000)
    assert found.coverage == pytest.approx((12 * 24 - 1 + 1 / 12 - 1) / 745, rel=1e-3)
    assert any("of the window was observed" in note for note in study.results["compliance"].notes)


def test_without_a_range_each_objective_has_its_own_window(lab: Context) -> None:
    study = slo_compliance(lab, system=SYSTEM, as_of=END)
    assert set(study.results["compliance"].frame["period"]) == {"30d"}
    assert study.range == TimeRange(END - timedelta(days=30), END)


def test_only_a_window_that_moves_on_looks_beyond_its_end(lab: Context) -> None:
    moving = slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=END, slo="latency-p95")
    assert row(moving, "latency-p95").exhausted_at == END + timedelta(days=7 * (1 / 0.8 - 1))
    month = slo_compliance(lab, system=SYSTEM, range=calendar_month(2026, 10, "UTC"), as_of=END, slo="latency-p95")
    assert pd.isna(row(month, "latency-p95").exhausted_at)


def test_an_instant_between_slices_is_moved_down(lab: Context) -> None:
    late = END - timedelta(seconds=1)
    study = slo_compliance(lab, system=SYSTEM, as_of=late, slo="availability")
    assert row(study, "availability").window_end == END - timedelta(minutes=5)


def test_each_selector_is_read_once_and_parts_from_the_whole(
    lab_archive: Archive, context_over: Callable[..., Context]
) -> None:
    source = Watched(lab_archive)
    slo_compliance(context_over(source), system=SYSTEM, range=WEEK, as_of=END)
    assert {len(spans) for spans in source.spans.values()} == {1}
    names = sorted(selector.split("{")[0] for selector in source.spans)
    assert names == [
        "counterfactual_generation_total", "http_request_duration_seconds_bucket",
        "http_request_duration_seconds_bucket", "http_request_duration_seconds_count", "http_requests_total", "up",
    ]  # fmt: skip
    assert all("counterfactual-lab" in selector for selector in source.spans)
    spans = {span for spans in source.spans.values() for span in spans}
    assert spans == {TimeRange(WEEK.start - timedelta(days=1), WEEK.end).left_open()}


def test_a_source_that_is_not_there_gives_a_status_and_a_sentence(context_over: Callable[..., Context]) -> None:
    closed = UnavailableSource("main", "http://prometheus:9090", "Nobody answers.", hint="Is it running?")
    study = slo_compliance(context_over(closed), system=SYSTEM, as_of=END)
    assert study.status == "unavailable"
    assert set(study.results["compliance"].frame["status"]) == {"unavailable"}
    assert "Nobody answers." in study.warnings[0]
    assert (study.freshness, study.provenance.source) == (None, "main")


@pytest.mark.parametrize(("error", "status"), [
    (QueryTooExpensive("Too many samples."), "refused"), (SourceUnavailable("Deadline passed."), "unavailable"),
])  # fmt: skip
def test_one_failing_question_leaves_the_others_answered(
    error: Exception, status: str, lab_archive: Archive, context_over: Callable[..., Context]
) -> None:
    ctx = context_over(Failing(lab_archive, "duration_seconds_count", error))
    study = slo_compliance(ctx, system=SYSTEM, range=WEEK, as_of=END)
    shown = study.results["compliance"].frame.set_index("objective")["status"].to_dict()
    assert shown == {
        "availability": "spent", "latency-p95": status, "latency-p99": status,
        "generation-success": "no_data", "quality": "spent",
    }  # fmt: skip
    assert len(study.warnings) == 2


def test_bad_over_total_is_the_same_goal_as_good_over_total(lab: Context) -> None:
    total = "sum(http_requests_total)"
    bad = asked(lab, RatioIndicator(total, bad='sum(http_requests_total{status=~"5.."})'))
    good = asked(lab, RatioIndicator(total, good='sum(http_requests_total{status!~"5.."})'))
    pd.testing.assert_frame_equal(bad.results["compliance"].frame, good.results["compliance"].frame)


def test_errors_that_never_occurred_are_no_errors(lab: Context) -> None:
    study = asked(lab, RatioIndicator("sum(http_requests_total)", bad='sum(http_requests_total{status="599"})'))
    assert (row(study, "availability").sli, row(study, "availability").bad) == (1, 0)


def test_a_good_selector_that_matches_nothing_is_no_data_and_not_a_disaster(lab: Context) -> None:
    study = asked(lab, RatioIndicator("sum(http_requests_total)", good='sum(http_requests_total{status="OK"})'))
    assert row(study, "availability").status == "no_data"
    assert "matches no series while the total does" in study.warnings[0]


@pytest.mark.slow
def test_a_query_with_rate_is_evaluated_as_given_and_named_extrapolated(lab: Context) -> None:
    good, total = 'sum(rate(http_requests_total{status!~"5.."}[5m]))', "sum(rate(http_requests_total[5m]))"
    study = asked(lab, RatioIndicator(total, good=good))
    found = row(study, "availability")
    exact = row(slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=END), "availability")
    assert (found.method, study.provenance.method) == ("extrapolated", "extrapolated")
    assert found.sli == pytest.approx(exact.sli, rel=1e-5)
    assert found.total == pytest.approx(exact.total * found.coverage, rel=2e-3)
    assert any("extrapolated, not exact" in note for note in study.results["compliance"].notes)


def test_an_objective_that_cannot_be_counted_is_refused_with_its_place(lab: Context) -> None:
    study = asked(lab, RatioIndicator("http_requests_total", good="http_requests_total - http_errors_total"))
    assert study.status == "refused"
    assert "counterfactual-lab.yaml:" in study.warnings[0]


def test_ratios_of_slices_and_shares_as_they_are(lab: Context) -> None:
    share = 'sum(rate(http_requests_total{status!~"5.."}[5m])) / sum(rate(http_requests_total[5m]))'
    slices = {"slice_ms": 300_000, "slice_target": None}
    raw = row(asked(lab, RawIndicator(share, "success"), method="ratio_timeslices", **slices), "availability")
    assert (raw.unit, raw.budgeting) == ("slices", "ratio_timeslices")
    assert raw.sli == pytest.approx(0.9975, abs=1e-6)
    judged = {"slice_ms": 300_000, "slice_target": Decimal("0.9975")}
    counted = RatioIndicator("sum(http_requests_total)", good='sum(http_requests_total{status!~"5.."})')
    kept = row(asked(lab, counted, method="timeslices", **judged), "availability")
    assert (kept.bad, kept.total) == (1, 7 * 288 - 11)  # only the slice in which the 30 appear is below


def test_an_unknown_system_and_an_unknown_objective_are_errors_of_the_caller(lab: Context) -> None:
    with pytest.raises(ParameterError, match="no system 'counterfactual-lap'"):
        slo_compliance(lab, system="counterfactual-lap", as_of=END)
    with pytest.raises(ParameterError, match="no objective 'availabilty'"):
        slo_compliance(lab, system=SYSTEM, as_of=END, slo="availabilty")


def test_the_study_is_plain_json_and_names_its_queries(lab: Context) -> None:
    study = slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=END)
    plain = json.loads(json.dumps(study.to_dict(), allow_nan=False))
    assert plain["status"] == "spent"
    assert plain["results"]["compliance"]["rows"][0]["total"] == row(study, "availability").total
    assert plain["results"]["compliance"]["rows"][3]["sli"] is None
    assert 'http_requests_total{system="counterfactual-lab"}' in plain["provenance"]["queries"]
    assert plain["provenance"]["semantics"] == "v3"


def test_the_assumptions_of_an_objective_are_notes(lab: Context) -> None:
    notes = slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=END, slo="quality").results["compliance"].notes
    assert any("Slices of 5 minutes" in note for note in notes)


def test_the_hourly_burn_down_ends_where_compliance_stands(lab: Context) -> None:
    study = slo_compliance(lab, system=SYSTEM, range=WEEK, as_of=END)
    drawn = study.results["budget"].frame.groupby("objective")["budget_left_ratio"].last()
    for name in ("availability", "latency-p95", "quality"):
        assert drawn[name] == pytest.approx(row(study, name).period_left_ratio, rel=1e-12)


def test_a_system_without_objectives_has_an_empty_table(lab: Context) -> None:
    bare = replace(lab, catalog=Catalog(load_catalog().profiles, {}))
    study = slo_compliance(bare, system=SYSTEM, as_of=END)
    assert (study.status, len(study.results["compliance"].frame)) == ("no_data", 0)
    json.dumps(study.to_dict(), allow_nan=False)


def test_an_empty_query_tells_a_short_window_from_a_wrong_name(lab: Context) -> None:
    from workbench.studies.operations.ask import why_empty

    short = why_empty(lab, "increase(http_requests_total[1m])", source=None, system=SYSTEM, at=END)
    assert "has a sample every 1m, and [1m] holds fewer than two. Take at least [4m]." in short
    assert "Check the names" in why_empty(lab, "increase(http_request_total[1m])", source=None, system=SYSTEM, at=END)


@pytest.mark.parametrize("last", ["1h", "7d"])
def test_alerts_are_made_for_the_objectives_own_period_and_not_for_the_window_looked_at(
    lab: Context, last: str
) -> None:
    objective = replace(lab.catalog.objective(SYSTEM, "availability"), target=Decimal("0.9"))
    catalog = replace(lab.catalog, objectives={SYSTEM: (objective,)})
    study = slo_compliance(
        replace(lab, catalog=catalog), system=SYSTEM, range=TimeRange.last(last, until=END), as_of=END
    )
    (told,) = study.results["outlook"].frame["unreachable"]
    assert told.startswith("page at 14.4x over 1h and 5m needs")
