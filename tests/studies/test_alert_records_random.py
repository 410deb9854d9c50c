"""Random rules with known truth, read where samples are left for a part and the collector wrote down the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.analysis.alert_truth import BEGIN, recorded, truth_of
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.series import SeriesSet
from workbench.core.timerange import DAY_MS, HOUR_MS, TimeRange, from_ms
from workbench.studies import Context, alert_load
from workbench.studies.upkeep.collect import keep_episodes

SYSTEM = "counterfactual-lab"
DAYS = 6


@pytest.mark.slow
@pytest.mark.parametrize("seed", [72, 81])
def test_samples_and_records_together_have_every_episode_once(
    seed: int, tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    data = recorded(seed=seed, rules=16, days=DAYS)
    series = [({**labels, "system": SYSTEM}, times, values) for part in (data.alerts, data.since, data.up)
              for labels, times, values in part]  # fmt: skip
    end = BEGIN + DAYS * DAY_MS

    def source(name: str, from_ms: int) -> ArchiveSource:
        archive = Archive.open(tmp_path / name, create=True)
        later = [(labels, times[times >= from_ms], values[times >= from_ms]) for labels, times, values in series]
        archive.append_samples(SeriesSet.of([one for one in later if len(one[1])]))
        return ArchiveSource(name, archive)

    whole = context_over(source("whole", 0))
    for now in range(BEGIN + 6 * HOUR_MS, end + 1, 6 * HOUR_MS):
        keep_episodes(whole, SYSTEM, TimeRange(from_ms(now) - timedelta(days=2), from_ms(now)))
    assert whole.store is not None
    span = TimeRange.from_ms(BEGIN + HOUR_MS, end - HOUR_MS)
    written = whole.store.episodes(SYSTEM, TimeRange.from_ms(BEGIN, end))
    for cut in (0.55, 0.95):
        late = context_over(source(f"late-{cut}", BEGIN + int(cut * DAYS * DAY_MS)))
        assert late.store is not None
        late.store.put_episodes(SYSTEM, written)
        study = alert_load(late, system=SYSTEM, range=span, as_of=span.end, without=("replica",))
        frame = study.results["episodes"].frame
        for rule in data.rules:
            starts = frame.loc[(frame["alertname"] == rule.name) & frame["started"], "starts_at"]
            truth = np.array([begin for begin, _ in truth_of(rule) if span.start_ms < begin < span.end_ms], np.int64)
            assert len(starts) == len(truth), (cut, rule.name)
            assert (abs(starts.astype("int64").to_numpy() - truth) <= rule.interval).all(), (cut, rule.name)
