"""Scores beyond their hourly mean: buckets of histograms, and tables of answers that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.catalog.profile.model import Role
from workbench.charts.quality.tables import quality_finding
from workbench.charts.unusual import quality_lines
from workbench.core.series import Metrics
from workbench.core.timerange import DAY_MS, TimeRange
from workbench.store.tables import TableSource
from workbench.studies import Context, quality_drift
from workbench.studies.quality.shapes import Days, bucket_tallies, shape_changes, table_answers, table_tallies
from workbench.studies.sources.unavailable import UnavailableSource

SPAN = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
NO_INCIDENTS = pd.DataFrame({"start": [], "end": []})


class Buckets:
    """Gives the daily increases of a histogram of 1 to 5 stars: a quarter falls to 1 on the last days, mean kept."""

    def matrix(self, query: str, span: TimeRange, step_ms: int) -> Metrics:
        assert query == 'sum by (model, le) (increase(score_bucket{app="x"}[1d]))'
        times = np.arange(span.start_ms + step_ms, span.end_ms + 1, step_ms)
        random = np.random.default_rng(1)
        quiet = random.multinomial(400, [0, 0, 0.25, 0.5, 0.25], len(times))
        fell = random.multinomial(400, [0.25, 0, 0, 0, 0.75], len(times))
        counts = np.where((np.arange(len(times)) >= 28)[:, None], fell, quiet)
        upto = np.cumsum(counts, axis=1).T.astype(float)
        labels = tuple({"model": "a", "le": le} for le in ("1", "2", "3", "4", "+Inf"))
        return Metrics(times=times, labels=labels, values=upto, present=np.ones_like(upto, dtype=bool))


def test_a_quarter_that_falls_to_one_is_seen_in_buckets_though_the_mean_stays() -> None:
    days = Days(SPAN, "UTC", NO_INCIDENTS)
    role = Role(kind="histogram", select='score{app="x"}', unit="score", title="Stars", labels={"model": "model"})
    tallies = bucket_tallies(Buckets(), {"quality": role}, {"quality": "model"}, days, [])  # type: ignore[arg-type]
    (row,) = shape_changes(tallies, [], days).frame.itertuples()
    assert (row.column, row.verdict) == ("Stars, model a", "drift")
    assert (row.n_reference, row.n_current) == (28 * 400, 7 * 400)
    assert days.edges.asi8[-1] - days.edges.asi8[0] == 35 * DAY_MS


class HalfBuckets(Buckets):
    """The same, but the bound 4 is absent on the last days."""

    def matrix(self, query: str, span: TimeRange, step_ms: int) -> Metrics:
        whole = super().matrix(query, span, step_ms)
        present = whole.present.copy()
        present[3, 28:] = False
        return Metrics(times=whole.times, labels=whole.labels, values=whole.values, present=present)


def test_a_bound_that_is_absent_on_some_days_adds_no_answers() -> None:
    days = Days(SPAN, "UTC", NO_INCIDENTS)
    role = Role(kind="histogram", select='score{app="x"}', unit="score", title="Stars", labels={"model": "model"})
    (tally,) = bucket_tallies(HalfBuckets(), {"quality": role}, {"quality": "model"}, days, [])  # type: ignore[arg-type]
    assert (tally.counts >= 0).all()
    assert tally.counts.sum(axis=(1, 2)).tolist() == [400.0] * 35


class ChangedBuckets(Buckets):
    """The same answers all the time, but from the 22nd day on the bounds are 2 and 4 and new ones at halves."""

    def matrix(self, query: str, span: TimeRange, step_ms: int) -> Metrics:
        times = np.arange(span.start_ms + step_ms, span.end_ms + 1, step_ms)
        stars = np.random.default_rng(3).multinomial(400, [0.1, 0.1, 0.2, 0.4, 0.2], len(times))
        bounds = ("1", "1.5", "2", "2.5", "3", "3.5", "4", "+Inf")
        upto = np.array([stars[:, : int(float(bound)) if bound != "+Inf" else 5].sum(axis=1) for bound in bounds])
        old = np.array([bound.endswith(("1", "2", "3", "4", "Inf")) for bound in bounds])[:, None]
        new = np.array([bound.endswith((".5", "2", "4", "Inf")) for bound in bounds])[:, None]
        present = np.where(np.arange(len(times))[None, :] >= 21, new, old)
        labels = tuple({"model": "a", "le": le} for le in bounds)
        return Metrics(times=times, labels=labels, values=upto.astype(float), present=present)


def test_changed_buckets_are_compared_at_the_bounds_that_all_days_have_and_it_is_said() -> None:
    days, warnings = Days(SPAN, "UTC", NO_INCIDENTS), list[str]()
    role = Role(kind="histogram", select='score{app="x"}', unit="score", title="Stars", labels={"model": "model"})
    tallies = bucket_tallies(ChangedBuckets(), {"quality": role}, {"quality": "model"}, days, warnings)  # type: ignore[arg-type]
    (row,) = shape_changes(tallies, [], days).frame.itertuples()
    assert (row.verdict, row.n_reference) == ("none", 28 * 400)
    assert tallies[0].places.tolist() == [2.0, 4.0, 4.0]
    assert warnings == [
        "The buckets of Stars, model a changed within 35 days: its shape is compared at the bounds 2, 4, and 0 of 35 "
        "days are left out."
    ]


@pytest.mark.slow
def test_one_infinite_answer_takes_no_hour_away(context_over: Callable[..., Context], tmp_path: Path) -> None:
    frame = pd.read_csv(answers(tmp_path))
    frame["score"] = frame["score"].astype(float)
    frame.loc[frame.index[-200::4], "score"] = np.inf
    frame.to_csv(tmp_path / "answers.csv", index=False)
    table = TableSource("evaluations", tmp_path / "answers.csv", holds="answers")
    context = context_over(UnavailableSource("none", "", ""), tables={"evaluations": table})
    study = quality_drift(context, system="conduit", range=SPAN, as_of=SPAN.end)
    hours = study.results["hours"].frame
    assert hours.loc[hours["time"] >= SPAN.end - pd.Timedelta(days=1), "value"].notna().all()


def test_answers_without_model_or_segment_are_counted_under_a_name_of_their_own(
    context_over: Callable[..., Context], tmp_path: Path
) -> None:
    path = answers(tmp_path)
    frame = pd.read_csv(path)
    frame.loc[::3, "segment"] = None
    frame.loc[::5, "model"] = None
    frame.to_csv(path, index=False)
    tables = {"answers": TableSource("answers", path, holds="answers")}
    context = context_over(UnavailableSource("none", "", ""), tables=tables)
    counted = table_answers(context, "conduit", SPAN, [])["answers"]
    days = Days(SPAN, "UTC", NO_INCIDENTS)
    inside = (counted["time"] >= days.edges[0]) & (counted["time"] < days.edges[-1])
    tallies = table_tallies({"answers": counted}, days)
    assert [segments for _, segments in tallies] == [["(none)", "de", "fr"]] * 2
    assert sum(float(tally.counts.sum()) for tally, _ in tallies) == inside.sum()
    missing = counted["segment"] == "(none)"
    assert sum(float(tally.counts[:, 0].sum()) for tally, _ in tallies) == (inside & missing).sum()


def answers(folder: Path) -> Path:
    random, size = np.random.default_rng(2), 6_000
    time = pd.date_range(pd.Timestamp("2026-08-20", tz="UTC"), SPAN.end, periods=size + 1)[:-1]
    country = random.choice(["de", "fr"], size)
    score = random.choice([3.0, 4.0, 5.0], size, p=[0.25, 0.5, 0.25])
    late = (time >= pd.Timestamp("2026-10-25", tz="UTC")) & (country == "fr")
    score = np.where(late, random.choice([1.0, 5.0], size, p=[0.25, 0.75]), score)
    path = folder / "answers.csv"
    pd.DataFrame({"time": time, "score": score, "segment": country, "model": "a"}).to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_a_table_of_answers_is_a_score_with_segments(context_over: Callable[..., Context], tmp_path: Path) -> None:
    table = TableSource("evaluations", answers(tmp_path), holds="answers")
    context = context_over(UnavailableSource("none", "", ""), tables={"evaluations": table})
    study = quality_drift(context, system="conduit", range=SPAN, as_of=SPAN.end)
    shapes = study.results["shapes"].frame.set_index("segment")["verdict"].to_dict()
    assert shapes == {"all": "drift", "de": "none", "fr": "drift"}
    states = study.results["states"].frame
    assert states[["role", "series"]].to_numpy().tolist() == [["quality.evaluations", "model a"]]
    assert study.status == "at_risk"
    assert "The shape of evaluations, model a, fr differs from its reference" in str(quality_finding(study))
    assert [line.id for line in quality_lines(study)].count("quality/shape") == 2


def test_few_days_are_not_judged(context_over: Callable[..., Context], tmp_path: Path) -> None:
    rows = pd.read_csv(answers(tmp_path))
    rows[rows["time"] >= "2026-10-22"].to_csv(tmp_path / "answers.csv", index=False)
    table = TableSource("evaluations", tmp_path / "answers.csv", holds="answers")
    context = context_over(UnavailableSource("none", "", ""), tables={"evaluations": table})
    study = quality_drift(context, system="conduit", range=SPAN, as_of=SPAN.end)
    assert set(study.results["shapes"].frame["verdict"]) == {"not_enough"}
    assert study.status == "no_data"
