"""What providers invoiced against what the system metered, to the last digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost.finance.currency import RateBook
from workbench.analysis.cost.finance.invoice_lines import Invoice, invoices_of
from workbench.analysis.cost.ledger import Account
from workbench.analysis.cost.spend import COVERAGE_FLOOR
from workbench.analysis.counting.amounts import added
from workbench.core.money import quantised, total
from workbench.core.result import Result
from workbench.core.units import ratio_text

#: An invoice that is farther from the meter than this share of it differs, unless the settings say otherwise.
TOLERANCE = Decimal("0.01")

#: Distances from UTC at which a zone begins its day: the edges around an invoice that a cause is looked for at.
ZONE_SHIFTS = tuple(timedelta(minutes=30) * step for step in range(-24, 29))

#: A cause explains a difference that it leaves less than this part of.
EXPLAINED = Decimal("0.1")

#: A last day that is meant to be within an invoice adds this to its end.
LAST_DAY = timedelta(days=1)

_COLUMNS = ["provider", "start", "end", "currency", "invoiced", "tax", "metered", "difference", "share", "coverage",
            "verdict", "cause", "invoice_id"]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class InvoiceCheck(Result):
    """Invoices beside metered cost; one row per provider, period and currency, by period.

    Columns of ``frame``:

    ============ ==========================================================================================
    provider     as the invoice spells it, else as the counter does (str)
    start, end   what the invoice is for [UTC]
    currency     (str)
    invoiced     sum of its lines without taxes; None where a provider was metered and no invoice is known (Decimal)
    tax          sum of its lines that are taxes; None as above (Decimal)
    metered      exact increase of the cost counters of that provider; None where nothing counts it (Decimal)
    difference   invoiced - metered; None where one of them is (Decimal)
    share        difference / invoiced; NaN where there is none [ratio]
    coverage     observed share of the period [ratio]
    verdict      ``agrees``, ``differs``, ``observed too little``, ``not metered`` or ``no invoice`` (str)
    cause        of one that differs: repeated lines, a last day within it, another zone's midnight, time that was not
                 observed, or ``unexplained`` (str)
    invoice_id   numbers of the invoices of its lines, as far as they are given (str)
    ============ ==========================================================================================
    """

    as_of: datetime
    tolerance: Decimal = TOLERANCE


def invoice_check(
    lines: pd.DataFrame,
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    *,
    as_of: datetime,
    tolerance: Decimal = TOLERANCE,
    system: str = "",
    rates: RateBook | None = None,
    notes: Sequence[str] = (),
) -> InvoiceCheck:
    """Compare invoices with a ledger whose slices have edges wherever one of them begins or ends.

    Parameters
    ----------
    lines : DataFrame
        Lines of invoices, see :func:`workbench.analysis.cost.finance.invoice_lines.readable_lines`. [currency]
    ledger, seen : DataFrame
        As of :func:`workbench.studies.counting.ledger.read_ledger`, for these accounts; with edges at
        :data:`ZONE_SHIFTS` before those of the invoices and a day after their ends too, invoices cut at another zone's
        midnight and last days that are meant to be within are known as such.
    accounts : sequence of Account
        Counters of money, none a view of another.
    as_of : datetime
        Aware instant; an invoice for a time that is not over is left out, with a note.
    tolerance : Decimal
        Share of an invoice by which the meter may be off; beyond it they differ. [ratio]
    system : str
        The provider of what counters without that label count, as in the FOCUS export.
    rates : RateBook, optional
        Converts a meter in another currency, each slice at the rate of its day, with a note; slices should be days.
    notes : sequence of str
        Said before those of this function.

    Notes
    -----
    Providers are the same when they differ by case only. Without a rate of every day a counter in another currency does
    not meter the invoice. Nothing is called equal or different below 90 % of the period observed. Taxes are no
    part of what is compared, credits are.
    A cause is named where it leaves less than a tenth of the difference: lines that are in the table twice, one more
    day, the same days cut at the midnight of a zone (the one that leaves least), or more spend than was metered while a
    part of the time was not observed, if at most three times the mean rate fills it. Anything else is unexplained.

    References
    ----------
    .. [1] FinOps Foundation, FOCUS 1.2: a billed cost is reconciled per provider, billing period and currency.
    """
    over = lines[lines["end"] <= as_of]
    notices = list(notes)
    if len(over) < len(lines):
        early = len(lines) - len(over)
        what = "1 line of invoices is" if early == 1 else f"{early:,} lines of invoices are"
        notices.append(f"{what} for a time that is not over.")
    invoices, remarks = invoices_of(over)
    meter = _meter(ledger, accounts, system)
    rows: list[dict[str, Any]] = []
    for invoice in invoices:
        own = meter[(meter["who"] == invoice.who) & (meter["currency"] == invoice.currency)]
        looked = seen
        if own.empty and rates is not None:
            own, conversion = _in_currency(meter[meter["who"] == invoice.who], invoice, rates)
            remarks += conversion
            looked = seen[(seen["start"] >= invoice.start) & (seen["end"] <= invoice.end)]
        inside = own[(own["start"] >= invoice.start) & (own["end"] <= invoice.end)]
        metered = added(inside["amount"]) if len(inside) else None
        row = _row(invoice, metered, _observed(seen, invoice.start, invoice.end), tolerance)
        rows.append(row | {"cause": _cause(row, invoice, own, looked, as_of) if row["verdict"] == "differs" else ""})
    rows += _not_invoiced(invoices, meter, seen, tolerance, system)
    frame = pd.DataFrame(rows, columns=_COLUMNS).sort_values(["start", "end", "provider"], ignore_index=True)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    if frame["verdict"].isin(["agrees", "differs"]).any():
        percent = f"{(tolerance * 100).normalize():f} %"
        notices.append(
            f"An invoice agrees when it is within {percent} of the meter (cost.invoice_tolerance in the settings)."
        )
    return InvoiceCheck(frame, notes=(*notices, *remarks), as_of=as_of, tolerance=tolerance)


def _meter(ledger: pd.DataFrame, accounts: Sequence[Account], system: str) -> pd.DataFrame:
    """Amounts with provider and currency as invoices are compared with them."""
    units = {account.role: account.unit for account in accounts}
    names = (ledger["provider"] if "provider" in ledger else pd.Series("", ledger.index)).astype("str").fillna("")
    names = names.where(names.str.strip() != "", system)
    return ledger.assign(
        provider=names,
        currency=ledger["role"].astype("str").map(units).fillna("").astype("str").str.upper(),
        who=names.str.strip().str.casefold(),
    )


def _in_currency(rows: pd.DataFrame, invoice: Invoice, rates: RateBook) -> tuple[pd.DataFrame, list[str]]:
    """Convert the metered slices of an invoice; none where one of them has no rate."""
    inside = rows[(rows["start"] >= invoice.start) & (rows["end"] <= invoice.end)]
    days = [
        rates.rate(str(base), invoice.currency, start.date())
        for base, start in zip(inside["currency"], inside["start"], strict=True)
    ]
    known = [rate for rate in days if rate is not None]
    if not known or len(known) < len(days):
        return rows.iloc[:0], []
    amounts = [quantised(Decimal(amount) * rate) for amount, rate in zip(inside["amount"], known, strict=True)]
    bases = ", ".join(sorted(set(inside["currency"])))
    note = (
        f"What {invoice.provider} metered in {bases} is converted to {invoice.currency} day by day, at "
        f"{min(known):.6g} to {max(known):.6g} ({rates.source})."
    )
    return inside.assign(amount=amounts, currency=invoice.currency), [note]


def _not_invoiced(
    invoices: Sequence[Invoice], meter: pd.DataFrame, seen: pd.DataFrame, tolerance: Decimal, system: str
) -> list[dict[str, Any]]:
    """Return a row for each provider that was metered while others were invoiced, adjacent times in one."""
    open_: dict[tuple[str, str], Invoice] = {}
    rows = []
    for start, end in sorted({(invoice.start, invoice.end) for invoice in invoices}):
        inside = meter[(meter["start"] >= start) & (meter["end"] <= end)]
        for (who, currency), part in inside.groupby(["who", "currency"]):
            billed = any(invoice.who == who and invoice.overlaps(start, end) for invoice in invoices)
            if billed or who in ("", system.casefold()) or not added(part["amount"]):
                continue
            missing = open_.get((who, currency))
            if missing is None or start > missing.end:
                missing = open_[who, currency] = Invoice(str(part["provider"].iloc[0]), currency, start, end)
                rows.append(missing)
            missing.end = max(missing.end, end)
    metered = [
        added(
            meter.loc[
                (meter["who"] == missing.who)
                & (meter["currency"] == missing.currency)
                & (meter["start"] >= missing.start)
                & (meter["end"] <= missing.end),
                "amount",
            ]
        )
        for missing in rows
    ]
    return [
        _row(missing, amount, _observed(seen, missing.start, missing.end), tolerance)
        for missing, amount in zip(rows, metered, strict=True)
    ]


def _row(invoice: Invoice, metered: Decimal | None, coverage: float, tolerance: Decimal) -> dict[str, Any]:
    """Judge an invoice; one without lines is one that is missing."""
    invoiced, tax = (invoice.amount, total(invoice.taxes)) if invoice.amounts else (None, None)
    difference = total((invoiced, metered.copy_negate())) if invoiced is not None and metered is not None else None
    if invoiced is None:
        verdict = "no invoice"
    elif metered is None or difference is None:
        verdict = "not metered"
    elif coverage < COVERAGE_FLOOR:
        verdict = "observed too little"
    else:
        verdict = "differs" if abs(difference) > tolerance * abs(invoiced) else "agrees"
    share = float(difference / invoiced) if difference is not None and invoiced else np.nan
    head = (invoice.provider, invoice.start, invoice.end, invoice.currency, invoiced, tax, metered, difference)
    return dict(zip(_COLUMNS, (*head, share, coverage, verdict, "", ", ".join(invoice.ids)), strict=True))


def _cause(row: dict[str, Any], invoice: Invoice, own: pd.DataFrame, seen: pd.DataFrame, as_of: datetime) -> str:
    """Say why an invoice differs from the meter, where one cause explains it."""
    invoiced, difference, coverage = row["invoiced"], row["difference"], row["coverage"]
    explained = EXPLAINED * abs(difference)
    repeated = total(invoice.repeated)
    if repeated and abs(total((difference, -repeated))) < explained:
        lines = "1 line" if len(invoice.repeated) == 1 else f"{len(invoice.repeated):,} lines"
        return f"{lines} of {repeated:,.2f} {invoice.currency} in the table twice"
    edges = set(seen["start"]) | set(seen["end"])

    def left(start: datetime, end: datetime) -> Decimal | None:
        """Return the difference when the meter is read over another range; None where it was not read."""
        if not {start, end} <= edges or end > as_of or _observed(seen, start, end) < COVERAGE_FLOOR:
            return None
        metered = added(own.loc[(own["start"] >= start) & (own["end"] <= end), "amount"])
        return abs(total((invoiced, metered.copy_negate())))

    longer = left(invoice.start, invoice.end + LAST_DAY)
    if longer is not None and longer < explained:
        return 'its last day is within it: set ends = "inclusive"'
    shifts = {shift: left(invoice.start - shift, invoice.end - shift) for shift in ZONE_SHIFTS if shift}
    fits = {shift: rest for shift, rest in shifts.items() if rest is not None and rest < explained}
    if fits:
        return f"fits a cut at midnight of UTC{_offset_text(min(fits, key=lambda shift: (fits[shift], abs(shift))))}"
    if difference > 0 and 1 - coverage > 0 and float(difference) <= 3 * float(row["metered"]) * (1 / coverage - 1):
        return f"{ratio_text(1 - coverage, digits=1)} of the time was not observed"
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
