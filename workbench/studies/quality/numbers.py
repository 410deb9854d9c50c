"""Scores written as numbers or words."""

from __future__ import annotations

import math

import pandas as pd

from workbench.core.errors import ParameterError

#: Words that stand for a score of 1 and of 0.
_WORDS = {"true": 1.0, "yes": 1.0, "pass": 1.0, "passed": 1.0, "false": 0.0, "no": 0.0, "fail": 0.0, "failed": 0.0}


def numbers(column: pd.Series, name: str) -> pd.Series:
    """Read scores; an empty one is NaN.

    Raises
    ------
    ParameterError
        A value is no number, with its row.
    """
    return pd.Series(
        [_number(value, row, name) for row, value in enumerate(column, start=1)], column.index, dtype=float
    )


def score_of(text: str) -> float:
    """Read one score; NaN where it is empty or no number."""
    try:
        return _number(text, 1, "score")
    except ParameterError:
        return math.nan


def _number(value: object, row: int, name: str) -> float:
    text = "" if value is None else str(value).strip()
    if text.lower() in ("", "nan", "none", "null"):
        return math.nan
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return float(text)
    except ValueError:
        raise ParameterError(
            f"{text[:40]!r} in row {row:,} of {name} is no number.", hint="Scores are numbers, true/false or pass/fail."
        ) from None
