"""Nezha's fault minutes against a normal one: where does the injected service stand? Beside it, plain counts.

``bench_nezha.py FOLDER``: the folder of the data set (IntelligentDDS/Nezha, MIT) with ``onlineboutique`` in it.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workbench.analysis.investigate.changes import changes
from workbench.analysis.investigate.operations import slow_operations
from workbench.analysis.investigate.windows import Baseline, Windows
from workbench.analysis.traces.forest import forest
from workbench.analysis.traces.self_time import self_times
from workbench.core.timerange import TimeRange

_COLUMNS = ("TraceID", "SpanID", "ParentID", "PodName", "OperationName", "StartTimeUnixNano", "EndTimeUnixNano")


def spans_of(files: list[Path]) -> tuple[pd.DataFrame, int, int]:
    """Return SPANS of trace files, and how many rows came twice and how many are broken."""
    seen: dict[tuple[str, ...], None] = {}
    rows, broken = 0, 0
    for path in files:
        with gzip.open(path, "rt", newline="") as file:
            for row in csv.DictReader(file):
                rows += 1
                key = tuple(row.get(name) or "" for name in _COLUMNS)
                if not (key[5].isdigit() and key[6].isdigit()):
                    broken += 1
                    continue
                seen[key] = None
    frame = pd.DataFrame(list(seen), columns=list(_COLUMNS))
    starts, ends = (frame[name].astype("int64") for name in _COLUMNS[5:])
    spans = pd.DataFrame(
        {
            "trace_id": frame["TraceID"],
            "span_id": frame["SpanID"],
            "parent_id": frame["ParentID"].replace("root", ""),
            "service": frame["PodName"].str.replace(r"-[0-9a-f]+-[0-9a-z]+$", "", regex=True),
            "operation": frame["OperationName"],
            "kind": "",
            "start_ns": starts,
            "duration_ns": (ends - starts).clip(lower=0),
            "status": "ok",
            "weight": 1.0,
            "attributes": [{} for _ in range(len(frame))],
        }
    )
    return spans, rows - broken - len(frame), broken


def around(spans: pd.DataFrame) -> TimeRange:
    """Range of all starts."""
    return TimeRange.from_ms(int(spans["start_ns"].min()) // 1_000_000, int(spans["start_ns"].max()) // 1_000_000 + 1)


def main(folder: Path) -> None:
    """Rank the services of the fault minutes, and print where the injected one stands."""
    data = folder / "onlineboutique"
    normal, _, _ = spans_of(sorted((data / "normal_2022-08-23" / "trace").glob("*.gz")))
    faults, twice, broken = spans_of(sorted((data / "fault_2022-08-22" / "trace").glob("*.gz")))
    print(f"{len(faults):,} spans; {twice:,} rows came twice, {broken} are broken")
    listed = [one for hour in json.loads((data / "2022-08-22-fault_list.json").read_text()).values() for one in hour]
    inside = around(faults)
    for one in listed:
        at = datetime.fromisoformat(one["inject_time"]).replace(tzinfo=UTC)
        if not -180 <= (inside.start - at).total_seconds() <= 180:
            continue
        pod = one["inject_pod"].rsplit("-", 2)[0]
        windows = Windows(inside, (Baseline("a normal minute", around(normal)),))
        both = pd.concat([faults, normal], ignore_index=True)
        tree = forest(both)
        slow = slow_operations(tree.spans, self_times(tree), windows, parents=tree.parent)
        found = changes([slow], windows).frame
        whose = found["detail"].str.removeprefix("waiting for ").where(found["detail"] != "own time", found["service"])
        services = list(dict.fromkeys(whose))
        counts = [name for name, _ in Counter(faults["service"]).most_common()]
        print(found.head(6)[["rank", "service", "what", "detail", "ratio", "effect", "named"]].to_string())
        place = f"place {services.index(pod) + 1} of {len(services)}"
        print(f"{one['inject_time']} {one['inject_type']} in {pod}: {place}; by plain count {counts.index(pod) + 1}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
