"""Rows of answers read from files and judged: by time, by a column, and what cannot be judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.core.errors import ParameterError
from workbench.studies import Context
from workbench.studies.quality.rows import Split, rows_drift
from workbench.studies.sources.unavailable import UnavailableSource


@pytest.fixture
def context(context_over: Callable[..., Context]) -> Context:
    return context_over(UnavailableSource("none", "", ""))


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """Forty days of answers; in the last week a quarter of the scores of one country falls to 1."""
    random, size = np.random.default_rng(1), 8_000
    time = pd.date_range("2026-10-01", periods=size, freq="7min", tz="UTC")
    frame = pd.DataFrame({"time": time, "id": np.arange(size), "country": random.choice(["de", "fr"], size)})
    score = random.choice([3.0, 4.0, 5.0], size)
    fell = (time >= time[-1] - pd.Timedelta(days=6)) & (frame["country"] == "fr") & (random.random(size) < 0.5)
    return frame.assign(score=np.where(fell, 1.0, score), route=random.choice(["chat", "image"], size))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_last_days_are_judged_by_segment(
    context: Context, answers: pd.DataFrame, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"answers.{kind}"
    answers.to_csv(path, index=False) if kind == "csv" else answers.to_parquet(path)
    answer = rows_drift(context, rows=path, split=Split(time="time"), segment="country")
    frame = answer.drift.changes.frame.set_index(["column", "segment"])
    assert frame["verdict"].to_dict() == {
        ("score", "all"): "drift", ("score", "de"): "none", ("score", "fr"): "drift",
        ("route", "all"): "none", ("route", "de"): "none", ("route", "fr"): "none",
    }  # fmt: skip
    assert answer.drift.changes.days
    mix = answer.drift.mix.frame
    assert mix.loc[mix["segment"] != "all", "segment"].iloc[0] == "fr"
    assert answer.notes[0] == "Not compared (ids, times or text): id."


def test_an_id_that_two_models_answered_is_no_score(context: Context, tmp_path: Path) -> None:
    size, path = 400, tmp_path / "pairs.csv"
    time = pd.date_range("2026-10-01", periods=size, freq="2h", tz="UTC")
    pd.DataFrame({"id": np.arange(size) // 2, "time": time, "score": np.arange(size) % 5}).to_csv(path, index=False)
    answer = rows_drift(context, rows=path, split=Split(time="time"))
    assert answer.drift.changes.frame["column"].unique().tolist() == ["score"]
    assert answer.notes[0] == "Not compared (ids, times or text): id."


def test_counts_are_those_of_the_rows(context: Context, answers: pd.DataFrame, tmp_path: Path) -> None:
    rows = answers.assign(country=answers["country"].where(answers.index % 5 > 0))
    rows.to_parquet(tmp_path / "answers.parquet", row_group_size=1_000)
    answer = rows_drift(
        context, rows=tmp_path / "answers.parquet", split=Split(by="route"), columns=["score"], segment="country"
    )
    frame = answer.drift.changes.frame.set_index("segment")
    assert frame["n_reference"].drop("all").sum() == frame.loc["all", "n_reference"] == (rows["route"] == "chat").sum()
    assert set(frame.index) == {"all", "de", "fr", "(none)"}


@pytest.mark.parametrize(
    ("split", "columns", "words"),
    [
        (Split(time="when"), (), "no column 'when'"),
        (Split(), (), "Say what is compared"),
        (Split(by="country", sides=("de", "it")), (), "country has no 'it'"),
        (Split(by="id"), (), "id has 8,000 values, two are compared"),
        (Split(time="country"), (), "is no time"),
        (Split(time="score"), (), "score holds 5, which is no time"),
        (Split(time="time", since=pd.Timestamp("2027-01-01", tz="UTC")), (), "after the last row"),
        (Split(time="time", until=pd.Timestamp("2020-01-01", tz="UTC")), (), "No row belongs to reference"),
        (Split(by="country"), ("time",), "time holds timestamp"),
    ],
)
def test_what_cannot_be_judged_is_named(
    context: Context, answers: pd.DataFrame, tmp_path: Path, split: Split, columns: tuple[str, ...], words: str
) -> None:
    answers.to_parquet(tmp_path / "answers.parquet")
    with pytest.raises(ParameterError, match=words):
        rows_drift(context, rows=tmp_path / "answers.parquet", split=split, columns=columns)


def test_one_row_and_an_empty_column_claim_nothing(context: Context, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("model,score,empty\na,1,\nb,0,\n")
    answer = rows_drift(context, rows=tmp_path / "one.csv", split=Split(by="model"))
    values = answer.drift.changes.frame
    assert set(values["verdict"]) == {"not_enough"}
    (tmp_path / "none.csv").write_text("model,score\n")
    with pytest.raises(ParameterError, match="has no rows"):
        rows_drift(context, rows=tmp_path / "none.csv", split=Split(by="model"))
    with pytest.raises(ParameterError, match="no file and no table"):
        rows_drift(context, rows="absent.csv", split=Split(by="model"))
