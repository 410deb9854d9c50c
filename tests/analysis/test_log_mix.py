"""Levels over time, error shares, latency and fields of lines, by hand-worked rows."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from workbench.analysis.logs.mix import error_ratios, is_security, level_history, line_fields, line_latency
from workbench.analysis.logs.seen import newest_lines, parse_coverage, parse_faults, template_counts
from workbench.core.timerange import TimeRange


def lines(*rows: dict[str, Any]) -> pd.DataFrame:
    usual = {"time_ns": 0, "severity": "INFO", "message": "done", "service": "web", "trace_id": "", "event_type": "",
             "attributes": {}, "probability": 1.0}  # fmt: skip
    frame = pd.DataFrame([usual | row for row in rows], columns=list(usual))
    return frame.astype({"time_ns": "int64", "probability": "float64"})


def test_levels_are_counted_in_steps_with_what_they_stand_for() -> None:
    frame = lines(
        {"time_ns": 10 * 10**9, "severity": "ERROR", "probability": 0.125},
        {"time_ns": 20 * 10**9, "severity": "ERROR", "probability": 0.125},
        {"time_ns": 70 * 10**9, "severity": ""},
    )
    found = level_history(frame, TimeRange.from_ms(0, 120_000), step_ms=60_000).frame
    assert found[["severity", "kept", "estimate"]].to_numpy().tolist() == [["ERROR", 2, 16.0], ["(none)", 1, 1.0]]
    assert found["low"].iloc[0] < 16 < found["high"].iloc[0]


def test_a_step_with_an_unknown_rate_has_no_estimate() -> None:
    frame = lines({"probability": math.nan}, {"probability": 0.5})
    found = level_history(frame, TimeRange.from_ms(0, 60_000), step_ms=60_000).frame
    assert found["estimate"].isna().all()
    assert found["kept"].tolist() == [2]


def test_error_shares_undo_the_sampling_of_each_service() -> None:
    frame = lines(
        *[{"severity": "ERROR", "probability": 0.125, "service": "a"}] * 8,
        *[{"probability": 0.03125, "service": "a"}] * 6,
        {"service": "b", "probability": math.nan},
    )
    found = error_ratios(frame).frame.set_index("service")
    assert found.loc["a", "share"] == pytest.approx(64 / 256)
    assert math.isnan(found.loc["b", "share"])
    assert math.isnan(found.loc["(all)", "share"])


def test_latency_is_a_weighed_quantile_and_needs_a_number() -> None:
    frame = lines(
        {"attributes": {"duration_ms": "10"}, "probability": 0.01},
        {"attributes": {"metadata.duration_ms": "500"}},
        {"attributes": {"duration_ms": "broken"}},
        {"attributes": {"duration_ms": "-1"}},
    )
    row = line_latency(frame).frame.iloc[0]
    assert (row["kept"], row["p50"], row["p95"], row["p99"]) == (2, 10, 10, 10)


def test_fields_say_what_lines_lack() -> None:
    shares = line_fields(lines({"trace_id": "t"}, {"severity": ""})).frame.set_index("field")["share"]
    assert shares.loc[["trace_id", "severity", "duration", "message"]].tolist() == [0.5, 0.5, 0.0, 1.0]


def test_security_is_told_by_type_or_words() -> None:
    frame = lines({"event_type": "security"}, {"message": "POST /login 401: wrong password"}, {"message": "done"})
    assert is_security(frame).tolist() == [True, True, False]


def test_templates_newest_lines_and_parsers_are_rows() -> None:
    frame = lines({"message": "took 3 ms"}, {"message": "took 4 ms", "time_ns": 5, "attributes": {"token": "x"}})
    assert template_counts(frame).frame[["template", "kept"]].to_numpy().tolist() == [["took <num> ms", 2]]
    newest = newest_lines(frame).frame.iloc[0]
    assert (newest["message"], newest["attributes"]) == ("took 4 ms", {"token": "***"})


def test_parse_coverage_is_by_parser_and_judged_over_all() -> None:
    coverage = parse_coverage(
        {"json": {"records": 90, "understood": 90, "with_level": 90},
         "text": {"records": 10, "understood": 6, "with_level": 3}},
        {"broken": 4, "share": 0.96, "unread": ["x"], "cut": 0},
    )  # fmt: skip
    assert coverage.frame[["parser", "share", "level_share"]].to_numpy().tolist() == [
        ["json", 1.0, 1.0],
        ["text", 0.6, 0.3],
    ]
    assert coverage.outcomes == {"broken": 4}
    (fault,) = parse_faults(coverage)
    assert fault.startswith("Only 93.0 % of 100 records have a level"), "96 of 100 understood is enough"
    assert parse_faults(parse_coverage({})) == ()


def test_no_lines_are_no_rows_and_no_error() -> None:
    frame = lines()
    assert error_ratios(frame).frame["kept"].tolist() == [0]
    assert line_latency(frame).frame.empty
    assert template_counts(frame).frame.empty
    assert level_history(frame, TimeRange.from_ms(0, 60_000), step_ms=60_000).frame.empty
