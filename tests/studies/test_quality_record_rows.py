"""Scores in log lines and spans give the verdicts of the same rows in a table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.studies.test_quality_shapes import SPAN, answers
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.errors import ParameterError
from workbench.core.frames import SPANS
from workbench.core.settings import SourceSettings
from workbench.store.tables import TableSource
from workbench.studies import Context, quality_drift
from workbench.studies.quality.record_rows import recorded_answers
from workbench.studies.quality.rows import Split, rows_drift

pytestmark = pytest.mark.slow

SYSTEM = "conduit"
FIELDS = {"score": "eval.score", "model": "model", "segment": "country"}


def table(records: str) -> TableSource:
    return TableSource("judged", holds="answers", records=records, event="evaluation", service="judge", fields=FIELDS)


@pytest.fixture
def recorded(tmp_path: Path, context_over: Callable[..., Context]) -> Callable[..., Context]:
    """Give a context over an archive whose lines and spans hold the rows of a table, and others."""

    def build(source: TableSource, **change: Any) -> Context:
        rows = pd.read_csv(answers(tmp_path))
        held = pd.DataFrame(
            {"eval.score": rows["score"].astype(str), "model": rows["model"], "country": rows["segment"]}
        )
        attributes = [{**row, **change} for row in held.to_dict(orient="records")]
        time_ns = pd.to_datetime(rows["time"], utc=True, format="ISO8601").dt.as_unit("ns").astype("int64")
        ids = [f"{number:032x}" for number in range(1, len(rows) + 1)]
        archive = Archive.open(tmp_path / "archive", create=True)
        shared = {"service": "judge", "trace_id": ids, "attributes": attributes}
        lines = {"time_ns": time_ns, "severity": "INFO", "message": "judged", "span_id": "", "event_type": "evaluation"}
        logs = pd.DataFrame({**lines, **shared})
        archive.append_logs(pd.concat([logs, logs.assign(event_type="request", message="other")]))
        spans = {"span_id": [text[16:] for text in ids], "parent_id": "", "operation": "evaluation", "kind": "internal",
                 "start_ns": time_ns, "duration_ns": 1, "status": "ok", "weight": 1.0}  # fmt: skip
        archive.append_spans(pd.DataFrame({**spans, **shared})[list(SPANS.columns)])
        return context_over(ArchiveSource("demo", archive), tables={"judged": source}, serves={"judged": (SYSTEM,)})

    return build


@pytest.mark.parametrize("records", ["logs", "spans"])
def test_scores_of_lines_and_spans_are_judged_as_rows(
    recorded: Callable[..., Context], tmp_path: Path, records: str
) -> None:
    context = recorded(table(records))
    study = quality_drift(context, system=SYSTEM, range=SPAN, as_of=SPAN.end)
    shapes = study.results["shapes"].frame.set_index("segment")["verdict"].to_dict()
    assert shapes == {"all": "drift", "de": "none", "fr": "drift"}
    assert study.results["states"].frame["role"].tolist() == ["quality.judged"]
    assert study.status == "at_risk"
    found = rows_drift(context, rows="judged", split=Split(time="time"), segment="segment").drift.changes.frame
    again = rows_drift(context, rows=tmp_path / "answers.csv", split=Split(time="time"), segment="segment")
    columns = ["column", "segment", "n_reference", "n_current", "difference", "verdict"]
    pd.testing.assert_frame_equal(found[columns], again.drift.changes.frame[columns])


def test_a_score_that_is_no_number_and_lines_sampled_unevenly_are_said(recorded: Callable[..., Context]) -> None:
    source = table("logs")
    context = recorded(source, **{"eval.score": "<b>bad</b>"})
    rows = recorded_answers(context, system=SYSTEM, table=source, span=SPAN)
    assert rows["score"].isna().all()
    assert any("have a score that is no number" in warning for warning in rows.attrs["warnings"])
    study = quality_drift(context, system=SYSTEM, range=SPAN, as_of=SPAN.end)
    assert study.status == "no_data"


def test_records_of_several_systems_are_no_rows_of_one(recorded: Callable[..., Context]) -> None:
    context = recorded(table("logs"))
    shared = Context(**{**vars(context), "serves": {}})
    with pytest.raises(ParameterError, match="names 0 systems"):
        rows_drift(shared, rows="judged", split=Split(time="time"))


def test_settings_of_records_need_a_score_and_an_event_needs_records() -> None:
    good = SourceSettings(kind="table", records="logs", holds="answers", fields=FIELDS, event="evaluation")
    assert TableSource.from_settings("judged", good).location == "logs of its systems, evaluation"
    for wrong in (
        {"records": "logs", "holds": "answers"},
        {"records": "spans", "fields": FIELDS},
        {"path": "a.csv", "event": "x"},
    ):
        with pytest.raises(ValueError, match="records"):
            SourceSettings(kind="table", **wrong)  # type: ignore[arg-type]


def test_the_last_91_days_are_read_where_no_period_is_given(recorded: Callable[..., Context]) -> None:
    context = recorded(table("logs"))
    early = Context(**{**vars(context), "clock": lambda: SPAN.start - timedelta(days=20)})
    answer = rows_drift(early, rows="judged", split=Split(time="time"))
    assert answer.drift.changes.frame["n_reference"].iloc[0] + answer.drift.changes.frame["n_current"].iloc[0] < 2500
