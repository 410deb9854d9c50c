"""Money of many keys: exact amounts a day of 3,000 counters over 92 days, added up by each of their labels.

Run it: ``python tests/benchmarks/bench_cost.py``. ``peer`` does the same with Python's own decimals, one object an
amount and one dict a row, as money is usually kept exact. There is one sample a day, so that neither reads more than it
needs. CPU time, the best of three rounds in turn; both give the same sums.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.analysis.decimal_oracle import plain_increases  # noqa: E402
from workbench.analysis.counting.amounts import added, exact_amounts, summed  # noqa: E402
from workbench.core.money import total  # noqa: E402
from workbench.core.series import SeriesSet  # noqa: E402
from workbench.core.timerange import to_ms  # noqa: E402

BAR = 5.0
COUNTERS, DAYS, ROUNDS = 3000, 92, 3
END = datetime(2026, 11, 1, tzinfo=UTC)
LABELS = ("key", "model", "class")
Sums = dict[tuple[str, str], Decimal]


def counters() -> SeriesSet:
    """Counters of dollars, a sample a day, every tenth of which began again at zero half way."""
    rng = np.random.default_rng(7)
    times = np.arange(to_ms(END - timedelta(days=DAYS)), to_ms(END) + 1, 86_400_000)
    found = []
    for number in range(COUNTERS):
        values = np.cumsum(rng.gamma(2, 0.01, len(times)))
        if number % 10 == 0:
            values[len(values) // 2 :] -= values[len(values) // 2]
        labels = {"key": f"k{number // 6}", "model": f"m{number % 3}", "class": ("in", "out")[number % 2]}
        found.append((labels, times, values))
    return SeriesSet.of(found)


def ours(series: SeriesSet, edges: list[int]) -> Sums:
    """Columns of Arrow decimals, grouped by Arrow."""
    who = pd.DataFrame([dict(labels) for labels in series.labels]).astype("category")
    rows = who.loc[np.repeat(who.index, len(edges) - 1)].reset_index(drop=True)
    rows["amount"] = pd.arrays.ArrowExtensionArray(exact_amounts(series, edges))
    found = {("", ""): added(rows["amount"])}
    for label in LABELS:
        sums = summed(rows, [label])
        found |= {(label, str(name)): amount for name, amount in zip(sums[label], sums["amount"], strict=True)}
    return found


def peer(series: SeriesSet, edges: list[int]) -> Sums:
    """Objects and dicts."""
    amounts = plain_increases(series, edges, [False] * len(series))
    width = len(edges) - 1
    frame = pd.DataFrame([{**series.labels[i // width], "amount": amount} for i, amount in enumerate(amounts)])
    found = {("", ""): total(frame["amount"])}
    for label in LABELS:
        found |= {(label, str(name)): total(part) for name, part in frame.groupby(label)["amount"]}
    return found


def seconds(work: Callable[[SeriesSet, list[int]], Sums], series: SeriesSet, edges: list[int]) -> tuple[float, Sums]:
    """CPU time of one run, and what it found. [s]"""
    began = time.process_time()
    found = work(series, edges)
    return time.process_time() - began, found


def main() -> None:
    """Print ours, the peer's and the ratio."""
    series = counters()
    edges = [to_ms(END - timedelta(days=day)) for day in range(DAYS, -1, -1)]
    rounds = [(seconds(ours, series, edges), seconds(peer, series, edges)) for _ in range(ROUNDS)]
    assert rounds[0][0][1] == rounds[0][1][1]
    mine, theirs = (min(pair[side][0] for pair in rounds) for side in (0, 1))
    ratio = theirs / mine
    verdict = "ok" if ratio >= BAR else "MISSED"
    print(f"{COUNTERS} counters x {DAYS} days: ours {mine:.2f} s, peer {theirs:.2f} s, ratio {ratio:.1f}, "
          f"bar {BAR:g}: {verdict}")  # fmt: skip


if __name__ == "__main__":
    main()
