"""Counts of sampled lines: the interval holds the truth as often as it says, and unknown rates give no share."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.logs.sampling import estimates, kept_share, share_of


def kept(*rows: tuple[str, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["value", "probability", "count"])


@pytest.mark.parametrize(
    ("mark", "share"),
    [("1/8", 0.125), ("1/1", 1.0), ("", 1.0), ("0.25", 0.25), ("20", 0.05), ("1", 1.0), ("1 / 4", 0.25)],
)
def test_a_mark_says_which_share_was_kept(mark: str, share: float) -> None:
    assert kept_share(mark) == share


@pytest.mark.parametrize("mark", ["tail", "1/0", "-1", "0", "nan", "1/x", "inf", "2/1"])
def test_a_mark_without_a_rate_is_unknown(mark: str) -> None:
    assert math.isnan(kept_share(mark))


def test_the_database_burst_of_the_issue_is_no_nine_tenths() -> None:
    counts = kept(("ERROR", 1 / 8, 398), ("INFO", 1 / 128, 43))
    frame = estimates(counts, by="severity").frame.set_index("value")
    assert frame.loc["ERROR", "estimate"] == 3184
    assert frame.loc["ERROR", "share"] == pytest.approx(3184 / 8688)
    assert frame.loc["INFO", "standard_error"] == pytest.approx(math.sqrt(43 * 127 / 128) * 128)
    share, low, high = share_of(counts, ("ERROR", "FATAL"), by="severity")
    assert low < 0.34 < share < high


def test_an_unknown_rate_gives_kept_lines_only() -> None:
    answer = estimates(kept(("ERROR", math.nan, 40), ("INFO", 0.5, 10)), by="severity")
    assert answer.frame["share"].isna().all()
    assert answer.frame.set_index("value").loc["INFO", "estimate"] == 20
    assert math.isnan(answer.frame.set_index("value").loc["ERROR", "estimate"])
    assert answer.unknown == 40
    assert "40 kept lines do not say" in answer.notes[0]
    assert all(map(math.isnan, share_of(kept(("ERROR", math.nan, 40), ("INFO", 0.5, 10)), ("ERROR",), by="x")))


def test_whole_counts_are_exact() -> None:
    frame = estimates(kept(("a", 1.0, 3), ("b", 1.0, 1)), by="x").frame
    assert frame[["estimate", "standard_error", "low", "high", "share"]].to_numpy().tolist() == [
        [3, 0, 3, 3, 0.75],
        [1, 0, 1, 1, 0.25],
    ]


def test_a_level_of_which_all_kept_lines_are_may_be_less_than_all_lines() -> None:
    frame = estimates(kept(("ERROR", 1 / 10, 50)), by="severity").frame
    assert frame[["share", "share_high"]].to_numpy().tolist() == [[1.0, 1.0]]
    assert frame["share_low"].iloc[0] == pytest.approx(1 - 28.43 / 528.43, abs=1e-4), "28 others: .9 ** 28.43 = .05"


def test_no_error_kept_is_no_proof_that_there_was_none() -> None:
    share, low, high = share_of(kept(("INFO", 1 / 10, 50)), ("ERROR",), by="severity")
    assert (share, low) == (0, 0)
    assert high == pytest.approx(28.43 / 528.43, abs=1e-4)
    assert share_of(kept(("INFO", 1.0, 50)), ("ERROR",), by="severity") == (0, 0, 0)


@pytest.mark.slow
def test_the_share_of_two_rates_is_inside_in_93_to_97_of_100_draws() -> None:
    rng = np.random.default_rng(7)
    inside = 0
    for _ in range(1000):
        drawn = kept(
            ("ERROR", 1 / 8, int(rng.binomial(3000, 1 / 8))), ("INFO", 1 / 128, int(rng.binomial(6000, 1 / 128)))
        )
        _, low, high = share_of(drawn, ("ERROR",), by="severity")
        inside += low <= 1 / 3 <= high
    assert 930 <= inside <= 970


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([1.0, 0.5, 0.1, 1 / 128]), st.integers(1, 500)), min_size=1
    )
)
def test_intervals_hold_the_estimate_and_shares_add_up(rows: list[tuple[str, float, int]]) -> None:
    frame = estimates(kept(*rows), by="x").frame
    assert frame["share"].sum() == pytest.approx(1)
    assert (frame["low"] <= frame["estimate"] + 1e-9).all()
    assert (frame["high"] >= frame["estimate"] - 1e-9).all()
    assert (frame["low"] >= frame["kept"] - 1e-9).all()
