"""What the capacity plan costs by quarter, as tables of text."""

from __future__ import annotations

from workbench.analysis.capacity.money import CapacityMoney
from workbench.charts.tables import Table
from workbench.core.result import Result
from workbench.core.units import count_text

#: Columns of the rows below that hold text.
TEXT = ("quarter",)

CAPTION = (
    "Limits are raised when they are reached with 10 %, to a size that lasts over the horizon; what is too large is "
    "made smaller now. Growth after the horizon is in no figure."
)


def money_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per quarter and currency: what raised limits add, what smaller ones save, and both together."""
    return [
        {
            "quarter": str(row.quarter),
            "raised limits": f"{row.added:+,.2f} {row.currency}",
            "smaller limits": f"{row.saved:+,.2f} {row.currency}",
            "together": f"{row.added + row.saved:+,.2f} {row.currency}",
            "levels raised": count_text(row.raised),
            "levels made smaller": count_text(row.smaller),
        }
        for row in result.frame.itertuples()
    ]


def money_table(result: Result) -> Table:
    """Table of :func:`money_rows` that renders itself, and says whose cost is not known."""
    return Table(money_rows(result), caption=f"{CAPTION} {unpriced_text(result)}".strip(), left=TEXT)


def unpriced_text(result: Result) -> str:
    """Name the levels of the plan without a cost, at most three of them."""
    names = result.unpriced if isinstance(result, CapacityMoney) else ()
    if not names:
        return ""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"Not in it, as no cost is stated (capacity: monthly_cost): {', '.join(names[:3])}{more}."
