"""Log files as programs and runtimes really leave them: every line is a row or part of one, and all are counted."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.bench_logs import growth
from workbench.catalog import load_catalog
from workbench.core.errors import ParameterError, SourceUnavailable
from workbench.core.filters import LogFilter, Native
from workbench.core.timerange import TimeRange, parse_instant
from workbench.query.logs.files import merge as log_merge
from workbench.query.logs.files.source import LogFileSource
from workbench.query.logs.levels import severity_of
from workbench.query.logs.lines import parsed_line
from workbench.query.logs.shape import LogShape
from workbench.query.logs.times import time_of

DAY = TimeRange(parse_instant("2024-01-15"), parse_instant("2024-01-16"))
EVER = TimeRange(parse_instant("1970-01-01"), parse_instant("2200-01-01"))
#: The example of the document, on one line as the formatter writes it.
DOCUMENTED = (
    '{"timestamp": "2024-01-15T10:30:45.123Z", "level": "INFO", "message": "User authentication successful", '
    '"event_type": "security", "context": {"correlation_id": "req_abc123", "user_id": "user_456", "session_id": '
    '"sess_789", "trace_id": "trace_def456", "span_id": "span_ghi789"}, "metadata": {"module": "auth", "function": '
    '"authenticate_user", "line": 142, "ip_address": "192.168.1.100", "user_agent": "Mozilla/5.0...", '
    '"duration_ms": 45.7}}'
)
MIXED = f"""{DOCUMENTED}
2024-01-15 10:30:46,500 ERROR db: connection lost trace_id=trace_x1
Traceback (most recent call last):
  File "db.py", line 3, in connect
    raise OSError("lost")
