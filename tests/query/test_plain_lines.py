"""Lines as programs write them: quotes of every kind, syslog, klog, nginx, Python; each keeps its time and level."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.query.test_logfile_lines import EVER, read, write
from workbench.core.timerange import parse_instant, to_ms
from workbench.query.logs.levels import severity_of
from workbench.query.logs.lines import continues, parsed_line
from workbench.query.logs.logfmt import logfmt_record
from workbench.query.logs.rows import LogRows
from workbench.query.logs.shape import LogShape
from workbench.query.logs.times import partial_time, time_of

LEVELS = {"debug": "DEBUG", "info": "INFO", "warn": "WARN", "error": "ERROR"}
WORDS = st.text("abc xyz0=:/'\"`,.()!é", min_size=1, max_size=24).map(str.strip).filter(bool)


@st.composite
def quoted(draw: st.DrawFn) -> tuple[str, str]:
    """Return a value and how it is written: as Go, a shell or a careless program quotes it."""
    value, quote = draw(WORDS), draw(st.sampled_from(['"', "'", "`"]))
    if quote == "`":
        value = value.replace("`", "")
        return value, f"`{value}`"
    escaped = value.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return value, f"{quote}{escaped}{quote}"


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(LEVELS)), st.integers(0, 59), st.lists(quoted(), min_size=1, max_size=3), st.randoms())
def test_any_quoting_keeps_time_level_and_values(level, second, values, order) -> None:
    pairs = [f"ts=2026-11-07T10:00:{second:02}Z", f"level={level}"]
    pairs += [f"k{number}={written}" for number, (_, written) in enumerate(values)]
    order.shuffle(pairs)
    parsed = parsed_line(" ".join(pairs))
    assert parsed.kind == "logfmt"
    assert parsed.record["ts"] == f"2026-11-07T10:00:{second:02}Z"
    assert severity_of(parsed.record["level"]) == LEVELS[level]
    assert [parsed.record[f"k{number}"] for number in range(len(values))] == [value for value, _ in values]


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(LEVELS)), st.sampled_from(['"', "'", "`"]), st.text("abc =.,(", max_size=20))
def test_a_quote_that_is_never_closed_costs_neither_time_nor_level(level, quote, rest) -> None:
    for line in (f"msg={quote}{rest} ts=1794045600 level={level}", f"ts=1794045600 level={level} msg={quote}{rest}"):
        record = logfmt_record(line)
        assert record is not None
        assert (record["ts"], record["level"]) == ("1794045600", level)


def test_a_level_in_brackets_and_mongos_own_are_read() -> None:
    mysql = parsed_line("2026-11-07T10:00:05.123456Z 0 [Warning] [MY-010068] [Server] CA certificate is self signed.")
    assert severity_of(mysql.record["level"]) == "WARN"
    assert severity_of(parsed_line("[error] lost").record["level"]) == "ERROR"
    mongo = '{"t": {"$date": "2026-11-07T10:00:00.000+00:00"}, "s": "E", "c": "NETWORK", "msg": "x"}'
    rows = LogRows(LogShape())
    rows.add(parsed_line(mongo).record)
    assert (rows.frame().loc[0, "severity"], rows.undated) == ("ERROR", 0)


@pytest.mark.parametrize(("line", "level", "message"), [
    ("Nov  7 10:00:00 web-1 app[311]: ERROR payment failed", "ERROR", "payment failed"),
    ("<34>Nov  7 10:00:00 web-1 su: 'su root' failed", "FATAL", "'su root' failed"),
    ("<165>1 2026-11-07T10:00:00.003Z web-1 app 311 ID47 [x@1 a=\"b]\\\"\"] up", "INFO", "up"),
    ("<11>1 2026-11-07T10:00:00Z - - - - - {\"level\": \"warn\", \"msg\": \"inside\"}", "WARN", ""),
    ("2026-11-07T10:00:00.1+00:00 web-1 app[311]: level=error msg='lost'", "ERROR", ""),
    ("E1107 10:00:00.123456       1 klog.go:12] klog line", "ERROR", "klog line"),
    ("W20261107 10:00:00.123456 77 file.cc:12] glog line", "WARN", "glog line"),
    ("2026/11/07 10:00:00 [error] 12#12: *3 open() failed", "ERROR", "12#12: *3 open() failed"),
    ("[Sat Nov 07 10:00:00.123456 2026] [core:error] [pid 9] refused", "ERROR", "[pid 9] refused"),
    ("2026/11/07 10:00:00 listening on :80", "", "listening on :80"),
    ("2026-11-07 10:00:00,123 - my.logger:ERROR: text", "ERROR", "text"),
    ("2026-11-07 10:00:00,123 - my.logger - ERROR - text", "ERROR", "text"),
    ("2026-11-07 10:00:00.123 [main] ERROR com.Shop - text", "ERROR", "[main] ERROR com.Shop - text"),
    ("2026-11-07 10:00:00 UTC LOG:  checkpoint", "INFO", "checkpoint"),
    ("2026-11-07 10:00:00.1 UTC [9] ERROR:  no table", "ERROR", ""),
    ("[2026-11-07 10:00:00,123: ERROR/MainProcess] Task failed", "ERROR", "Task failed"),
    ("ERROR 11-07 10:00:00 [core.py:77] lost", "ERROR", "lost"),
    ("(EngineCore_0 pid=12) WARNING 11-07 10:00:00 core.py:77] slow", "WARN", "slow"),
    ("1:M 07 Nov 2026 10:00:00.123 # Out of memory", "WARN", "Out of memory"),
    ("1794045600.123\terror\tboom", "ERROR", "boom"),
    ("2026-11-07T10:00:00Z [shop] level=error boom", "ERROR", ""),
    ("2026-11-07 10:00:00 INFO nothing at level=error", "INFO", ""),
    ("E, [2026-11-07T10:00:00.123456 #12] ERROR -- pay: lost", "ERROR", "lost"),
    ("[2026-11-07 10:00:00] production.ERROR: lost {}", "ERROR", "lost {}"),
    ("[2026-11-07T10:00:00,123][ERROR][o.e.x.Shop ] [node-1] lost", "ERROR", ""),
    ("[2026/11/07 10:00:00] [ warn] [engine] slow", "WARN", "[engine] slow"),
    ("2026.11.07 10:00:00.123456 [ 12 ] {q} <Error> exec: lost", "ERROR", "lost"),
    ("2026-11-07 10:00:00.123456 E | lost", "ERROR", "lost"),
    ("2026-11-07T10:00:00.123+0000 E NETWORK  [conn1] lost", "ERROR", "[conn1] lost"),
    ("[07-Nov-2026 10:00:00 UTC] PHP Fatal error:  lost", "FATAL", "lost"),
    ("ERROR 2026-11-07 10:00:00,123 views 12 lost", "ERROR", "views 12 lost"),
    ("[ERROR] 2026-11-07T10:00:00.123Z 1-2-3 lost", "ERROR", "1-2-3 lost"),
    ("gateway-1  | 2026-11-07 10:00:00,123 ERROR lost", "ERROR", "lost"),
    ("<11>2026-11-07T10:00:00Z web-1 app: lost", "ERROR", "lost"),
    ("<11>Nov  7 2026 10:00:00 wall : %ASA-3-1: lost", "ERROR", "lost"),
    ("<30>1 2026-11-07T10:00:00Z web-1 app 1 - - E, [2026-11-07T10:00:00.1 #12] ERROR -- pay: lost", "ERROR", "lost"),
    ("Sat 2026-11-07 10:00:00 UTC web-1 app[1]: ERROR lost", "ERROR", "lost"),
    ("1794045600.123456 web-1 app[1]: ERROR lost", "ERROR", "lost"),
    ("2026-11-07 11:00:00.123 CET [9] ERROR:  lost", "ERROR", ""),
    ("2026-11-07 05:00:00.123 EST [9] ERROR:  lost", "ERROR", ""),
    ("20261107T100000Z ERROR lost", "ERROR", "lost"),
    ("Nov 07, 2026 10:00:00 AM com.shop.Pay run", "", ""),
    ("2026-11-07T10:00:00Z ESTIMATE of the error", "", ""),
    ("1.7940456001234e+09\tERROR\tcontroller\tlost\t{\"level\": \"info\"}", "ERROR", ""),
    ("[2026-11-07 10:00:00,123 E 12 34] (raylet) node.cc:1: lost", "ERROR", "(raylet) node.cc:1: lost"),
    ("[2026-11-07 10:00:00.123][12][error][http] [source/x.cc:1] lost", "ERROR", "[source/x.cc:1] lost"),
    ("[rank0]:[W1107 10:00:00.123 Group.cpp:1] slow", "WARN", "slow"),
    ("Nov  7 2026 10:00:00 wall %ASA-3-710003: denied", "ERROR", ""),
    ("2026-11-07 10:00:00.123 | SUCCESS  | app:main:12 - done", "INFO", ""),
    ("2026-11-07 10:00:00 found no ERROR today", "", ""),
    ("error: lost {\"timestamp\":\"2026-11-07T10:00:00.000Z\"}", "ERROR", "lost"),
    ("<log4j:event timestamp=\"1794045600123\" level=\"ERROR\"><log4j:message><![CDATA[lost]]></log4j:message>",
     "ERROR", "lost"),
])  # fmt: skip
def test_forms_of_plain_lines(line, level, message) -> None:
    record = parsed_line(line).record
    assert severity_of(record.get("level", "")) == level
    near = to_ms(parse_instant("2026-11-20")) * 1_000_000
    read_ns = time_of(record["timestamp"])
    ns = read_ns[0] if read_ns else partial_time(record["timestamp"], beside_ns=None, written_ns=near)
    assert ns is not None
    assert ns // 1_000_000_000 == to_ms(parse_instant("2026-11-07T10:00:00Z")) // 1000
    if message:
        assert record["message"] == message


@pytest.mark.parametrize(("line", "level"), [
    ('INFO:     127.0.0.1:5321 - "GET /health HTTP/1.1" 200 OK', "INFO"),
    ("\x1b[92m20:52:54 - LiteLLM Proxy:ERROR\x1b[0m: proxy_server.py:123 - lost", "ERROR"),
    ("LiteLLM Router:WARNING: cooldown", "WARN"),
    ("ERROR:root:lost", "ERROR"),
])  # fmt: skip
def test_lines_without_a_date_keep_their_level(line, level) -> None:
    assert severity_of(parsed_line(line).record["level"]) == level


JOURNAL = '{"__REALTIME_TIMESTAMP": "1794045600123456", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "app", "MESSAGE": %s}'


@pytest.mark.parametrize(("line", "severity"), [
    (JOURNAL % '"up"', "INFO"),
    (JOURNAL % '"2026-11-07 09:00:00 ERROR lost"', "ERROR"),
    (JOURNAL % '"the user saw an ERROR"', "INFO"),
    (JOURNAL % "[69, 82, 82, 79, 82, 32, 255]", "ERROR"),
    (JOURNAL % '"{\\"lvl\\": \\"error\\"}"', "ERROR"),
    ('{"timestamp": {"seconds": 1794045600, "nanos": 5}, "severity": "ERROR", "message": "x"}', "ERROR"),
    ('{"timestampSeconds": 1794045600, "timestampNanos": 1, "severity": "ERROR", "message": "x"}', "ERROR"),
    ('{"instant": {"epochSecond": 1794045600, "nanoOfSecond": 12}, "level": "ERROR", "message": "x"}', "ERROR"),
    ('{"@t": "2026-11-07T10:00:00Z", "@mt": "up"}', "INFO"),
    ('{"record": {"time": {"timestamp": 1794045600.1}, "level": {"name": "ERROR"}, "message": "x"}}', "ERROR"),
    ('<14>2026-11-07T10:00:00Z web-1 app: {"severity": "error"}', "ERROR"),
    ('{"time": "2026-11-07T10:00:00Z", "level": {"name": "error"}, "msg": "x"}', "ERROR"),
    ('{"time": "2026-11-07T10:00:00Z", "level": "ERROR+2", "msg": "x"}', "ERROR"),
    ('{"ts": 1.7940456e9, "level": "error"}', "ERROR"),
    ('{"ts": "1.7940456E9", "level": "error"}', "ERROR"),
    ('{"date": 1794045600.1, "log": "ERROR lost", "kubernetes": {"pod_name": "x"}}', "ERROR"),
    ('{"@timestamp": "2026-11-07T10:00:00Z", "message": "2026-11-07 09:59:59,9 ERROR lost"}', "ERROR"),
    ('{"@timestamp": "2026-11-07T10:00:00Z", "message": "an error page"}', ""),
    ('{"@timestamp": "2026-11-07T10:00:00Z", "message": "ERROR lost", "log": {"level": "info"}}', "INFO"),
])  # fmt: skip
def test_records_of_journald_and_others_keep_time_and_level(line, severity) -> None:
    rows = LogRows(LogShape())
    rows.add(parsed_line(line).record)
    row = rows.frame().iloc[0]
    assert (row["severity"], row["time_ns"] // 1_000_000_000) == (severity, 1_794_045_600)


@pytest.mark.parametrize("line", [
    '{"time": 0.25, "ts": "2026-11-07T10:00:00Z", "level": "error", "msg": "x"}',
    '{"t": 21.5, "time_local": "07/Nov/2026:10:00:00 +0000", "level": "error", "msg": "x"}',
    '{"timeUnixNano": "1794045600000000000", "severityNumber": 17, "body": {"stringValue": "x"}}',
    '{"LEVEL": "ERROR", "TIME": "2026-11-07T10:00:00Z", "MSG": "x"}',
    '{"date": "2026-11-07", "time": "10:00:00", "level": "error", "msg": "x"}',
    'ts=2026-11-07T10:00:00Z, level=error; msg="x", took=3s',
    "logger=store t=2026-11-07T11:00:00+01:00 level=error msg=x",
    "date=2026-11-07 time=10:00:00 level=error msg=x",
    '{"timestamp": "2026-11-07 10:00:00 UTC", "error_severity": "ERROR", "message": "x"}',
])  # fmt: skip
def test_a_duration_is_no_time_and_other_names_of_a_time_are(line) -> None:
    rows = LogRows(LogShape())
    rows.add(parsed_line(line).record, otherwise_ns=0)
    row = rows.frame().iloc[0]
    assert (row["time_ns"], row["severity"], row["message"]) == (1_794_045_600_000_000_000, "ERROR", "x")


def test_what_a_process_writes_before_its_lines_hides_no_level() -> None:
    record = parsed_line('(APIServer pid=1) INFO:     10.0.0.1:1 - "POST /v1/chat HTTP/1.1" 500').record
    assert (record["level"], record["logger"]) == ("INFO", "APIServer pid=1")


def test_a_year_that_nanoseconds_cannot_say_is_no_time() -> None:
    rows = LogRows(LogShape())
    rows.add(parsed_line("9999-12-31T23:59:59Z ERROR lost").record, otherwise_ns=7)
    assert (rows.frame().loc[0, "time_ns"], rows.undated) == (7, 1)


def test_words_in_a_message_are_no_level() -> None:
    for line in ("2026-11-07T10:00:00Z the user saw an error page", "Nov  7 10:00:00 web-1 app: no ERROR was found"):
        assert "level" not in parsed_line(line).record


def test_years_and_days_left_out_come_from_lines_beside_never_from_the_future(tmp_path: Path) -> None:
    lines = [
        "Dec 31 23:59:58 a b: INFO old", "Jan  1 00:00:03 a b: INFO new", "2025-03-01T23:59:00Z INFO dated",
        "23:59:59 - app:ERROR: late", "00:00:01 - app:ERROR: next day", "Feb 28 12:00:00 a b: INFO near",
    ]  # fmt: skip
    path = write(tmp_path / "a.log", "\n".join(lines))
    written = to_ms(parse_instant("2026-06-01")) // 1000
    os.utime(path, (written, written))
    frame, coverage = read(path, span=EVER)
    times = {row["message"]: str(row["time"])[:19] for row in frame.assign(
        time=frame["time_ns"].astype("datetime64[ns]")).to_dict("records")}  # fmt: skip
    assert times == {
        "old": "2025-12-31 23:59:58", "new": "2026-01-01 00:00:03", "dated": "2025-03-01 23:59:00",
        "late": "2025-03-01 23:59:59", "next day": "2025-03-02 00:00:01", "near": "2025-02-28 12:00:00",
    }  # fmt: skip
    assert (coverage["partial"], coverage["undated"], coverage["share"]) == (5, 0, 1.0)


def test_a_line_without_time_takes_that_of_a_line_beside_and_never_that_of_the_file(tmp_path: Path) -> None:
    frame, coverage = read(write(tmp_path / "a.log", "ERROR:root:first\n2024-01-15T10:00:00Z INFO then\n"), span=EVER)
    assert frame["time_ns"].nunique() == 1
    assert (coverage["undated"], coverage["unplaced"]) == (1, 0)
    frame, coverage = read(write(tmp_path / "b.log", "INFO:     started\nERROR:root:lost\n"), span=EVER)
    assert frame.empty
    assert (coverage["undated"], coverage["unplaced"], coverage["share"]) == (2, 2, 0.0)


@pytest.mark.parametrize(("line", "belongs"), [
    ("java.lang.IllegalStateException: closed", True), ("com.shop.Pay$LostException", True),
    ("java.lang.Thread started", False), ("ValueError: bad", False), ("app.Error in 3 of 5 calls", False),
])  # fmt: skip
def test_an_exception_with_its_package_belongs_to_the_record_before_it(line, belongs) -> None:
    assert continues(line, "2026-11-07 10:00:00,123 ERROR [main] lost") is belongs
