"""Performance without labels: one set whose quality falls, one whose quality stays, and what cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest

from workbench.charts.quality.estimate_tables import estimate_sentence
from workbench.core.errors import ParameterError
from workbench.studies import Context
from workbench.studies.quality.estimate import PredictionColumns, performance_estimate
from workbench.studies.sources.unavailable import UnavailableSource

DATA = Path(__file__).parents[3] / "shared" / "datasets" / "nannyml_data"


@pytest.fixture
def context(context_over: Callable[..., Context]) -> Context:
    return context_over(UnavailableSource("none", "", ""))


def test_a_fall_is_alarmed_without_labels_and_labels_agree(
    context: Context, omit: Callable[[str], NoReturn], tmp_path: Path
) -> None:
    if not DATA.exists():
        omit("the predictions do not stand beside the checkout (shared/datasets/nannyml_data)")
    columns = PredictionColumns("y_pred_proba", "y_pred", "clf_target")
    before, now = (DATA / f"california_housing_{part}.csv" for part in ("reference", "analysis"))
    blind = performance_estimate(context, reference=before, now=now, columns=columns)
    assert blind.alarmed
    assert blind.frame.loc[blind.frame["part"] == "now", "realised"].isna().all()
    known = pd.read_csv(now).merge(pd.read_csv(DATA / "california_housing_analysis_gt.csv"), on="id")
    known.to_csv(tmp_path / "known.csv", index=False)
    seen = performance_estimate(context, reference=before, now=tmp_path / "known.csv", columns=columns)
    assert "With labels, accuracy went from 0.6703 to 0.5887." in estimate_sentence(seen).replace("0.6704", "0.6703")
    assert any("concept drift" in note for note in seen.notes)


@pytest.mark.slow
def test_a_model_that_stays_as_good_from_year_to_year_is_not_alarmed(
    context: Context, omit: Callable[[str], NoReturn]
) -> None:
    if not DATA.exists():
        omit("the predictions do not stand beside the checkout (shared/datasets/nannyml_data)")
    columns = PredictionColumns("predicted_probability", "prediction", "employed", chunk="year")
    files = [DATA / f"employment_MA_{part}.pq" for part in ("reference", "analysis")]
    assert not performance_estimate(context, reference=files[0], now=files[1], columns=columns).alarmed


def test_what_cannot_be_estimated_is_named(context: Context, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    rows = pd.DataFrame({"p": random.random(2_000), "y": random.integers(0, 2, 2_000)})
    rows = rows.assign(c=(rows["p"] > 0.5).astype(int))
    rows.to_csv(tmp_path / "good.csv", index=False)
    for name, change, words in (
        ("column", rows.rename(columns={"p": "q"}), "no column 'p'"),
        ("range", rows.assign(p=rows["p"] * 100), "is not between 0 and 1"),
        ("text", rows.assign(c="yes"), "no numbers"),
        ("class", rows.assign(y=1), "both classes"),
        ("few", rows.iloc[:300], "a band needs 6"),
    ):
        change.to_csv(tmp_path / f"{name}.csv", index=False)
        with pytest.raises(ParameterError, match=words):
            performance_estimate(
                context, reference=tmp_path / f"{name}.csv", now=tmp_path / "good.csv",
                columns=PredictionColumns("p", "c", "y"),
            )  # fmt: skip
