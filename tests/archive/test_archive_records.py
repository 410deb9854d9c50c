from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.archive.sql import connect
from workbench.core.errors import FrameError, ParameterError
from workbench.core.filters import Condition, LogFilter, SpanFilter
from workbench.core.timerange import TimeRange, from_ms

NOVEMBER = 1_793_491_200_000
DAY = 86_400_000
NS = 1_000_000
MONTHS = TimeRange.from_ms(NOVEMBER - 60 * DAY, NOVEMBER + 60 * DAY)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive", create=True)


def lines(*rows: dict) -> pd.DataFrame:
    default = {
        "time_ns": NOVEMBER * NS,
        "severity": "INFO",
        "message": "",
        "service": "api",
        "trace_id": "",
        "span_id": "",
        "event_type": "",
        "attributes": {},
    }
    frame = pd.DataFrame([{**default, **row} for row in rows], columns=list(default))
    return frame.astype({"time_ns": np.int64})


def spans(*rows: dict) -> pd.DataFrame:
    default = {
        "trace_id": "t1",
        "span_id": "s1",
        "parent_id": "",
        "service": "api",
        "operation": "GET /",
        "kind": "server",
        "start_ns": NOVEMBER * NS,
        "duration_ns": 5 * NS,
        "status": "ok",
        "weight": 1.0,
        "attributes": {},
    }
    frame = pd.DataFrame([{**default, **row} for row in rows], columns=list(default))
    return frame.astype({"start_ns": np.int64, "duration_ns": np.int64, "weight": float})


def episodes(*rows: dict) -> pd.DataFrame:
    default = {
        "alertname": "HighErrorRate",
        "severity": "critical",
        "labels": {"job": "api"},
        "active_at": from_ms(NOVEMBER),
        "starts_at": from_ms(NOVEMBER + 300_000),
        "ends_at": from_ms(NOVEMBER + 900_000),
        "left_censored": False,
        "right_censored": False,
        "unknown_s": 0.0,
    }
    frame = pd.DataFrame([{**default, **row} for row in rows], columns=list(default))
    for name in ("active_at", "starts_at", "ends_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame


def test_lines_come_back_by_time_with_nanoseconds_and_attributes(archive):
    hostile = "<script>alert(1)</script>'; DROP TABLE logs; -- \x00\n\u202e"
    archive.append_logs(
        lines(
            {
                "time_ns": NOVEMBER * NS + 1,
                "message": hostile,
                "attributes": {"user": "ü", "ok": True, "n": 3, "no": None},
            },
            {"time_ns": NOVEMBER * NS, "message": "first", "severity": "ERROR"},
        )
    )
    found = archive.logs(LogFilter(), MONTHS)
    assert found["time_ns"].tolist() == [NOVEMBER * NS, NOVEMBER * NS + 1]
    assert found["message"].tolist() == ["first", hostile]
    assert found["attributes"].tolist() == [{}, {"user": "ü", "ok": "true", "n": "3"}]


def test_a_range_of_lines_is_half_open(archive):
    archive.append_logs(lines(*({"time_ns": (NOVEMBER + ms) * NS, "message": str(ms)} for ms in (0, 1000, 2000))))
    found = archive.logs(LogFilter(), TimeRange.from_ms(NOVEMBER, NOVEMBER + 2000))
    assert found["message"].tolist() == ["0", "1000"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (LogFilter(), "abcd"),
        (LogFilter(services=("api", "other")), "abd"),
        (LogFilter(severity="WARN"), "bc"),
        (LogFilter(events=("login",)), "ad"),
        (LogFilter(contains=".*"), "c"),
        (LogFilter(contains="fine"), "a"),
        (LogFilter(trace_id="t9"), "b"),
        (LogFilter(attributes=(Condition("user", "=", ("u1",)),)), "a"),
        (LogFilter(attributes=(Condition("user", "!=", ("u1",)),)), "bcd"),
        (LogFilter(attributes=(Condition("user", "=", ("",)),)), "cd"),
        (LogFilter(attributes=(Condition("user", "in", ("u1", "u2")),)), "ab"),
        (LogFilter(attributes=(Condition("user", "regex", ("u.",)),)), "ab"),
        (LogFilter(attributes=(Condition("user", "regex", ("u",)),)), ""),
        (LogFilter(attributes=(Condition("service", "regex", ("web|api",)),)), "abcd"),
        (LogFilter(services=("api",), severity="WARN", attributes=(Condition("user", "=", ("u2",)),)), "b"),
    ],
)
def test_a_log_filter_means_the_same_here_as_everywhere(archive, wanted, expected):
    archive.append_logs(
        lines(
            {"time_ns": NOVEMBER * NS, "message": "a fine day", "event_type": "login", "attributes": {"user": "u1"}},
            {
                "time_ns": NOVEMBER * NS + 1,
                "message": "b",
                "severity": "ERROR",
                "trace_id": "t9",
                "attributes": {"user": "u2"},
            },
            {"time_ns": NOVEMBER * NS + 2, "message": "c .*", "severity": "WARN", "service": "web"},
            {"time_ns": NOVEMBER * NS + 3, "message": "d", "event_type": "login", "severity": "DEBUG"},
        )
    )
    assert "".join(message[0] for message in archive.logs(wanted, MONTHS)["message"]) == expected


