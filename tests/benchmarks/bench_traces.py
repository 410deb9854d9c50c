"""A million spans to critical paths and service graph: seconds and memory.

Run: ``python -m tests.benchmarks.bench_traces``. Bar: under 60 s and 2 GiB; a chain of 100,000 spans does not fail.
"""

from __future__ import annotations

import resource
import time
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from workbench.analysis.traces.bands import path_bands
from workbench.analysis.traces.forest import forest
from workbench.analysis.traces.graph import service_graph
from workbench.analysis.traces.path import critical_path
from workbench.analysis.traces.population import population
from workbench.core.timerange import TimeRange

#: One trace: parent, start, duration, kind of each of its spans.
SHAPE = ((-1, 0, 100, "server"), (0, 10, 45, "client"), (1, 20, 25, "server"), (1, 50, 10, "client"),
         (2, 25, 15, "internal"), (0, 60, 38, "client"), (5, 65, 12, "server"), (5, 80, 15, "client"))  # fmt: skip


def spans(traces: int) -> pd.DataFrame:
    """Return traces of eight spans, each stretched by chance."""
    rng, size = np.random.default_rng(1), len(SHAPE)
    count = traces * size
    parents, starts, durations, kinds = (np.array(part) for part in zip(*SHAPE, strict=True))
    scale = np.repeat(rng.integers(1_000, 9_000, traces), size)
    number = np.arange(count)
    above = np.where(np.tile(parents, traces) < 0, -1, number // size * size + np.tile(parents, traces))
    texts = {
        "trace_id": np.repeat([f"{each:032x}" for each in range(traces)], size),
        "span_id": [f"{each:016x}" for each in number],
        "parent_id": ["" if each < 0 else f"{each:016x}" for each in above],
        "service": np.tile([f"service-{each % 4}" for each in range(size)], traces),
        "operation": np.tile([f"operation-{each}" for each in range(size)], traces),
        "kind": np.tile(kinds, traces),
        "status": np.where(rng.random(count) < 0.01, "error", "ok"),
    }
    return pd.DataFrame(texts, dtype="str").assign(
        start_ns=np.tile(starts, traces) * scale + np.repeat(np.arange(traces), size) * 1_000_000,
        duration_ns=np.tile(durations, traces) * scale,
        weight=10.0,
        attributes=[{"db.system.name": "postgresql"} for _ in range(count)],
    )


def main() -> None:
    """Print seconds and the largest memory."""
    table = spans(125_000)
    window = TimeRange(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    begun = time.perf_counter()
    of = population(table)
    paths = time.perf_counter() - begun
    service_graph(of, window)
    graph = time.perf_counter() - begun
    path_bands(of)
    bands = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{len(table):,} spans: paths {paths:.1f} s, with the graph {graph:.1f} s, with bands {bands:.1f} s")
    print(f"largest memory {peak:.2f} GiB, with the table itself")
    count = 100_000
    ids = [f"{each:x}" for each in range(count)]
    chain = pd.DataFrame({"trace_id": ["t"] * count, "span_id": ids, "parent_id": ["", *ids[:-1]]}, dtype="str")
    chain = chain.assign(
        service="web", operation="op", kind="internal", status="ok", weight=1.0, attributes=[{}] * count
    )
    chain = chain.assign(start_ns=np.arange(count), duration_ns=3 * count - 2 * np.arange(count))
    begun = time.perf_counter()
    path = critical_path(forest(chain))
    print(f"a chain of {path.on.sum():,} spans: {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
