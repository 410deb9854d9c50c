"""Rows of answers from files and tables of the settings: read, named, compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.analysis.quality.compare import Columns
from workbench.core.errors import ParameterError
from workbench.store.tables import TableSource
from workbench.studies import Context
from workbench.studies.quality.compare import model_comparison
from workbench.studies.sources.unavailable import UnavailableSource

COLUMNS = Columns("model", "correct", item="id")


@pytest.fixture
def context(context_over: Callable[..., Context]) -> Context:
    return context_over(UnavailableSource("none", "", ""))


def file(folder: Path, text: str) -> Path:
    path = folder / "answers.csv"
    path.write_text(f"model,id,correct\n{text}")
    return path


def test_words_are_scores_and_missing_ones_are_left_out_with_a_note(context: Context, tmp_path: Path) -> None:
    rows = file(tmp_path, "a,1,true\na,2,pass\na,3,1\nb,1,False\nb,2,0\nb,3,\n")
    result = model_comparison(context, rows=rows, columns=COLUMNS)
    row = result.frame.iloc[0]
    assert (result.arms, row["n_first"], row["first"], row["second"]) == (("a", "b"), 2, 1.0, 0.0)
    assert result.notes == ("1 answer has no score and is left out; look at it apart.",)


def test_a_table_of_the_settings_is_known_by_its_name(context: Context, tmp_path: Path) -> None:
    table = TableSource("answers", file(tmp_path, "a,1,1\nb,1,1\na,2,1\nb,2,0\n"))
    result = model_comparison(replace(context, tables={"answers": table}), rows="answers", columns=COLUMNS)
    assert result.frame["n_first"].item() == 2


@pytest.mark.parametrize(
    ("columns", "arms", "words"),
    [
        (Columns("model", "rating"), None, "no column 'rating'"),
        (Columns("model", "correct"), ("a", "x"), "no 'x'"),
        (Columns("id", "correct"), None, "has 3 values, two are compared"),
        (Columns("model", "model"), None, "'a' in row 1 of model is no number"),
    ],
)
def test_a_wrong_column_arm_or_value_is_named(
    context: Context, tmp_path: Path, columns: Columns, arms: tuple[str, str] | None, words: str
) -> None:
    rows = file(tmp_path, "a,1,1\nb,2,0\nb,3,0\n")
    with pytest.raises(ParameterError, match=words):
        model_comparison(context, rows=rows, columns=columns, arms=arms)
