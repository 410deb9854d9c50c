"""A thousand objectives over ninety days, and slo-generator on the same Prometheus.

    python tests/benchmarks/bench_slo.py [scale] [peer]

Prints ours, the peer's, the ratio and the bar of each.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from workbench.analysis.counting.events import joined_events, slice_events
from workbench.analysis.counting.history import histories
from workbench.analysis.slo.burn import burn_rates
from workbench.analysis.slo.compliance import compliance
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.outlook import burn_outlook
from workbench.analysis.slo.spending import spending
from workbench.catalog.slo.burn_policies import read_burn_policies
from workbench.core.timerange import TimeRange
from workbench.studies.sources.periods import standard_windows

END = datetime(2026, 11, 1, tzinfo=UTC)
DAYS, SERIES, OBJECTIVES = 90, 4, 1000
SLICE_MS = 300_000
#: Objectives that are judged together, as the studies of a system do. [count]
BATCH = 40
BAR_S, BAR_GIB = 20.0, 2.0


def stored_increases(number: int, slices: int) -> np.ndarray:
    """Increases of four series, two of them of failures, as the 5 m tier keeps them; three episodes of burn."""
    rng = np.random.default_rng(number)
    season = 1 + 0.5 * np.sin(np.arange(slices) / 288 * 2 * np.pi)
    counts = np.empty((SERIES, slices))
    for row, share in enumerate((1.0, 0.6, 2e-4, 1e-4)):
        counts[row] = rng.poisson(300 * share * season)
    for length, rise in ((4, 0.4), (300, 0.004), (40, 0.02)):
        first = int(rng.integers(0, slices - length))
        counts[2, first : first + length] += rng.poisson(300 * rise, length)
    return counts


def judged(names: list[str], counts: list[np.ndarray], edges: range, goals: list[Goal]) -> int:
    """All windows, burn rates, outlooks and episodes of a batch of objectives; returns how many episodes there were."""
    covered = np.ones(len(edges) - 1)
    parts = []
    for name, rows in zip(names, counts, strict=True):
        total = rows.sum(axis=0)
        parts.append(slice_events(name, edges, good=total - rows[2] - rows[3], total=total, covered=covered))
    events = histories(joined_events(parts))
    bound = [replace(one, objective=name) for name in names for one in goals]
    whole = [one for one in bound if one.period == "90d"]
    compliance(events, bound, as_of=END)
    burn_rates(events, whole, as_of=END)
    burn_outlook(events, whole, as_of=END, policy=read_burn_policies()["workbook"])
    return len(spending(events, whole, as_of=END).burns)


def thousand(scale: float) -> None:
    span = TimeRange(END - timedelta(days=DAYS), END)
    edges = span.edges_ms(SLICE_MS)
    windows = standard_windows(END - timedelta(milliseconds=1), zone="Europe/Berlin")
    goals = [
        Goal("x", "X", Decimal("0.999"), window.aligned(SLICE_MS), period=name, rolling=name.endswith("d"))
        for name, window in windows.items()
    ]
    spent, wall, episodes, number = 0.0, 0.0, 0, round(OBJECTIVES * scale)
    for first in range(0, number, BATCH):
        names = [f"slo-{place}" for place in range(first, min(first + BATCH, number))]
        counts = [stored_increases(place, len(edges) - 1) for place in range(first, first + len(names))]
        began = time.process_time(), time.perf_counter()
        episodes += judged(names, counts, edges, goals)
        spent, wall = spent + time.process_time() - began[0], wall + time.perf_counter() - began[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{OBJECTIVES:,} objectives x {SERIES} series x {DAYS} d of 5 m counts: {len(goals)} windows, burn rates, "
          f"outlook, {episodes / scale:.0f} episodes")  # fmt: skip
    print(f"  ours {wall / scale:.1f} s ({spent / scale:.1f} s of CPU on one core), bar {BAR_S:g} s on two cores; "
          f"{peak:.2f} GiB, bar {BAR_GIB:g} GiB")  # fmt: skip


if __name__ == "__main__":
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    thousand(scale)
