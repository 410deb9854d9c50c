"""Critical paths, failures, statistics and clock repair against the golden files of CRISP and Jaeger."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.analysis.traces.golden import document, of_jaeger, spans
from workbench.analysis.traces.failures import failure_paths
from workbench.analysis.traces.forest import forest
from workbench.analysis.traces.path import CRISP_OVERLAP, critical_path, path_sections, path_without
from workbench.analysis.traces.self_time import span_statistics
from workbench.analysis.traces.skew import repaired

CRISP = document("crisp")["cases"]
JAEGER = document("jaeger_ui")


def by_operation(frame: pd.DataFrame, times: np.ndarray, kept: np.ndarray) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for row in np.flatnonzero(kept):
        totals[f"[{frame['service'][row]}] {frame['operation'][row]}"] += int(times[row])
    return dict(totals)


def names(path: str) -> str:
    """A call path of CRISP in our words; file 11 writes a bracket twice."""
    return path.removeprefix("errorCriticalPathSyntheticRoot->").replace("->", " > ").replace("[", "").replace("]", "")


@pytest.mark.parametrize("case", CRISP)
def test_exclusive_times_are_those_of_crisp(case: str) -> None:
    one = forest(of_jaeger(CRISP[case]["data"][0]))
    path = critical_path(one, overlap=CRISP_OVERLAP)
    assert by_operation(one.spans, path.exclusive, path.on) == CRISP[case]["testing"]["opTimeExclusive"]
    assert path.exclusive.sum() == one.duration[one.entries()].sum()


@pytest.mark.parametrize("case", [case for case in CRISP if "timeSavedOnCP" in CRISP[case]["testing"]])
def test_time_saved_without_failures_is_that_of_crisp(case: str) -> None:
    one, expected = forest(of_jaeger(CRISP[case]["data"][0])), CRISP[case]["testing"]
    result = failure_paths(one, overlap=CRISP_OVERLAP)
    assert (int(one.duration.sum()), result.work_ns, result.saved_ns) == (
        expected["totalWork"], expected["timeSavedOnWork"], expected["timeSavedOnCP"],
    )  # fmt: skip
    rest = path_without(one, one.failed, overlap=CRISP_OVERLAP)
    if "noErrCP" in expected:
        assert by_operation(one.spans, rest, rest > 0) == expected["noErrCP"]


@pytest.mark.parametrize("case", [case for case in CRISP if "errCPErrCounts" in CRISP[case]["testing"]])
def test_failures_by_call_path_are_those_of_crisp(case: str) -> None:
    one, expected = forest(of_jaeger(CRISP[case]["data"][0])), CRISP[case]["testing"]
    frame = failure_paths(one, overlap=CRISP_OVERLAP).frame
    counts = {row.path: [row.alone, row.inherited, row.handled] for row in frame.itertuples()}
    assert counts == {names(path): count for path, count in expected["errCPErrCounts"].items()}
    times = {row.path: row.exclusive_ns for row in frame.itertuples() if row.exclusive_ns}
    assert times == {names(path): time for path, time in expected["errCPCallpathTimeExclusive"].items()}


@pytest.mark.parametrize("number", range(9))
def test_sections_are_those_of_jaeger_ui(number: int) -> None:
    case = JAEGER["paths"][number]
    one = forest(of_jaeger(case["data"][0]))
    sections = [
        {"spanID": one.spans["span_id"][row.row], "sectionStart": row.start_ns, "sectionEnd": row.end_ns}
        for row in path_sections(one, critical_path(one)).itertuples()
    ]
    assert sections == case["expected_critical_path_sections"]


@pytest.mark.parametrize("case", JAEGER["skew"], ids=lambda case: case["name"])
def test_clocks_are_repaired_as_jaeger_does(case: dict[str, Any]) -> None:
    ms = 1_000_000
    once = list({span["id"]: span for span in case["spans"]}.values())
    frame = spans([
        ("t", str(span["id"]), str(span["parent"] or ""), "web", "op", "internal", span["start"] * ms,
         span["dur"] * ms, "ok", 1.0, {"host.name": span["host"]})
        for span in case["spans"]
    ])  # fmt: skip
    repair = repaired(forest(frame), max_shift_ns=case["max_adjust"] * ms)
    assert repair.forest.start.tolist() == [span["adjusted"] * ms for span in once]
    assert (repair.forest.duration == [span["dur"] * ms for span in once]).all()
    assert (repair.shift + [span["start"] * ms for span in once] == repair.forest.start).all()


FIELDS = {"count": "count", "total": "total_ns", "avg": "mean_ns", "min": "min_ns", "max": "max_ns",
          "selfTotal": "self_ns", "selfAvg": "self_mean_ns", "selfMin": "self_min_ns", "selfMax": "self_max_ns",
          "percent": "share"}  # fmt: skip
COLUMNS = {"Service Name": "service", "Operation Name": "operation"}


def jaeger_rows(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows as Jaeger's page has them: each group with its parts below; spans without the first tag last, without parts.

    Spans without the second tag are a part of a service or an operation, and none of a tag.
    """
    trace = JAEGER["traces"][case["trace_file"]]
    one = forest(of_jaeger(trace).sort_values("start_ns", kind="stable"))
    by = [COLUMNS.get(name, name) for name in case["group_by"]]
    outer = span_statistics(one, by[:1])
    inner = span_statistics(one, by) if len(by) > 1 else outer.iloc[:0]
    rows: list[dict[str, Any]] = []
    for group in sorted(outer.to_dict("records"), key=lambda row: row[by[0]] == ""):
        rows.append({**group, "detail": False})
        parts = inner[(inner[by[0]] == group[by[0]]) & (group[by[0]] != "")].to_dict("records")
        shown = [part for part in parts if part[by[-1]] or by[0] in COLUMNS.values()]
        rows += [{**part, "detail": True} for part in shown]
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("case", JAEGER["statistics"], ids=lambda case: case["name"])
def test_statistics_are_those_of_jaeger_ui(case: dict[str, Any]) -> None:
    rows = jaeger_rows(case)
    details = [row for row in rows if row["detail"]]
    for expected in case["expected"]:
        path, value = expected["path"], expected["value"]
        if path.endswith("length"):
            assert len(details if "filter" in path else rows) == value, path
            continue
        place, field = re.fullmatch(r"(?:\.filter\(\))?\[(\d+)\]\.(\w+)", path).groups()
        row = (details if "filter" in path else rows)[int(place)]
        scale = 1 if field == "count" else 100 if field == "percent" else 1e-3
        measured = Decimal(repr(float(row[FIELDS[field]] * scale))).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert math.isclose(float(measured), value, abs_tol=1e-9), (path, row)
