"""Questions 2 to 6 over a slice of the demo: the same numbers from the archive and from a real Prometheus.

The Lab's are compared on every surface, see ``test_questions_surfaces.py``; those of all other systems here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest

from tests.live.demo_slice import DemoServers
from tests.questions import QUESTIONS
from workbench.archive.source import ArchiveSource
from workbench.catalog import load_catalog
from workbench.core.result import Study
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, from_ms
from workbench.query import PrometheusSource
from workbench.studies import Context

pytestmark = pytest.mark.live

CATALOG = load_catalog()
ON_SURFACES = "counterfactual-lab"
#: A server sums floats in an order of its own.
TOLERANCE = 1e-9


def asked(question: str, source: MetricSource, system: str, end: datetime) -> Study:
    ctx = Context({source.name: source}, CATALOG, clock=lambda: end)
    return QUESTIONS[question](ctx, system=system, range=TimeRange(end - timedelta(days=2), end), as_of=end)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_has_one_answer_from_archive_and_server(question: str, demo_servers: DemoServers) -> None:
    end = from_ms(demo_servers.end_ms)
    archive = ArchiveSource("demo", demo_servers.archive, semantics="v3")
    server = PrometheusSource("demo", demo_servers.servers["v3"].url)
    filled = 0
    for system in sorted(CATALOG.profiles.keys() - {ON_SURFACES}):
        mine, theirs = (asked(question, source, system, end) for source in (archive, server))
        assert theirs.warnings == mine.warnings
        assert (theirs.status, theirs.freshness) == (mine.status, mine.freshness)
        assert theirs.coverage == pytest.approx(mine.coverage, rel=TOLERANCE, nan_ok=True)
        for name, result in mine.results.items():
            filled += len(result.frame)
            pd.testing.assert_frame_equal(theirs.results[name].frame, result.frame, rtol=TOLERANCE, atol=0, obj=name)
            assert theirs.results[name].notes == result.notes
    assert bool(filled) == (question != "quality")  # which the Lab alone has scores of