def test_a_pattern_that_is_not_re2_is_refused(archive):
    with pytest.raises(ParameterError, match="not a regular expression of RE2"):
        archive.logs(LogFilter(attributes=(Condition("user", "regex", ("(?=a)",)),)), MONTHS)


def test_lines_and_spans_appended_twice_are_read_once(archive):
    frame = lines({"message": "a", "attributes": {"x": "1", "y": "2"}}, {"message": "b", "time_ns": NOVEMBER * NS + 5})
    archive.append_logs(frame)
    archive.append_logs(frame)
    assert archive.logs(LogFilter(), MONTHS)["message"].tolist() == ["a", "b"]
    archive.append_spans(spans({}, {"span_id": "s2"}))
    archive.append_spans(spans({"status": "error"}))
    found = archive.spans(SpanFilter(), MONTHS)
    assert sorted(zip(found["span_id"], found["status"], strict=True)) == [("s1", "error"), ("s2", "ok")]
    assert archive.spans(SpanFilter(status="ok"), MONTHS)["span_id"].tolist() == ["s2"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (SpanFilter(), ["s1", "s2", "s3"]),
        (SpanFilter(services=("db",)), ["s2"]),
        (SpanFilter(operations=("GET /",)), ["s1", "s3"]),
        (SpanFilter(status="error"), ["s3"]),
        (SpanFilter(min_duration_ns=5 * NS), ["s1", "s3"]),
        (SpanFilter(trace_id="t2"), ["s3"]),
        (SpanFilter(attributes=(Condition("model", "=", ("gpt",)),)), ["s2"]),
        (SpanFilter(attributes=(Condition("kind", "!=", ("client",)),)), ["s1", "s3"]),
    ],
)
def test_a_span_filter_selects(archive, wanted, expected):
    archive.append_spans(
        spans(
            {},
            {
                "span_id": "s2",
                "service": "db",
                "operation": "select",
                "kind": "client",
                "duration_ns": NS,
                "attributes": {"model": "gpt"},
            },
            {"span_id": "s3", "trace_id": "t2", "status": "error"},
        )
    )
    assert archive.spans(wanted, MONTHS)["span_id"].tolist() == expected


def test_episodes_that_overlap_the_range_are_found_and_open_ones_have_no_end(archive):
    archive.append_episodes(
        episodes(
            {},
            {"alertname": "Open", "ends_at": pd.NaT, "right_censored": True},
            {"alertname": "Old", "starts_at": from_ms(NOVEMBER - 40 * DAY), "ends_at": from_ms(NOVEMBER - 39 * DAY)},
        )
    )
    found = archive.episodes(TimeRange.from_ms(NOVEMBER + 600_000, NOVEMBER + DAY))
    assert found["alertname"].tolist() == ["HighErrorRate", "Open"]
    assert found["ends_at"].isna().tolist() == [False, True]
    assert found["starts_at"].dtype == pd.DatetimeTZDtype("ms", "UTC")
    assert found["labels"].tolist() == [{"job": "api"}] * 2
    assert archive.episodes(TimeRange.from_ms(NOVEMBER + 900_000, NOVEMBER + DAY))["alertname"].tolist() == ["Open"]


def test_an_open_episode_can_end_later(archive):
    archive.append_episodes(episodes({"ends_at": pd.NaT, "right_censored": True}))
    archive.append_episodes(episodes({}))
    found = archive.episodes(MONTHS)
    assert found["right_censored"].tolist() == [False]


