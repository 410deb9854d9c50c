"""Error shares of sampled lines beside the truth, for every incident of a demo: ``bench_log_counts.py ARCHIVE``.

And how often the 95 % interval holds the true number, in 1,000 draws at the rates of the demo.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workbench.analysis.counting.sampled import count_interval
from workbench.analysis.logs.sampling import share_of
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.filters import LogFilter
from workbench.core.timerange import TimeRange, parse_instant
from workbench.studies.logs.reading import read_lines

#: The objective of each system whose bad events are the requests that the log calls errors.
_OBJECTIVES = {"counterfactual-lab": "availability", "conduit": "availability", "llm-ab-testing": "error-rate",
               "choreoai": "success"}  # fmt: skip

#: Messages of lines that stand for one request each; tasks and generations are counted by other objectives.
_REQUESTS = r"^(?:GET|POST) /|^Request (?:completed|failed)$"


def shares(folder: Path) -> None:
    """Print estimate, interval and truth of each incident with at least thirty injected failures of requests."""
    truth = json.loads((folder / "truth.json").read_text())
    source = ArchiveSource("demo", Archive.open(folder))
    rows = []
    for event in truth["events"]:
        objective = _OBJECTIVES[event["system"]]
        if event["start"] < truth["resolution"]["logs_from"] or event["injected"].get(objective, 0) < 30:
            continue
        span = TimeRange(*(parse_instant(event[edge], zone="UTC") for edge in ("start", "end")))
        frame = read_lines(source, LogFilter(services=(event["system"],)), span).frame
        frame = frame[frame["message"].str.contains(_REQUESTS)]
        kept = pd.DataFrame({"value": frame["severity"], "probability": frame["probability"], "count": 1})
        share, low, high = share_of(kept, ("ERROR", "FATAL"), by="severity")
        told = event["observed"][objective]
        true = told["bad"] / told["total"]
        rows.append((event["id"], len(frame), share, low, high, true, abs(share - true), low <= true <= high))
    table = pd.DataFrame(rows, columns=["event", "kept", "share", "low", "high", "counters", "off", "inside"])
    print(table.round(4).to_string())
    print(
        f"within 3 points: {(table['off'] <= 0.03).sum()} of {len(table)}; inside the interval: {table['inside'].sum()}"
    )


def draws() -> None:
    """Print the coverage of the interval."""
    rng = np.random.default_rng(1)
    for keep in (8, 10, 25, 100, 128):
        for kept in (10, 50, 400):
            truth = kept * keep
            count = rng.binomial(truth, 1 / keep, 1000).astype(float) * keep
            low, high = count_interval(count, count * (keep - 1))
            print(f"1/{keep}, {truth:,} lines: inside in {((low <= truth) & (truth <= high)).mean():.1%}")


if __name__ == "__main__":
    shares(Path(sys.argv[1]))
    draws()
