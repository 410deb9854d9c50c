from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.archive.sql import connect, rows_of
from workbench.core.errors import QueryRejected, QueryTooExpensive
from workbench.core.series import SeriesSet

NOVEMBER = 1_793_491_200_000
DAY = 86_400_000


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive", create=True)


def test_sql_sees_the_samples_that_select_gives_each_once(archive):
    labels = {"__name__": "g", "job": "api"}
    times = NOVEMBER - DAY + np.arange(0, 2 * DAY, 600_000)
    archive.append_samples(SeriesSet.of([(labels, times, np.arange(len(times)) + 0.5)]))
    archive.append_samples(SeriesSet.of([(labels, times[:3], [10.0, 20.0, 30.0])]))
    rows = connect(archive).execute("SELECT ts, value FROM samples ORDER BY ts").fetchall()
    found = archive.select([], 0, 2**60)
    assert rows == list(zip(found.times.tolist(), found.values.tolist(), strict=True))


def test_sql_takes_parameters_and_reads_labels(archive):
    hostile = "'; DROP VIEW samples; --"
    archive.append_samples(SeriesSet.of([({"__name__": "g", "job": hostile}, [NOVEMBER], [1.0])]))
    query = "SELECT count(*) FROM samples JOIN series USING (series_id) WHERE labels['job'] = ?"
    assert connect(archive).execute(query, [hostile]).fetchone() == (1,)


def test_sql_over_an_empty_archive_has_all_tables(archive):
    connection = connect(archive)
    for table in ("series", "samples", "logs", "spans", "episodes"):
        assert connection.table(table).fetchall() == []


def test_sql_reads_each_span_once(archive):
    span = {
        "trace_id": "t",
        "span_id": "s",
        "parent_id": "",
        "service": "api",
        "operation": "GET",
        "kind": "server",
        "start_ns": NOVEMBER * 1_000_000,
        "duration_ns": 1,
        "status": "ok",
        "weight": 1.0,
        "attributes": {"model": "m"},
    }
    archive.append_spans(pd.DataFrame([span]))
    archive.append_spans(pd.DataFrame([{**span, "status": "error"}]))
    found = connect(archive).execute("SELECT status, attributes['model'] FROM spans").fetchall()
    assert found == [("error", "m")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/hosts')",
        "COPY (SELECT 1) TO '{root}/samples/new.csv'",
        "ATTACH '{root}/new.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
def test_sql_cannot_leave_the_archive(archive, statement):
    archive.append_samples(SeriesSet.of([({"__name__": "g"}, [NOVEMBER], [1.0])]))
    with pytest.raises(duckdb.Error):
        connect(archive).execute(statement.format(root=archive.root))


def test_of_many_files_the_last_commit_counts(archive):
    labels = {"__name__": "g", "job": "api"}
    for turn in range(12):
        archive.append_samples(SeriesSet.of([(labels, [NOVEMBER, NOVEMBER + 60_000], [float(turn), 1.0])]))
    assert connect(archive).execute("SELECT value FROM samples ORDER BY ts").fetchall() == [(11.0,), (1.0,)]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("SELECT foo FROM samples", "foo"),
        ("SELECT ts,\n  bar\nFROM samples", "bar"),
        ("SELECT " + "ts, " * 60 + "foo, " + "ts, " * 60 + "ts FROM samples", "foo"),
        ("SELECT 1 FROM nothing", "nothing"),
    ],
)
def test_an_error_points_at_the_word_that_is_wrong(archive, query, word):
    with pytest.raises(QueryRejected) as caught:
        rows_of(archive, query)
    assert query[caught.value.position :].startswith(word)
    assert "LINE" not in caught.value.message


@pytest.mark.slow
def test_a_process_that_asked_in_sql_ends_well(archive):
    """Threads of a connection that was left open ended the process with an abort, after the right answer."""
    archive.append_samples(
        SeriesSet.of([({"__name__": "g"}, np.arange(200_000) * 1000 + NOVEMBER, np.arange(200_000))])
    )
    words = ["archive", "sql", "--archive", str(archive.place), "select count(*) as n from samples", "--format", "json"]
    program = f"from workbench.cli.main import main; main({words!r})"
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode, json.loads(done.stdout)) == (0, [{"n": 200_000}]), done.stderr


@pytest.mark.slow
def test_a_query_has_limits_of_memory_time_and_rows(archive):
    wide = "SELECT a.range FROM range(10000000) a, range(1000) b ORDER BY hash(a.range)"
    with pytest.raises(QueryTooExpensive, match="memory"):
        rows_of(archive, wide, memory_mib=64)
    began = time.monotonic()
    with pytest.raises(QueryTooExpensive, match=r"longer than 0\.5 s"):
        rows_of(archive, "SELECT sum(hash(a.range, b.range)) FROM range(10000000) a, range(100000) b", seconds=0.5)
    assert time.monotonic() - began < 2
    with pytest.raises(QueryTooExpensive, match="1,000,000 rows"):
        rows_of(archive, "SELECT range FROM range(1000001)")
    assert rows_of(archive, "SELECT 1 AS one", seconds=5) == [{"one": 1}]