def test_replacing_records_deletes_inside_the_range_only(archive):
    archive.append_logs(lines(*({"time_ns": (NOVEMBER + ms) * NS, "message": str(ms)} for ms in (0, 1000, 2000))))
    archive.replace_logs(lines(), TimeRange.from_ms(NOVEMBER + 1000, NOVEMBER + 2000))
    assert archive.logs(LogFilter(), MONTHS)["message"].tolist() == ["0", "2000"]
    with pytest.raises(ParameterError, match="outside the range"):
        archive.replace_logs(lines({}), TimeRange.from_ms(NOVEMBER + 1000, NOVEMBER + 2000))


def test_records_over_two_months_stand_in_two_partitions(archive):
    archive.append_logs(lines(*({"time_ns": (NOVEMBER + ms) * NS, "message": str(ms)} for ms in (-1, 0))))
    assert sorted(path.name for path in (archive.root / "logs").glob("month=*")) == ["month=2026-10", "month=2026-11"]
    assert archive.logs(LogFilter(), MONTHS)["message"].tolist() == ["-1", "0"]


def test_an_empty_archive_gives_frames_that_keep_their_contract(archive):
    assert len(archive.logs(LogFilter(), MONTHS)) == 0
    assert len(archive.spans(SpanFilter(), MONTHS)) == 0
    assert len(archive.episodes(MONTHS)) == 0
    archive.append_logs(lines())


def test_a_frame_without_a_column_is_refused_by_name(archive):
    with pytest.raises(FrameError, match="service"):
        archive.append_logs(lines({}).drop(columns="service"))


def test_nested_attributes_and_half_characters_are_kept_as_text(archive):
    archive.append_logs(lines({"attributes": {"a": {"b": [1, None]}, "c": "\udfff"}}))
    found = archive.logs(LogFilter(), MONTHS)
    assert found["attributes"].tolist() == [{"a": '{"b": [1, null]}', "c": "?"}]


def test_an_episode_without_a_start_is_refused(archive):
    with pytest.raises(FrameError, match="has no starts_at"):
        archive.append_episodes(episodes({"starts_at": pd.NaT}))


def test_equal_lines_of_one_append_stay_several_and_are_not_doubled_by_the_next(archive):
    twice = lines({"message": "ping"}, {"message": "ping"}, {"message": "pong", "time_ns": NOVEMBER * NS + 9})
    archive.append_logs(twice)
    assert len(archive.logs(LogFilter(), MONTHS)) == 3
    archive.append_logs(twice)
    assert len(archive.logs(LogFilter(), MONTHS)) == 3
    assert len(connect(archive).table("logs").fetchall()) == 3
    archive.append_logs(lines({"message": "other"}))
    assert len(archive.logs(LogFilter(contains="ping"), MONTHS)) == 2


def test_a_span_twice_in_one_frame_is_one_span(archive):
    archive.append_spans(spans({}, {"status": "error"}))
    assert archive.spans(SpanFilter(), MONTHS)["status"].tolist() == ["error"]


def test_a_range_to_the_end_of_time_is_a_range(archive):
    always = TimeRange.from_ms(0, 253_402_300_799_000)
    archive.append_logs(lines({"message": "old"}))
    archive.replace_logs(lines({"message": "new"}), always)
    assert archive.logs(LogFilter(), always)["message"].tolist() == ["new"]


@pytest.mark.parametrize("other", [{}, {"n": 1}, {"n": True}, {"n": None}, {"n": b"x"}, {"n": "\ud800"}, {1: "x"}])
def test_attributes_that_are_texts_come_back_whatever_stands_beside_them(archive: Archive, other: dict):
    texts = [{"a": "x", "b": ""}, None, {}, {"é": "日本"}, {"a": "y"}]
    archive.append_logs(lines(*({"attributes": each, "message": str(i)} for i, each in enumerate([*texts, other]))))
    read = archive.logs(LogFilter(), MONTHS).sort_values("message")["attributes"].tolist()
    assert read[:-1] == [each or {} for each in texts]
    assert read[-1] in ({}, {"n": "1"}, {"n": "true"}, {"n": "b'x'"}, {"n": "?"}, {"1": "x"})
    assert bool(read[-1]) == any(value is not None for value in other.values())
