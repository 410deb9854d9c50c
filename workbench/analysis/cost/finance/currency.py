"""Spend in several currencies as one, by the rate of the day it was spent on; never by today's."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import pandas as pd

from workbench.analysis.cost.ledger import Account, Periods, inside, known_amount
from workbench.analysis.counting.amounts import summed
from workbench.core.money import PRECISION, quantised, total
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

_CONTEXT = Context(prec=PRECISION)
_ONE = Decimal(1)

#: A rate holds for so many days after its own, as none is published at week-ends and on holidays. [d]
MAX_AGE = timedelta(days=5)

_COLUMNS = ["unit", "amount", "converted", "unconverted", "lowest", "highest", "before"]


@dataclass(frozen=True)
class RateBook:
    """Rates of currencies by day: what one unit of ``base`` is in ``quote``.

    Attributes
    ----------
    rates : mapping of (str, str) to list of (date, Decimal)
        By base and quote, the oldest first. [quote per base]
    source : str
        Said beside every amount that they made.
    """

    rates: Mapping[tuple[str, str], Sequence[tuple[date, Decimal]]]
    source: str = ""

    def rate(self, base: str, quote: str, day: date) -> Decimal | None:
        """Return the newest rate up to a day, at most :data:`MAX_AGE` old; None without one.

        Where only the opposite pair is quoted, one over its rate.

        Examples
        --------
        >>> book = RateBook({("EUR", "USD"): [(date(2026, 10, 1), Decimal("1.25"))]})
        >>> book.rate("EUR", "USD", date(2026, 10, 4)), book.rate("USD", "EUR", date(2026, 10, 1))
        (Decimal('1.25'), Decimal('0.8'))
        >>> book.rate("EUR", "USD", date(2026, 9, 30)), book.rate("EUR", "USD", date(2026, 10, 31))
        (None, None)
        """
        if base == quote:
            return _ONE
        own = self._newest((base, quote), day)
        if own is not None:
            return own
        opposite = self._newest((quote, base), day)
        return None if opposite is None else _CONTEXT.divide(_ONE, opposite)

    def _newest(self, pair: tuple[str, str], day: date) -> Decimal | None:
        known = self.rates.get(pair, ())
        place = bisect_right(known, day, key=lambda entry: entry[0])
        if not place or day - known[place - 1][0] > MAX_AGE:
            return None
        return known[place - 1][1]


@dataclass(frozen=True, eq=False, repr=False)
class ConvertedSpend(Result):
    """Spend of a period in one currency; one row a currency that was spent.

    Columns of ``frame``:

    =============== ======================================================================================
    unit            currency that was spent (str)
    amount          exact; None where nothing was observed (Decimal) [``unit``]
    converted       what of it has a rate, each day at its own; None where nothing has (Decimal) [``currency``]
    unconverted     what of it has no rate (Decimal) [``unit``]
    lowest, highest rate that was used; None without one (Decimal) [``currency`` per ``unit``]
    before          ``converted`` of the period before; None where a part of it has no rate (Decimal) [``currency``]
    =============== ======================================================================================

    ``source`` names the table of rates; ``currency`` is empty where none is set.
    """

    currency: str
    source: str
    period: TimeRange

    @property
    def whole(self) -> Decimal | None:
        """Spend of all currencies; None where one of them was not observed or has a day without a rate."""
        parts = list(self.frame["converted"])
        left = any(bool(amount) for amount in self.frame["unconverted"])
        return None if left or not parts or any(part is None for part in parts) else total(parts)


def read_rates(rows: Iterable[Mapping[str, Any]], *, source: str = "table") -> tuple[RateBook, list[str]]:
    """Read a table of rates: ``date, base, quote, rate``; one of ``base`` is ``rate`` of ``quote``.

    Returns
    -------
    book : RateBook
    notes : list of str
        Rows that cannot be used, and why; two rates of a pair on one day are both left out.

    Examples
    --------
    >>> rows = [{"date": "2026-10-01", "base": "eur", "quote": "usd", "rate": "1.1"}]
    >>> read_rates(rows)[0].rates
    {('EUR', 'USD'): [(datetime.date(2026, 10, 1), Decimal('1.1'))]}
    """
    rates_by_day: dict[tuple[str, str], dict[date, set[Decimal]]] = {}
    notes = []
    for number, row in enumerate(rows, start=1):
        try:
            day, rate = date.fromisoformat(str(row["date"]).strip()[:10]), Decimal(str(row["rate"]).strip())
        except (ValueError, InvalidOperation) as error:
            notes.append(f"Row {number} of the rates is left out: {error}.")
            continue
        base, quote = (str(row[name]).strip().upper() for name in ("base", "quote"))
        if not rate.is_finite() or rate <= 0 or not base or not quote:
            notes.append(f"Row {number} of the rates is left out: a rate is above 0 and between two currencies.")
            continue
        rates_by_day.setdefault((base, quote), {}).setdefault(day, set()).add(rate)
    rates = {}
    for pair, days in rates_by_day.items():
        twice = [day for day, values in days.items() if len(values) > 1]
        if twice:
            notes.append(f"{pair[0]} has two rates in {pair[1]} on {twice[0]} ({len(twice)} such days), left out.")
        rates[pair] = sorted((day, values.pop()) for day, values in days.items() if len(values) == 1)
    return RateBook(rates, source), notes


def converted_spend(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    book: RateBook,
    currency: str,
    *,
    zone: str,
    notes: Sequence[str] = (),
) -> ConvertedSpend:
    """Convert the spend of a period day by day.

    Parameters
    ----------
    ledger, seen, accounts, periods
        As for :func:`workbench.analysis.cost.spend.spend_totals`. [unit of the account]
    book : RateBook
        Rates by day.
    currency : str
        Currency of the result; empty converts nothing.
    zone : str
        IANA zone of the days.
    notes : sequence of str
        Said before those of this function.

    Returns
    -------
    ConvertedSpend

    Notes
    -----
    Amounts are rounded to twelve places once, after the sum. A day without a rate is in ``unconverted``, never at the
    rate of another time.
    """
    rows, remarks = [], list(notes)
    base = [account for account in accounts if account.measure == "cost" and account.added]
    for unit in dict.fromkeys(account.unit for account in base) if currency else ():
        part = ledger[ledger["role"].isin([account.role for account in base if account.unit == unit])]
        spent = known_amount(part, seen, periods.now)
        now, before = (
            _converted(inside(part, span), book, unit, currency, zone) for span in (periods.now, periods.before)
        )
        known = spent is not None
        old = known_amount(part, seen, periods.before)
        rows.append(
            {
                "unit": unit,
                "amount": spent,
                "converted": now.amount if known and (now.rates or not now.missing) else None,
                "unconverted": now.missing,
                "lowest": min(now.rates, default=None),
                "highest": max(now.rates, default=None),
                "before": None if old is None or before.missing else before.amount,
            }
        )
        if now.missing:
            days = "1 day" if len(now.days) == 1 else f"{len(now.days):,} days"
            remarks.append(
                f"{now.missing:,.2f} {unit} are not in the converted sum: {days} without a rate in {currency}, the "
                f"first is {min(now.days)}."
            )
    frame = pd.DataFrame(rows, columns=_COLUMNS, dtype=object)
    return ConvertedSpend(frame, notes=tuple(remarks), currency=currency, source=book.source, period=periods.now)


@dataclass(frozen=True)
class _Sum:
    amount: Decimal
    missing: Decimal
    days: tuple[date, ...]
    rates: tuple[Decimal, ...]


def _converted(part: pd.DataFrame, book: RateBook, unit: str, currency: str, zone: str) -> _Sum:
    days = part.assign(day=part["start"].dt.tz_convert(zone).dt.strftime("%Y-%m-%d")) if len(part) else part
    amount, missing, without, rates = Decimal(0), [], [], []
    for row in summed(days, ["day"]).to_dict(orient="records") if len(part) else ():
        day, spent = date.fromisoformat(str(row["day"])), Decimal(row["amount"])
        rate = book.rate(unit.upper(), currency, day)
        if rate is not None:
            amount = _CONTEXT.add(amount, _CONTEXT.multiply(spent, rate))
            rates.append(rate)
        elif spent:
            missing.append(spent)
            without.append(day)
    return _Sum(quantised(amount), total(missing), tuple(without), tuple(rates))
