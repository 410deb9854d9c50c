"""The study finds the drift that the simulator made, and says what is not measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.quality.drift import quality
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog.profile.model import Role
from workbench.core.errors import ParameterError
from workbench.core.series import Metrics, SeriesSet
from workbench.core.timerange import TimeRange
from workbench.studies import Context, quality_drift
from workbench.studies.decisions.annotations import add_annotation
from workbench.studies.quality.accepted import accept_level, incident_times
from workbench.studies.quality.drift import _without_retired
from workbench.studies.quality.scores import _significant, score_queries, score_rows
from workbench.studies.sources.unavailable import UnavailableSource

SYSTEM = "counterfactual-lab"
OCTOBER = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def event(demo_home: Path) -> Any:
    truth = json.loads((demo_home / "demo" / "truth.json").read_text())
    return next(one for one in truth["events"] if one["kind"] == "quality_drift" and one["system"] == SYSTEM)


@pytest.fixture
def demo(demo_home: Path, context_over: Callable[..., Context]) -> Context:
    return context_over(ArchiveSource("demo", Archive.open(demo_home / "demo")))


@pytest.mark.slow
def test_the_drift_is_found_with_its_method_its_onset_and_its_size_and_nothing_else_drifts(
    event: Any, demo: Context
) -> None:
    study = quality_drift(demo, system=SYSTEM, range=OCTOBER, as_of=OCTOBER.end)
    (drift,) = study.results["drifts"].frame.itertuples()
    assert (drift.role, drift.series, drift.direction) == (
        "quality",
        f"method {event['where']['generator'][0]}",
        "lower",
    )
    start, end = pd.Timestamp(event["start"]), pd.Timestamp(event["end"])
    assert abs(drift.onset - start) <= pd.Timedelta(hours=12)
    assert abs(drift.end - end) <= pd.Timedelta(hours=1)
    assert 0.85 * event["magnitude"] < -drift.difference < event["magnitude"]


@pytest.mark.slow
@pytest.mark.parametrize("end", ["2026-10-30T17:00", "2026-11-01T00:00"])
def test_it_is_one_drift_whatever_the_hour_at_which_the_period_ends(event: Any, demo: Context, end: str) -> None:
    until = datetime.fromisoformat(end).replace(tzinfo=UTC)
    study = quality_drift(demo, system=SYSTEM, range=TimeRange(until - timedelta(days=7), until), as_of=until)
    (drift,) = study.results["drifts"].frame.itertuples()
    assert abs(drift.end - pd.Timestamp(event["end"])) <= pd.Timedelta(hours=1)
    assert abs(drift.onset - pd.Timestamp(event["start"])) <= pd.Timedelta(hours=12)
    assert study.status == "ok"


@pytest.mark.slow
def test_while_it_drifts_the_score_is_at_risk(event: Any, demo: Context) -> None:
    until = pd.Timestamp(event["start"]).to_pydatetime() + timedelta(days=3)
    study = quality_drift(demo, system=SYSTEM, range=TimeRange(until - timedelta(days=14), until), as_of=until)
    assert study.status == "at_risk"
    states = study.results["states"].frame.set_index("series")
    assert states.loc["method modicf", "status"] == "at_risk"
    assert states.loc["method icg", "status"] == "ok"


@pytest.mark.slow
def test_the_documented_limit_and_comparison_stand_beside_it(event: Any, demo: Context) -> None:
    study = quality_drift(demo, system=SYSTEM, range=OCTOBER, as_of=OCTOBER.end)
    (limit,) = study.results["limits"].frame.itertuples()
    assert (limit.limit, limit.rule) == ("quality-score", "< 0.8 for 10m")
    breaches = study.results["breaches"].frame
    assert (breaches["start"] >= pd.Timestamp(event["start"])).all()
    documented = study.results["documented"].frame
    assert set(documented["text"]) == {"documented", "corrected"}
    assert (documented.loc[documented["text"] == "documented", "latest"] >= 0).all()
    worst = documented[(documented["text"] == "corrected") & (documented["series"] == "method=modicf")]
    assert worst["largest"].item() < -0.05


@pytest.mark.slow
def test_hourly_means_and_sample_sizes_are_those_of_the_samples(lab: Context) -> None:
    span = TimeRange(datetime(2026, 10, 28, tzinfo=UTC), datetime(2026, 10, 30, tzinfo=UTC))
    hours = quality_drift(lab, system=SYSTEM, range=span, as_of=span.end).results["hours"].frame
    assert hours["series"].unique().tolist() == ["method icg"]
    low = hours["time"] == pd.Timestamp("2026-10-29T00:00Z")
    assert hours.loc[low, "value"].item() == pytest.approx(0.7)
    assert hours.loc[low, "samples"].item() == 120.0
    np.testing.assert_allclose(hours.loc[hours["time"] < pd.Timestamp("2026-10-29T00:00Z"), "value"], 0.9)


def scraped(values: list[float], counts: list[float]) -> tuple[Metrics, Metrics]:
    """Hourly values of a gauge and its scrapes, the last at the end of October."""
    times = np.arange(len(values), dtype=np.int64) * 3_600_000 + int(OCTOBER.end.timestamp() * 1000)
    times -= (len(values) - 1) * 3_600_000
    labels, there = ({"method": "icg"},), np.ones((1, len(values)), dtype=bool)
    return tuple(Metrics(times=times, labels=labels, values=np.array([row]), present=there) for row in (values, counts))  # type: ignore[return-value]


def test_hours_with_readings_that_are_no_numbers_are_said_and_an_hour_without_traffic_is_none() -> None:
    role = Role(kind="gauge", select="score", unit="score", labels={"method": "method"})
    warnings: list[str] = []
    frame = score_rows("quality", role, *scraped([0.9, np.nan, np.inf, np.nan], [60, 60, 60, 0]), OCTOBER, warnings)
    assert frame["value"].tolist() == [0.9]
    assert warnings == [
        "quality of method icg: 2 hours of the period hold readings that are NaN or infinite; they are not observed."
    ]


def test_a_series_that_reads_nan_only_stays_a_score_without_a_verdict() -> None:
    role = Role(kind="gauge", select="score", unit="score", labels={"method": "method"})
    frame = score_rows("quality", role, *scraped([np.nan] * 3, [60.0] * 3), OCTOBER, [])
    assert frame[["series", "samples"]].to_numpy().tolist() == [["method icg", 0.0]] * 3
    (state,) = quality(frame, OCTOBER).states.frame.itertuples()
    assert (state.status, state.verdict, state.coverage) == ("no_data", "no_samples", 0.0)


def test_a_series_that_ended_before_the_period_is_no_score_of_it_and_it_is_said() -> None:
    times = pd.date_range("2026-09-01", periods=24 * 61, freq="h", tz="UTC").as_unit("ms")
    frame = pd.DataFrame({"role": "quality", "title": "Q", "series": "model new", "time": times, "value": 0.9})
    old = frame[frame["time"] < "2026-09-20"].assign(series="model old")
    late = frame[frame["time"] < "2026-09-28"].assign(series="model late")
    warnings: list[str] = []
    kept = _without_retired(pd.concat([frame, old, late]), OCTOBER, warnings)
    assert kept["series"].unique().tolist() == ["model new", "model late"]
    assert warnings == [
        "1 score had no reading in the period nor in the week before and is left out: quality of model old."
    ]


@pytest.mark.slow
def test_a_profile_without_scores_is_not_measured_and_asks_nothing(lab: Context) -> None:
    span = TimeRange(OCTOBER.end - timedelta(days=7), OCTOBER.end)
    for system in lab.catalog.profiles:
        if any(lab.catalog.profile(system).variants(word) for word in ("quality", "bias")):
            continue
        study = quality_drift(lab, system=system, range=span, as_of=span.end)
        assert study.status == "no_data"
        assert "no score is judged" in study.warnings[0]
        assert study.provenance.queries == ()


def test_histograms_and_expressions_are_scores_too_and_counters_are_not() -> None:
    histogram = Role(kind="histogram", select='score{app="x"}', unit="score", labels={"model": "model_name"})
    value, samples = score_queries(histogram) or ("", "")
    assert samples == 'sum by (model_name) (increase(score_count{app="x"}[1h]))'
    assert value == f'sum by (model_name) (increase(score_sum{{app="x"}}[1h])) / {samples}'
    expression = Role(kind="expr", select="avg by (model) (a / b)", unit="ratio", labels={"model": "model"})
    assert (score_queries(expression) or ("",))[0] == (
        "avg by (model) (avg_over_time((avg by (model) (a / b))[1h:5m]))"
    )


def test_instances_of_a_gauge_weigh_as_much_as_they_have_scrapes() -> None:
    gauge = Role(kind="gauge", select="score", unit="score", labels={"model": "model", "instance": "instance"})
    value, samples = score_queries(gauge) or ("", "")
    assert samples == "sum by (model) (count_over_time(score[1h]))"
    assert value == f"sum by (model) (sum_over_time(score[1h])) / {samples}"
    assert score_queries(Role(kind="counter", select="a_total", unit="count")) is None


@pytest.mark.slow
def test_a_source_that_is_down_is_a_status(context_over: Callable[..., Context]) -> None:
    down = context_over(UnavailableSource("down", "http://x", "It is down."))
    study = quality_drift(down, system=SYSTEM, range=OCTOBER, as_of=OCTOBER.end)
    assert study.status == "unavailable"
    assert study.results["states"].frame.empty


def test_equal_readings_over_their_count_are_the_reading() -> None:
    total = sum([0.9] * 60)
    assert total / 60 != 0.9
    assert _significant(np.array([total / 60, 0.0, -123456.789])).tolist() == [0.9, 0.0, -123456.789]


def test_an_incident_noted_without_an_end_is_a_moment(lab: Context) -> None:
    at = datetime(2026, 10, 28, 12, tzinfo=UTC)
    add_annotation(lab, system=SYSTEM, kind="incident", start=at, text="Provider down")
    (incident,) = incident_times(lab, SYSTEM).itertuples()
    assert (incident.start, incident.end - incident.start) == (pd.Timestamp(at), pd.Timedelta("1ms"))


@pytest.mark.slow
def test_an_acceptance_of_a_series_that_is_not_there_is_said(lab: Context) -> None:
    span = TimeRange(datetime(2026, 10, 28, tzinfo=UTC), datetime(2026, 10, 30, tzinfo=UTC))
    accept_level(lab, system=SYSTEM, score="quality", series="method icgg", at=span.start, note="New data")
    study = quality_drift(lab, system=SYSTEM, range=span, as_of=span.end)
    assert any("method icgg" in warning for warning in study.warnings)
    accept_level(lab, system=SYSTEM, score="quality", series="method icg", at=span.start, note="New data")
    assert not [
        w for w in quality_drift(lab, system=SYSTEM, range=span, as_of=span.end).warnings if "method icg was" in w
    ]
    with pytest.raises(ParameterError, match="no score"):
        accept_level(lab, system=SYSTEM, score="speed", at=span.start, note="New data")


@pytest.mark.slow
def test_a_fall_from_long_before_the_reading_is_at_risk_until_it_is_accepted(
    tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    step, days, age = 1_800_000, 200, 140
    times = int(OCTOBER.end.timestamp() * 1000) - step * np.arange(days * 48, 0, -1, dtype=np.int64)
    fell = times >= int(OCTOBER.end.timestamp() * 1000) - age * 86_400_000
    values = 0.9 + 0.01 * np.random.default_rng(8).normal(size=len(times)) - 0.1 * fell
    labels = {"__name__": "counterfactual_quality_score", "system": SYSTEM, "job": SYSTEM, "method": "icg"}
    archive = Archive.open(tmp_path / "archive", create=True)
    archive.append_samples(SeriesSet.of([(labels, times, values)]))
    lab = context_over(ArchiveSource("demo", archive))
    week = TimeRange(OCTOBER.end - timedelta(days=7), OCTOBER.end)
    study = quality_drift(lab, system=SYSTEM, range=week, as_of=week.end)
    assert study.status == "at_risk"
    (drift,) = study.results["drifts"].frame.itertuples()
    assert drift.open
    assert abs(drift.onset - (pd.Timestamp(OCTOBER.end) - pd.Timedelta(days=age))) <= pd.Timedelta(hours=2)
    accept_level(lab, system=SYSTEM, score="quality", series="method icg", at=OCTOBER.start, note="Known")
    settled = quality_drift(lab, system=SYSTEM, range=week, as_of=week.end)
    assert settled.status == "ok"
