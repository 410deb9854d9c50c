"""Counts of sampled spans as a table of text."""

from __future__ import annotations

import math
from typing import Any

from workbench.charts.traces.tables import share_ends
from workbench.core.units import NO_VALUE, count_text, ratio_text


def count_rows(result: Any) -> list[dict[str, str]]:
    """One row of text per value: kept spans, estimate with interval and standard error, share with interval."""
    rows = []
    for row in result.frame.rename(columns={"count": "count_"}).itertuples():
        known = math.isfinite(row.count_)
        spans = f"{count_text(row.count_)} ({row.low:,.0f} to {row.high:,.0f})" if known else "refused"
        share = ratio_text(row.share, digits=2)
        share = f"{share} ({share_ends(row.share_low, row.share_high)})" if known else "refused"
        rows.append(
            {
                result.by: row.value or NO_VALUE,
                "kept": f"{row.kept:,}",
                "spans (95 %)": spans,
                "standard error": count_text(row.error) if known else NO_VALUE,
                "share (95 %)": share,
            }
        )
    return rows