OSError: lost
level=warn msg="slow call" dur=1.5s ts=1705314647
[2024-01-15T10:30:48+02:00] [critical] disk full
10.0.0.1 - - [15/Jan/2024:10:30:49 +0000] "GET /health HTTP/1.1" 200 2
{{"ts": 1705314650123, "severity": 40, "msg": "pino"}}
{{"timestamp": "2024-01-15T10:30:51Z", "level": "INFO", "message": "cut in the mid
ERROR:root:no time here

\x1b[31m2024-01-15 10:30:52 WARNING red\x1b[0m
"""


def read(path: Path, shape: LogShape | None = None, span: TimeRange = DAY) -> tuple[pd.DataFrame, dict[str, Any]]:
    pieces = list(LogFileSource("files", path, shape).logs(LogFilter(), span))
    return pd.concat(pieces, ignore_index=True), pieces[-1].attrs["coverage"]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_documented_line_is_read_with_its_profile(tmp_path: Path) -> None:
    profile = load_catalog().profile("llm-ab-testing")
    source = LogFileSource("files", write(tmp_path / "app.log", DOCUMENTED + "\n")).reading(profile)
    (piece,) = source.logs(LogFilter(trace_id="trace_def456"), DAY)
    row = piece.to_dict(orient="records")[0]
    assert (row["severity"], row["event_type"], row["service"]) == ("INFO", "security", "llm-ab-testing")
    assert (row["trace_id"], row["span_id"]) == ("trace_def456", "span_ghi789")
    assert row["time_ns"] == 1_705_314_645_123_000_000
    assert row["attributes"] == {
        "level": "INFO", "context.correlation_id": "req_abc123", "context.user_id": "user_456",
        "context.session_id": "sess_789", "metadata.module": "auth", "metadata.function": "authenticate_user",
        "metadata.line": "142", "metadata.ip_address": "192.168.1.100", "metadata.user_agent": "Mozilla/5.0...",
        "metadata.duration_ms": "45.7",
    }  # fmt: skip


def test_forms_in_one_file_are_told_apart_and_counted(tmp_path: Path) -> None:
    frame, coverage = read(write(tmp_path / "app.log", MIXED))
    frame = frame.sort_values("time_ns", ignore_index=True)
    assert frame["severity"].tolist() == ["FATAL", "INFO", "ERROR", "WARN", "", "WARN", "", "ERROR", "WARN"]
    assert frame["message"].tolist() == [
        "disk full",
        "User authentication successful",
        "db: connection lost trace_id=trace_x1\nTraceback (most recent call last):\n"
        '  File "db.py", line 3, in connect\n'
        '    raise OSError("lost")\nOSError: lost',
        "slow call",
        '10.0.0.1 - - [15/Jan/2024:10:30:49 +0000] "GET /health HTTP/1.1" 200 2',
        "pino",
        '{"timestamp": "2024-01-15T10:30:51Z", "level": "INFO", "message": "cut in the mid',
        "no time here",
        "red",
    ]
    assert frame["trace_id"].tolist()[2] == "trace_x1"
    told = {name: coverage[name] for name in ("lines", "json", "logfmt", "text", "continued", "blank", "broken")}
    assert told == {"lines": 14, "json": 2, "logfmt": 1, "text": 6, "continued": 4, "blank": 1, "broken": 1}
    assert (
        coverage["lines"]
        == coverage["json"] + coverage["logfmt"] + coverage["text"] + coverage["continued"] + coverage["blank"]
    )
    assert (coverage["undated"], coverage["naive"]) == (2, 2)
    assert (coverage["not_understood"], coverage["share"]) == (2, pytest.approx(7 / 9))  # of records, not of lines


def test_runtimes_wrap_lines_and_cut_them(tmp_path: Path) -> None:
    inner = json.dumps({"timestamp": "2024-01-15T10:30:45Z", "level": "error", "message": "x" * 40})
    docker = [{"log": inner[:30], "stream": "stdout", "time": "2024-01-15T10:30:46Z"},
              {"log": "2024-01-15 10:30:47 INFO other\n", "stream": "stderr", "time": "2024-01-15T10:30:47Z"},
              {"log": inner[30:] + "\n", "stream": "stdout", "time": "2024-01-15T10:30:46Z"}]  # fmt: skip
    cri = [f"2024-01-15T10:30:48Z stdout P {inner[:25]}", "2024-01-15T10:30:48Z stderr F plain words",
           f"2024-01-15T10:30:48.5Z stdout F {inner[25:]}",
           "2024-01-15T10:30:49Z stdout F Traceback (most recent call last):",
           '2024-01-15T10:30:49Z stdout F   File "a.py"', "2024-01-15T10:30:49Z stdout F ValueError: bad"]  # fmt: skip
    text = "\n".join([*(json.dumps(one) for one in docker), *cri]) + "\n"
    frame, coverage = read(write(tmp_path / "0.log", text))
    assert sorted(zip(frame["severity"], frame["message"].str.split("\n").str[0], strict=True)) == sorted([
        ("ERROR", "x" * 40 + ""), ("INFO", "other"), ("", "plain words"), ("ERROR", "x" * 40),
    ])  # fmt: skip
    assert frame["message"].str.contains("ValueError: bad").sum() == 1
    assert coverage["continued"] == 5


@pytest.mark.parametrize(("name", "pack"), [
    ("app.log.1.gz", gzip.compress), ("app.log.2.bz2", bz2.compress), ("app.log.3.xz", lzma.compress),
    ("app.log.4.zst", lambda data: pa.Codec("zstd").compress(data).to_pybytes()), ("app.log.5", bytes),
])  # fmt: skip
def test_packed_files_are_told_by_what_they_hold(tmp_path: Path, name: str, pack: Any) -> None:
    lines = [f"2024-01-15T10:30:{second:02}Z INFO line {second}" for second in range(30)]
    (tmp_path / name).write_bytes(pack(("\n".join(lines) + "\n").encode()))
    (tmp_path / "app.log").write_text("2024-01-15T10:31:00Z INFO last\n")
    frame, coverage = read(tmp_path / "app.log*")
    assert frame["message"].tolist() == [f"line {second}" for second in range(30)] + ["last"]
    assert coverage["files"] == 2


@pytest.mark.slow
def test_a_pack_cut_off_gives_what_can_be_read_and_says_so(tmp_path: Path) -> None:
    chance = random.Random(3)
    lines = "".join(f"2024-01-15T10:30:45Z INFO {chance.random()}\n" for _ in range(20_000))
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(lines.encode())[:100_000])
    frame, coverage = read(tmp_path / "a.log.gz")
    assert 1_000 < len(frame) < 20_000
    assert "could not be read to its end" in coverage["unread"][0]


def test_a_line_of_two_logs_counts_once_and_a_line_twice_in_one_log_twice(tmp_path: Path) -> None:
    twice = "2024-01-15T10:30:45Z ERROR again\n"
    write(tmp_path / "app.log", twice * 2 + "2024-01-15T10:30:46Z INFO once\n")
    write(tmp_path / "app_errors.log", twice * 2)
    frame, coverage = read(tmp_path / "*.log")
    assert frame["message"].tolist() == ["again", "again", "once"]
    assert coverage["repeated"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("run", [7, 1_000])
def test_files_that_overlap_come_in_one_order_from_any_number_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: int
) -> None:
    monkeypatch.setattr(log_merge, "RUN", run)
    monkeypatch.setattr("workbench.query.logs.files.source._CHUNK", 5)
    chance = random.Random(8)
    seconds = [chance.randrange(3_000) for _ in range(400)]
    for file in range(4):
        held = seconds[file::4]
        text = "".join(f"{1_705_300_000 + at} INFO n{number}.{file}\n" for number, at in enumerate(held))
        write(tmp_path / f"app-{file}.log", "".join(f'{{"ts": {line.split(" ", 1)[0]}, "msg": "{line.split()[2]}"}}\n'
                                                   for line in text.splitlines()))  # fmt: skip
    frame, _ = read(tmp_path / "*.log", span=EVER)
    assert len(frame) == frame["message"].nunique() == 400
    assert frame["time_ns"].is_monotonic_increasing


@pytest.mark.slow
@given(st.lists(st.text(st.characters(exclude_characters="\n\r"), max_size=60), max_size=12))
@settings(max_examples=60, deadline=None)
def test_whatever_the_lines_are_each_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.log"
    path.write_bytes("".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))
    frame, coverage = read(path, span=EVER)
    assert coverage["lines"] == len(lines)
    parts = sum(coverage.get(name, 0) for name in ("json", "logfmt", "text", "continued", "blank"))
    assert parts == len(lines)
    assert len(frame) == parts - coverage.get("continued", 0) - coverage.get("blank", 0) - coverage["unplaced"]


@pytest.mark.parametrize(("text", "ns", "naive"), [
    ("2024-01-15T10:30:45.123456789Z", 1_705_314_645_123_456_789, False),
    ("2024-01-15T10:30:45,5", 1_705_314_645_500_000_000, True),
    ("2024-01-15 12:30:45+02:00", 1_705_314_645_000_000_000, False),
    ("1705314645", 1_705_314_645_000_000_000, False),
    (1_705_314_645.25, 1_705_314_645_250_000_000, False),
    ("1705314645123", 1_705_314_645_123_000_000, False),
    (1_705_314_645_123_456, 1_705_314_645_123_456_000, False),
    ("1705314645123456789", 1_705_314_645_123_456_789, False),
    ("15/Jan/2024:10:30:45 +0000", 1_705_314_645_000_000_000, False),
    ("Mon, 15 Jan 2024 10:30:45 GMT", 1_705_314_645_000_000_000, False),
])  # fmt: skip
def test_times_are_read_to_the_nanosecond(text: object, ns: int, naive: bool) -> None:
    assert time_of(text) == (ns, naive)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-13-01T00:00:00Z", "99999999999999999999999", None, True, "10:30"]
)
def test_what_is_no_time_is_none(text: object) -> None:
    assert time_of(text) is None


@pytest.mark.parametrize(("level", "severity"), [
    ("Information", "INFO"), ("wrn", "WARN"), ("E", "ERROR"), (21, "FATAL"), (60, "FATAL"), ("10", "TRACE"),
    (4, "TRACE"), (20, "DEBUG"),
    ("notice", "INFO"), ("PANIC", "FATAL"), ("", ""), (99, ""), ("maybe", ""),
])  # fmt: skip
def test_levels_in_their_many_spellings(level: object, severity: str) -> None:
    assert severity_of(level) == severity


def test_syslog_counts_downwards_where_the_record_says_priority() -> None:
    assert [severity_of(number, scale="syslog") for number in (0, 3, 4, 6, 7)] == [
        "FATAL",
        "ERROR",
        "WARN",
        "INFO",
        "DEBUG",
    ]


def test_deep_and_odd_json_is_kept(tmp_path: Path) -> None:
    deep = "{" + '"a":{' * 40 + '"b":1' + "}" * 41
    odd = '{"ts": 1705314645, "msg": "", "list": [1, {"a": NaN}], "big": 123456789012345678901234567890, "no": null}'
    frame, coverage = read(write(tmp_path / "odd.log", f"{deep}\n{odd}\n"), span=EVER)
    assert coverage["json"] == 2
    row = frame[frame["message"] == ""].iloc[0]
    assert parsed_line(odd).kind == "json"
    assert frame["attributes"].map(lambda held: held.get("big")).tolist().count("123456789012345678901234567890") == 1
    assert row["severity"] == ""


def test_no_file_is_an_error_with_the_pattern_in_it(tmp_path: Path) -> None:
    source = LogFileSource("files", tmp_path / "*.log")
    with pytest.raises(SourceUnavailable, match=r"No file matches .*\*\.log"):
        list(source.logs(LogFilter(), DAY))
    assert (source.state().status, source.state().exit_code) == ("unavailable", 3)


def test_files_have_no_language_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="for loki; this source is logfiles"):
        list(LogFileSource("files", tmp_path).logs(LogFilter(native=Native("loki", "{}")), DAY))


@pytest.mark.slow
def test_memory_stays_level_while_lines_stream_into_the_archive() -> None:
    """A small run of what `make bench` measures from row 100,000 to row 1,000,000."""
    told = growth("files", rows=80_000, first=30_000)
    assert told["rows"] == 80_000
    assert told["most"] - told["first"] < 60
