"""A source that ended two days ago: every surface gives the time of its newest sample, not of an evaluation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.questions import QUESTIONS
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, from_ms
from workbench.promql import MemoryStore
from workbench.studies import overview, slo_attribution, slo_compliance
from workbench.studies.sources.newest import newest_sample

SYSTEM = "counterfactual-lab"
LATER = timedelta(days=2, minutes=3)
STUDIES = {**QUESTIONS, "slo": slo_compliance, "overview": overview, "attribution": slo_attribution}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(STUDIES))
def test_freshness_is_the_newest_sample_read(lab, lab_samples, name):
    newest = from_ms(int(lab_samples.times.max()))
    now = newest + LATER
    later = type(lab)(**{**vars(lab), "clock": lambda: now})
    study = STUDIES[name](later, system=SYSTEM, range=TimeRange.last("7d", until=now), as_of=now)
    assert study.freshness == (None if name in ("capacity", "alerts") else newest)  # the lab has neither


class Samples:
    """A source over samples in memory that counts its questions."""

    def __init__(self, samples: SeriesSet) -> None:
        self.store, self.asked = MemoryStore(samples), []

    def instant(self, query, at):
        from workbench.core.timerange import to_ms
        from workbench.promql import evaluate_instant

        self.asked.append(query)
        return evaluate_instant(query, self.store, time_ms=to_ms(at))


DAY = 86_400_000


@pytest.mark.parametrize(("age_ms", "questions"), [(0, 1), (61_000, 1), (7_000_001, 2), (2 * DAY + 12_345, 2)])
def test_the_newest_sample_is_known_to_the_millisecond(age_ms, questions):
    end = 20_000 * DAY
    times = np.arange(end - 5 * DAY, end - 4 * DAY + 1, 60_000)
    source = Samples(
        SeriesSet.of(
            [
                ({"__name__": "a", "job": "x"}, times, times * 0.0),
                ({"__name__": "b", "job": "x"}, [end - age_ms], [float("nan")]),
            ]
        )
    )
    queries = ['sum(rate(a[7d])) / sum(max_over_time(b{job="x"}[30d:1h]))', "rate(a[1h])", "vector(1)"]
    assert newest_sample(source, queries, start_ms=end - 7 * DAY, end_ms=end) == end - age_ms
    assert len(source.asked) == questions


def test_nothing_read_has_no_age():
    source = Samples(SeriesSet.empty())
    at = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)
    assert newest_sample(source, ["rate(a[7d])", "1"], start_ms=at - DAY, end_ms=at) is None
    assert newest_sample(source, ["vector(1)"], start_ms=at - DAY, end_ms=at) is None


def test_a_selector_of_many_metrics_hides_no_sample_of_the_others():
    end = 20_000 * DAY
    labels = [{"__name__": name, "job": "x"} for name in ("a", "b")]
    source = Samples(SeriesSet.of([(each, [end - 60_000], [1.0]) for each in labels]))
    queries = ["a", 'count by (__name__) ({__name__!="",job="x"})']
    assert newest_sample(source, queries, start_ms=end, end_ms=end) == end - 60_000
