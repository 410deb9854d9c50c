"""Changes of columns of answers in words: which drift, in which segments, and what of it is the mix."""

from __future__ import annotations

import math

from workbench.analysis.quality.columns import ALL, VERDICTS, ColumnChanges, MixChanges
from workbench.charts.tables import Table
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, count_text, ratio_text

#: Columns of the rows below that hold text.
COLUMN_TEXT = ("column", "kind", "segment", "test", "most moved", "verdict")

_ORDER = {"drift": 0, "small": 1, "not_enough": 2, "none": 3}


def _number(value: float, *, signed: bool = False) -> str:
    return NO_VALUE if not math.isfinite(value) else f"{value:+.4g}" if signed else f"{value:.4g}"


def column_rows(changes: Result) -> list[dict[str, str]]:
    """One row of text a column and segment: drifts first, then as they stand."""
    frame = changes.frame.assign(_order=changes.frame["verdict"].map(_ORDER)).sort_values("_order", kind="stable")
    return [
        {
            "column": str(row.column),
            "kind": "missing values" if row.kind == "missing" else str(row.kind),
            "segment": str(row.segment),
            "reference": _number(row.reference),
            "now": _number(row.current),
            "difference": _number(row.difference, signed=True),
            "interval": NO_VALUE if not math.isfinite(row.low) else f"{row.low:+.4g} to {row.high:+.4g}",
            "moved": ratio_text(row.moved, digits=1),
            "most moved": str(row.top) or NO_VALUE,
            "PSI": _number(row.psi),
            "JS": _number(row.jensen_shannon),
            "Wasserstein": _number(row.wasserstein),
            "n": f"{count_text(row.n_reference)} / {count_text(row.n_current)}",
            "test": str(row.test) or NO_VALUE,
            "p": NO_VALUE if not math.isfinite(row.p_adjusted) else f"{row.p_adjusted:.2g}",
            "verdict": VERDICTS[str(row.verdict)],
        }
        for row in frame.itertuples()
    ]


def mix_rows(mix: MixChanges) -> list[dict[str, str]]:
    """One row of text a column and segment, largest contribution first; ``all`` holds the sums."""
    return [
        {
            "column": str(row.column),
            "segment": str(row.segment),
            "share before": ratio_text(row.share_reference, digits=1),
            "share now": ratio_text(row.share_current, digits=1),
            "reference": _number(row.reference),
            "now": _number(row.current),
            "within": _number(row.within, signed=True),
            "mix": _number(row.mix, signed=True),
            "contribution": _number(row.contribution, signed=True),
        }
        for row in mix.frame.itertuples()
    ]


def column_sentence(changes: ColumnChanges, mix: MixChanges) -> str:
    """Say in a few sentences what drifts, in how many columns nothing was shown, and what was not judged.

    Examples
    --------
    >>> import numpy as np
    >>> from workbench.analysis.quality.columns import drift_of_columns
    >>> from workbench.analysis.quality.tally import numbers_tally
    >>> scores = np.repeat([1.0, 0.0, 1.0, 0.0], [80, 20, 50, 50])
    >>> tally = numbers_tally("score", scores, np.repeat([0, 1], 100))
    >>> result = drift_of_columns([tally], np.array([False, True]))
    >>> column_sentence(result.changes, result.mix)
    'score drifts: 0.8 to 0.5 (30.0 % of the answers moved, p 1.4e-05, n 100 and 100).'
    """
    whole = changes.frame[changes.frame["segment"] == ALL]
    parts = []
    for row in whole[whole["verdict"] == "drift"].itertuples():
        sizes = f"n {count_text(row.n_reference)} and {count_text(row.n_current)}"
        if row.kind == "missing":
            shares = f"{ratio_text(row.reference, digits=1)} to {ratio_text(row.current, digits=1)}"
            parts.append(f"Missing values of {row.column} drift: {shares} (p {row.p_adjusted:.2g}, {sizes}).")
            continue
        means = f": {_number(row.reference)} to {_number(row.current)}" if math.isfinite(row.reference) else ""
        moved = f"{ratio_text(row.moved, digits=1)} of the answers moved, p {row.p_adjusted:.2g}, {sizes}"
        parts.append(f"{row.column} drifts{means} ({moved}).")
    split = changes.frame[changes.frame["segment"] != ALL]
    silent = whole.loc[whole["verdict"] != "drift", ["column", "kind"]].agg(tuple, axis=1)
    alone = split[(split["verdict"] == "drift") & split[["column", "kind"]].agg(tuple, axis=1).isin(silent)]
    for row in alone.itertuples():
        what = f"Missing values of {row.column} drift" if row.kind == "missing" else f"{row.column} drifts"
        parts.append(f"{what} in segment {row.segment} only: {_number(row.reference)} to {_number(row.current)}.")
    for row in mix.frame[mix.frame["segment"] == ALL].itertuples():
        if row.contribution and row.within * row.contribution < 0:
            parts.append(
                f"{row.column} moves {_number(row.contribution, signed=True)}, but {_number(row.within, signed=True)} "
                "at the mix of the reference: the change lies in the mix of segments."
            )
    values = whole[whole["kind"] != "missing"]
    for verdict, text in (("none", "no drift shown"), ("small", "small changes"), ("not_enough", "not judged")):
        if count := int((values["verdict"] == verdict).sum()):
            parts.append(f"{text[0].upper()}{text[1:]} in {count} of {len(values)} columns.")
    return " ".join(parts)


def column_table(changes: Result) -> Table:
    """Table of :func:`column_rows` that renders itself."""
    caption = " ".join(changes.notes) if len(changes.frame) else "No score has a histogram or a table of answers."
    return Table(column_rows(changes), caption=caption, left=COLUMN_TEXT)
