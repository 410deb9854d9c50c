"""A comparison of two models or variants in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from workbench.analysis.quality.compare import VERDICTS, ModelComparison
from workbench.core.units import NO_VALUE

#: Columns of the rows below that hold text.
COMPARISON_TEXT = ("metric", "segment", "test", "verdict")


def comparison_rows(comparison: ModelComparison) -> list[dict[str, str]]:
    """One row of text a metric and segment, with the interval of the difference."""
    first, second = comparison.arms
    return [
        {
            "metric": str(row.metric),
            "segment": str(row.segment),
            first: _number(row.first),
            second: _number(row.second),
            "difference": _number(row.difference, signed=True),
            "interval": NO_VALUE if not math.isfinite(row.low) else f"{row.low:+.4g} to {row.high:+.4g}",
            "relative": NO_VALUE if not math.isfinite(row.relative) else f"{100 * row.relative:+.1f} %",
            "n": f"{row.n_first:,} / {row.n_second:,}",
            "p": NO_VALUE if not math.isfinite(row.p) else f"{row.p:.2g}",
            "test": str(row.test) or NO_VALUE,
            "verdict": VERDICTS[str(row.verdict)],
        }
        for row in comparison.frame.itertuples()
    ]


def _number(value: float, *, signed: bool = False) -> str:
    return NO_VALUE if not math.isfinite(value) else f"{value:+.4g}" if signed else f"{value:.4g}"


def comparison_sentence(comparison: ModelComparison) -> str:
    """Say the verdict over all in one sentence, with its numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from workbench.analysis.quality.compare import Columns, compare_arms
    >>> rows = pd.DataFrame({"model": ["a", "b"] * 40, "score": [1.0, 0.0, 1.0, 1.0] * 20})
    >>> comparison_sentence(compare_arms(rows, Columns("model", "score"), ("a", "b")))
    'b scores lower than a: 0.5000 against 1.0000, difference -0.5000 (95 % interval -0.6619 to -0.3381, n 40 and 40).'
    """
    row: Mapping[str, Any] = comparison.frame.iloc[0].to_dict()
    first, second = comparison.arms
    sizes = f"n {row['n_first']:,} and {row['n_second']:,}"
    level = f"{100 * (1 - comparison.alpha):g} % interval"
    numbers = f"{row['second']:.4f} against {row['first']:.4f}"
    numbers += f", difference {row['difference']:+.4f} ({level} {row['low']:+.4f} to {row['high']:+.4f}, {sizes})."
    match row["verdict"]:
        case "not_comparable":
            return f"{first} and {second} cannot be compared: the sample ratio is not the expected one ({sizes})."
        case "not_enough":
            return f"{first} and {second} cannot be compared: fewer than two scores ({sizes})."
        case "higher" | "lower":
            return f"{second} scores {row['verdict']} than {first}: {numbers}"
        case "equal":
            return f"{second} and {first} are shown equal within {comparison.margin:g}: {numbers}"
        case "not_worse":
            return f"{second} is not worse than {first} by more than {comparison.margin:g}: {numbers}"
    return f"No difference is shown between {second} and {first}; they may still differ: {numbers}"
