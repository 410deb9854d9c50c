"""Deployments and incidents from what a system's own records hold: versions, notes, alerts."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo_home import END
from workbench.analysis.operations.versions import version_deployments
from workbench.charts.reviews.tables import delivery_finding
from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange
from workbench.store import Annotation
from workbench.studies import Context, delivery_performance

MONTH = TimeRange(END - timedelta(days=30), END)


@pytest.fixture
def context(demo_context: Context) -> Context:
    return replace(demo_context, clock=lambda: END)


def rows(study) -> pd.DataFrame:
    return study.results["metrics"].frame.set_index("metric")


def test_versions_in_lines_are_deployments_only_since_there_are_lines(context: Context, demo_home: Path) -> None:
    study = delivery_performance(context, system="counterfactual-lab", range=MONTH, as_of=END)
    demo_truth = json.loads((demo_home / "demo" / "truth.json").read_text())
    first = pd.Timestamp(demo_truth["resolution"]["logs_from"])
    deployed = [one["start"] for one in demo_truth["events"]
                if one["kind"] == "deploy" and one["system"] == "counterfactual-lab"]  # fmt: skip
    inside = [at for at in deployed if max(first, MONTH.start) <= pd.Timestamp(at) < END]
    earlier = [at for at in deployed if MONTH.start <= pd.Timestamp(at) < first]
    assert inside, "the demo has deployments with lines"
    assert earlier, "and some before its lines begin"
    assert rows(study).loc["frequency", "of"] == len(inside)
    days = (END - first) / pd.Timedelta(days=1)
    assert rows(study).loc["frequency", "value"] == pytest.approx(len(inside) / days)
    assert study.coverage == pytest.approx(days / 30)
    assert any("earlier deployments are not known" in text for text in study.warnings)
    assert rows(study)["value"][["fail_rate", "recovery", "rework", "lead_time"]].isna().all()
    assert rows(study)["status"][["frequency", "fail_rate", "recovery"]].tolist() == ["ok", "no_data", "no_data"]
    assert rows(study)["detail"]["lead_time"] == "no pull requests are known"
    assert study.status == "no_data", "where no incident is known, nothing says that delivery is well"
    assert "no incidents are known" in repr(delivery_finding(study))


def test_noted_deployments_count_before_versions(context: Context) -> None:
    assert context.store is not None
    for days, kind, hours in ((20, "deploy", 0), (10, "deploy", 0), (9.9, "incident", 3)):
        at = END - timedelta(days=days)
        ends = at + timedelta(hours=hours) if hours else None
        context.store.add_annotation(Annotation("conduit", kind, at, f"release {days}", END, "ana", ends_at=ends))
    study = delivery_performance(context, system="conduit", range=MONTH, as_of=END)
    assert rows(study)["value"][["fail_rate", "recovery"]].tolist() == [0.5, 180]
    assert rows(study).loc["frequency", "of"] == 2
    assert (study.status, study.coverage) == ("ok", 1)


def test_a_file_and_git_exclude_each_other(context: Context, tmp_path) -> None:
    with pytest.raises(ParameterError, match="exclude each other"):
        delivery_performance(context, system="conduit", range=MONTH, as_of=END, git=tmp_path, deployments=tmp_path)


def test_a_rolling_update_is_one_deployment_and_a_rollback_another() -> None:
    minutes = np.arange(0, 600, 5)
    one, two = minutes < 100, (minutes >= 90) & (minutes < 400)
    times = pd.Timestamp("2026-10-01", tz="UTC") + pd.to_timedelta(minutes, unit="min")
    seen = pd.concat([pd.DataFrame({"time": times[mask], "version": name}) for mask, name in
                      ((one, "1"), (two, "2"), (minutes >= 400, "1"))])  # fmt: skip
    table = version_deployments(seen, started=False)
    assert table["deployment"].tolist() == ["2 at 2026-10-01 01:30", "1 at 2026-10-01 06:40"]


@pytest.mark.slow
@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_versions_that_follow_each_other_by_the_hour_are_each_deployed(versions: list[int]) -> None:
    times = pd.date_range("2026-10-01", periods=len(versions), freq="h", tz="UTC")
    seen = pd.DataFrame({"time": times, "version": [str(one) for one in versions]})
    changes = sum(one != other for one, other in itertools.pairwise(versions))
    assert len(version_deployments(seen.sample(frac=1, random_state=1), started=False)) == changes
    assert len(version_deployments(seen, started=True)) == changes + 1
