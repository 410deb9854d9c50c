"""What providers invoiced against what the system metered, to the last digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost.ledger import Account
from workbench.analysis.cost.spend import COVERAGE_FLOOR
from workbench.analysis.counting.amounts import added
from workbench.core.money import total
from workbench.core.result import Result

#: An invoice that is farther from the meter than this share of it differs, unless the settings say otherwise.
TOLERANCE = Decimal("0.01")

#: Distances from UTC at which a zone begins its day: the edges around an invoice that a cause is looked for at.
ZONE_SHIFTS = tuple(timedelta(minutes=30) * step for step in range(-24, 29))

#: A cause explains a difference that it leaves less than this part of.
EXPLAINED = Decimal("0.1")

_COLUMNS = ["provider", "start", "end", "currency", "invoiced", "metered", "difference", "share", "coverage", "verdict",
            "cause"]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class InvoiceCheck(Result):
    """Invoices beside metered cost; one row per provider, period and currency, by period.

    Columns of ``frame``:

    ============ ==========================================================================================
    provider     as the invoice spells it, else as the counter does (str)
    start, end   what the invoice is for [UTC]
    currency     (str)
    invoiced     sum of its lines; None where a provider was metered and no invoice is known (Decimal)
    metered      exact increase of the cost counters of that provider; None where nothing counts it (Decimal)
    difference   invoiced - metered; None where one of them is (Decimal)
    share        difference / invoiced; NaN where there is none [ratio]
    coverage     observed share of the period [ratio]
    verdict      ``agrees``, ``differs``, ``observed too little``, ``not metered`` or ``no invoice`` (str)
    cause        of one that differs: another zone's midnight, time that was not observed, or ``unexplained`` (str)
    ============ ==========================================================================================
    """

    as_of: datetime
    tolerance: Decimal = TOLERANCE


def invoice_check(
    invoices: pd.DataFrame,
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    *,
    as_of: datetime,
    tolerance: Decimal = TOLERANCE,
    notes: Sequence[str] = (),
) -> InvoiceCheck:
    """Compare invoices with a ledger whose slices have edges wherever one of them begins or ends.

    Parameters
    ----------
    invoices : DataFrame
        ``provider``, ``start``, ``end`` [UTC], ``amount`` (Decimal), ``currency``; lines of one invoice are added.
    ledger, seen : DataFrame
        As of :func:`workbench.studies.counting.ledger.read_ledger`, for these accounts; with edges at
        :data:`ZONE_SHIFTS` before those of the invoices too, invoices cut at another zone's midnight are known as such.
    accounts : sequence of Account
        Counters of money with the dimension ``provider``, none a view of another.
    as_of : datetime
        Aware instant; an invoice for a time that is not over is left out, with a note.
    tolerance : Decimal
        Share of an invoice by which the meter may be off; beyond it they differ. [ratio]
    notes : sequence of str
        Said before those of this function.

    Notes
    -----
    Providers are the same when they differ by case only. Currencies are never converted: a counter in another currency
    does not meter the invoice. Nothing is called equal or different below 90 % of the period observed.
    A cause is named where it leaves less than a tenth of the difference: the same days cut at the midnight of a zone
    (the one that leaves least), or more spend than was metered while a part of the time was not observed, if at most
    three times the mean rate fills it. Anything else is unexplained.

    References
    ----------
    .. [1] FinOps Foundation, FOCUS 1.2: a billed cost is reconciled per provider, billing period and currency.
    """
    over = invoices[invoices["end"] <= as_of].assign(currency=lambda frame: frame["currency"].astype("str").str.upper())
    told = list(notes)
    if len(over) < len(invoices):
        early = len(invoices) - len(over)
        said = "1 line of invoices is" if early == 1 else f"{early:,} lines of invoices are"
        told.append(f"{said} for a time that is not over.")
    units = {one.role: one.unit for one in accounts}
    names = ledger["provider"] if "provider" in ledger else pd.Series("", ledger.index)
    meter = ledger.assign(
        provider=names.astype("str"),
        currency=ledger["role"].astype("str").map(units).fillna("").astype("str").str.casefold(),
        who=names.astype("str").str.strip().str.casefold(),
    )
    rows: list[dict[str, Any]] = []
    keys = [over["provider"].astype("str").str.strip().str.casefold(), over["start"], over["end"], over["currency"]]
    for (who, start, end, currency), lines in over.groupby(keys, sort=False):
        inside = meter[(meter["start"] >= start) & (meter["end"] <= end) & (meter["currency"] == currency.casefold())]
        mine = inside[inside["who"] == who]
        metered = added(mine["amount"]) if len(mine) else None
        share = _observed(seen, start, end)
        row = _row(lines["provider"].iloc[0], start, end, currency, total(lines["amount"]), metered, share, tolerance)
        own = meter[(meter["who"] == who) & (meter["currency"] == currency.casefold())]
        rows.append(row | {"cause": _cause(row, own, seen, as_of) if row["verdict"] == "differs" else ""})
    billed = {(row["provider"].strip().casefold(), row["start"], row["end"]) for row in rows}
    for start, end in dict.fromkeys((row["start"], row["end"]) for row in rows):
        inside = meter[(meter["start"] >= start) & (meter["end"] <= end) & (meter["who"] != "")]
        for (who, currency), part in inside.groupby(["who", "currency"]):
            amount = added(part["amount"])
            if amount and (who, start, end) not in billed:
                name = str(part["provider"].iloc[0])
                rows.append(
                    _row(name, start, end, currency.upper(), None, amount, _observed(seen, start, end), tolerance)
                )
    frame = pd.DataFrame(rows, columns=_COLUMNS).sort_values(["start", "end", "provider"], ignore_index=True)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    if frame["verdict"].isin(["agrees", "differs"]).any():
        percent = f"{(tolerance * 100).normalize():f} %"
        told.append(
            f"An invoice agrees when it is within {percent} of the meter (cost.invoice_tolerance in the settings)."
        )
    return InvoiceCheck(frame, notes=tuple(told), as_of=as_of, tolerance=tolerance)


def _row(
    provider: str,
    start: datetime,
    end: datetime,
    currency: str,
    invoiced: Decimal | None,
    metered: Decimal | None,
    coverage: float,
    tolerance: Decimal,
) -> dict[str, Any]:
    both = invoiced is not None and metered is not None
    difference = total((invoiced, metered.copy_negate())) if invoiced is not None and metered is not None else None
    if invoiced is None:
        verdict = "no invoice"
    elif metered is None:
        verdict = "not metered"
    elif coverage < COVERAGE_FLOOR:
        verdict = "observed too little"
    else:
        verdict = "differs" if abs(invoiced - metered) > tolerance * abs(invoiced) else "agrees"
    share = float(difference / invoiced) if both and difference is not None and invoiced else np.nan
    values = (provider, start, end, currency, invoiced, metered, difference, share, coverage, verdict, "")
    return dict(zip(_COLUMNS, values, strict=True))


def _cause(row: dict[str, Any], own: pd.DataFrame, seen: pd.DataFrame, as_of: datetime) -> str:
    """Say why an invoice differs from the meter, where one cause explains it."""
    invoiced, difference, coverage = row["invoiced"], row["difference"], row["coverage"]
    edges = set(seen["start"]) | set(seen["end"])
    left: dict[timedelta, Decimal] = {}
    for shift in ZONE_SHIFTS:
        start, end = row["start"] - shift, row["end"] - shift
        if shift and {start, end} <= edges and end <= as_of and _observed(seen, start, end) >= COVERAGE_FLOOR:
            metered = added(own.loc[(own["start"] >= start) & (own["end"] <= end), "amount"])
            left[shift] = abs(total((invoiced, metered.copy_negate())))
    nearest = min(left, key=lambda shift: (left[shift], abs(shift)), default=None)
    if nearest is not None and left[nearest] < EXPLAINED * abs(difference):
        return f"cut at midnight of UTC{_offset_text(nearest)}"
    if difference > 0 and 1 - coverage > 0 and float(difference) <= 3 * float(row["metered"]) * (1 / coverage - 1):
        return f"{1 - coverage:.1%} of the time was not observed"
    return "unexplained"


def _offset_text(shift: timedelta) -> str:
    minutes = int(abs(shift).total_seconds()) // 60
    return f"{'-' if shift < timedelta(0) else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def _observed(seen: pd.DataFrame, start: datetime, end: datetime) -> float:
    """Observed share of a range, of the counter that was seen least."""
    part = seen[(seen["start"] >= start) & (seen["end"] <= end)]
    if part.empty:
        return 0.0
    lengths = (part["end"] - part["start"]).dt.total_seconds()
    shares = (part["covered"] * lengths).groupby(part["role"]).sum() / lengths.groupby(part["role"]).sum()
    return float(shares.min())
