"""Why spend moved between two periods: exact effects of volume, mix, tokens per request and price, item by item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

from workbench.analysis.cost.ledger import Account, Periods, inside, known_amount
from workbench.analysis.counting.amounts import added, summed
from workbench.core.money import quantised, total
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

_EXACT = Context(prec=80)

#: Effects in the order of the waterfall, with what a reader is told.
EFFECTS = {
    "volume": "more or fewer requests or tokens in all",
    "mix": "requests or tokens moved between items of different cost",
    "tokens_per_request": "longer or shorter requests",
    "price": "cost per token of an item, its mix of token classes included",
    "new": "items that the period before did not have",
    "retired": "items that the period no longer has",
    "unmeasured": "spend without tokens or requests",
}

#: Labels that make an item, where both spend and tokens have them.
ITEM_LABELS = ("system", "provider", "model", "key", "team", "service")


@dataclass(frozen=True)
class Item:
    """One thing that is paid for, in one period.

    Attributes
    ----------
    name : tuple of str
        Values of the labels.
    cost : Decimal
        [currency]
    quantity : Decimal
        Tokens; 0 where none are counted. [tokens]
    requests : Decimal or None
        Where they are counted by the same labels. [requests]
    classes : mapping of str to (Decimal, Decimal)
        Tokens and cost by class of tokens, where they are priced apart; they add up to ``quantity`` and ``cost``.
    """

    name: tuple[str, ...]
    cost: Decimal
    quantity: Decimal
    requests: Decimal | None = None
    classes: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    @property
    def parts(self) -> Mapping[str, tuple[Decimal, Decimal]]:
        """Classes, or all tokens as one class."""
        return self.classes or {"": (self.quantity, self.cost)}


@dataclass(frozen=True, eq=False, repr=False)
class SpendDrivers(Result):
    """Effects by item; over all rows of a currency ``amount`` adds up to the change of its spend exactly.

    Columns of ``frame``:

    ========= ==================================================================================
    unit      currency (str)
    effect    one of :data:`EFFECTS` (str)
    item      values of the labels, joined by `` / `` (str)
    amount    (Decimal) [``unit``]
    ========= ==================================================================================

    ``moved`` is one row a currency: ``unit, before, amount, change`` and ``cause``, one sentence.
    """

    moved: pd.DataFrame
    labels: tuple[str, ...]
    period: TimeRange
    before: TimeRange

    def steps(self, unit: str) -> pd.DataFrame:
        """Return the effects of a currency that are not zero: ``effect, amount, item``, the item that moved most."""
        rows = []
        for effect in EFFECTS:
            part = self.frame[(self.frame["unit"] == unit) & (self.frame["effect"] == effect)]
            if amount := total(part["amount"]):
                rows.append({"effect": effect, "amount": amount, "item": part["item"].iloc[0]})
        return pd.DataFrame(rows, columns=["effect", "amount", "item"])


def effects(before: Iterable[Item], now: Iterable[Item]) -> dict[str, dict[tuple[str, ...], Decimal]]:
    """Split the change of spend between two periods into effects by item.

    Parameters
    ----------
    before, now : iterable of Item
        Each name at most once. [currency]

    Returns
    -------
    dict
        Effect -> item -> amount; the sum of all is the sum of ``now`` less that of ``before``, to the last digit.

    Notes
    -----
    Over items that both periods have, with q the requests of an item (tokens where no requests are counted), Q their
    sum, c the cost of one: volume = (Q1 - Q0) / Q0 times its spend before; mix = sum (q1 - q0 Q1 / Q0) c0; with t
    tokens per request and p cost per token, tokens per request = sum q1 (t1 - t0) p0, price = sum q1 t1 (p1 - p0): in
    this order, each at the prices of before until the last [1]_. Fractions are exact; the remainder of
    rounding to twelve places goes to the largest amount.

    References
    ----------
    .. [1] C. T. Horngren et al., Cost Accounting, price, mix and quantity variances.

    Examples
    --------
    >>> before = [Item(("A",), Decimal(1000), Decimal(100)), Item(("B",), Decimal(200), Decimal(100))]
    >>> now = [Item(("A",), Decimal(640), Decimal(80)), Item(("B",), Decimal(550), Decimal(220))]
    >>> {effect: int(sum(parts.values())) for effect, parts in effects(before, now).items() if parts}
    {'volume': 600, 'mix': -560, 'price': -50}
    """
    first, second = ({one.name: one for one in items} for items in (before, now))
    shares: dict[str, dict[tuple[str, ...], Fraction]] = {effect: {} for effect in EFFECTS}
    both = [name for name in first if name in second]
    counted = [one for name in both for one in (first[name], second[name])]
    by_requests = bool(counted) and all(one.requests for one in counted)
    lasting = []
    for name in both:
        old, new = first[name], second[name]
        sizes = [one.requests if by_requests else one.quantity for one in (old, new)]
        if all(size is not None and size > 0 for size in sizes):
            lasting.append(name)
        elif new.cost != old.cost:
            shares["unmeasured"][name] = Fraction(new.cost) - Fraction(old.cost)
    for name, one in second.items():
        if name not in first and one.cost:
            shares["new"][name] = Fraction(one.cost)
    for name, one in first.items():
        if name not in second and one.cost:
            shares["retired"][name] = -Fraction(one.cost)
    _lasting(shares, [(first[name], second[name]) for name in lasting], by_requests=by_requests)
    change = total([*(one.cost for one in second.values()), *(-one.cost for one in first.values())])
    return _rounded(shares, change)


def spend_drivers(
    ledger: pd.DataFrame, seen: pd.DataFrame, accounts: Sequence[Account], periods: Periods
) -> SpendDrivers:
    """Say why the spend of a period differs from that of the one before.

    Parameters
    ----------
    ledger, seen, accounts, periods
        As for :func:`workbench.analysis.cost.spend.spend_totals`. [unit of the account]

    Returns
    -------
    SpendDrivers
        Without rows where one of the periods was not observed; a note says so.
    """
    base = [one for one in accounts if one.added]
    tokens = [one for one in base if one.measure == "tokens"]
    requests = [one for one in base if one.measure == "requests"]
    rows: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    notes: list[str] = []
    labels: tuple[str, ...] = ()
    for unit in dict.fromkeys(one.unit for one in base if one.measure == "cost"):
        paid = [one for one in base if (one.measure, one.unit) == ("cost", unit)]
        money = ledger[ledger["role"].isin([one.role for one in paid])]
        if any(known_amount(money, seen, span) is None for span in (periods.now, periods.before)):
            notes.append(f"Why spend in {unit} moved is not known: one of the two periods was not observed.")
            continue
        labels = _labels(paid, tokens)
        by_request = [one for one in requests if labels and all(name in one.dimensions for name in labels)][:1]
        parts = (paid, tokens if labels else [], by_request)
        before, now = (_items(ledger, parts, labels, span) for span in (periods.before, periods.now))
        split = effects(before, now)
        for effect, amounts in split.items():
            rows += [
                {"unit": unit, "effect": effect, "item": " / ".join(name), "amount": amount}
                for name, amount in sorted(amounts.items(), key=lambda pair: -abs(pair[1]))
            ]
        sums = [total(one.cost for one in items) for items in (before, now)]
        change = total((sums[1], -sums[0]))
        cause = cause_sentence(split, labels, change, sums[0], unit)
        moved.append({"unit": unit, "before": sums[0], "amount": sums[1], "change": change, "cause": cause})
    frame = pd.DataFrame(rows, columns=["unit", "effect", "item", "amount"])
    totals = pd.DataFrame(moved, columns=["unit", "before", "amount", "change", "cause"])
    return SpendDrivers(
        frame, moved=totals, labels=labels, period=periods.now, before=periods.before, notes=tuple(notes)
    )


def cause_sentence(
    split: Mapping[str, Mapping[tuple[str, ...], Decimal]],
    labels: Sequence[str],
    change: Decimal,
    before: Decimal,
    unit: str,
) -> str:
    """Name what moved spend most: a label that came or left, else an effect and its largest item.

    Examples
    --------
    >>> split = {"retired": {("gpt-4", "k1"): Decimal("-900"), ("gpt-4", "k2"): Decimal("-424.68")}}
    >>> cause_sentence(split, ("model", "key"), Decimal("-1324.68"), Decimal("8177.04"), "USD")
    'Spend fell by 1,324.68 USD (-16.2 %), mostly because model gpt-4 left (-1,324.68 USD).'
    """
    if not change:
        return "Spend did not change."
    share = f" ({change / before * 100:+.1f} %)" if before else ""
    head = f"Spend {'rose' if change > 0 else 'fell'} by {abs(change):,.2f} {unit}{share}"
    causes: list[tuple[Decimal, str]] = []
    for effect, words in (("new", "is new"), ("retired", "left")):
        amounts = split.get(effect, {})
        staying = {name for other, parts in split.items() if other not in ("new", "retired") for name in parts}
        for place, label in enumerate(labels):
            for value in dict.fromkeys(name[place] for name in amounts):
                if any(name[place] == value for name in staying):
                    continue
                amount = total(part for name, part in amounts.items() if name[place] == value)
                causes.append((amount, f"{label} {value or '(not given)'} {words}"))
    for effect, said in EFFECTS.items():
        amounts = split.get(effect, {})
        if effect in ("new", "retired") or not amounts:
            continue
        most = max(amounts, key=lambda name: abs(amounts[name]))
        where = f" (most in {' / '.join(filter(None, most)) or 'all'})" if len(amounts) > 1 else ""
        causes.append((total(amounts.values()), f"of {effect.replace('_', ' ')}: {said}{where}"))
    same = [one for one in causes if (one[0] > 0) == (change > 0) and one[0]]
    if not same:
        return f"{head}."
    amount, cause = max(same, key=lambda one: abs(one[0]))
    return f"{head}, mostly because {cause} ({amount:+,.2f} {unit})."


def _labels(paid: Sequence[Account], tokens: Sequence[Account]) -> tuple[str, ...]:
    """Labels of items: those that all tokens have and some spend, else those that some spend has."""
    spent = {name for one in paid for name in one.dimensions}
    shared = [name for name in ITEM_LABELS if name in spent and all(name in one.dimensions for one in tokens)]
    return tuple(shared or [name for name in ITEM_LABELS if name in spent])


def _items(
    ledger: pd.DataFrame, parts: Sequence[Sequence[Account]], labels: Sequence[str], span: TimeRange
) -> list[Item]:
    """Items of a period; spend without any of the labels is an item under its counter's title."""
    nothing = Decimal(0)
    sums: list[dict[tuple[str, ...], Decimal]] = []
    for accounts in parts:
        amounts: dict[tuple[str, ...], Decimal] = {}
        for one in accounts:
            rows = inside(ledger[ledger["role"] == one.role], span)
            own = [name for name in labels if name in one.dimensions]
            if not own:
                name = (one.title, *[""] * (len(labels) - 1))
                amounts[name] = total([amounts.get(name, nothing), added(rows["amount"])])
                continue
            totals = summed(rows, own)
            for values in totals.itertuples(index=False):
                name = tuple(str(getattr(values, label)) if label in own else "" for label in labels)
                amounts[name] = total([amounts.get(name, nothing), values.amount])
        sums.append(amounts)
    costs, tokens, requests = sums
    used = (name for name in {**costs, **tokens} if costs.get(name, nothing) or tokens.get(name, nothing))
    return [
        Item(name, costs.get(name, nothing), tokens.get(name, nothing), requests.get(name) if requests else None)
        for name in used
    ]


def _lasting(
    shares: dict[str, dict[tuple[str, ...], Fraction]], pairs: Sequence[tuple[Item, Item]], *, by_requests: bool
) -> None:
    def size(one: Item) -> Fraction:
        return Fraction((one.requests or Decimal(0)) if by_requests else one.quantity)

    whole0, whole1 = (sum((size(pair[side]) for pair in pairs), Fraction(0)) for side in (0, 1))
    for old, new in pairs:
        q0, q1 = size(old), size(new)
        each0 = Fraction(old.cost) / q0
        shares["volume"][old.name] = (whole1 - whole0) * Fraction(old.cost) / whole0
        shares["mix"][old.name] = (q1 - q0 * whole1 / whole0) * each0
        rest = Fraction(new.cost) - each0 * q1
        if by_requests and old.quantity and new.quantity:
            longer = sum((_longer(old, new, name, q1 / q0) for name in {**old.parts, **new.parts}), Fraction(0))
            shares["tokens_per_request"][old.name] = longer
            rest -= longer
        shares["price"][old.name] = rest


def _longer(old: Item, new: Item, name: str, growth: Fraction) -> Fraction:
    """Cost of the tokens of a class beyond those that the old length of requests would take, at the old price."""
    nothing = Decimal(0), Decimal(0)
    (used0, cost0), (used1, cost1) = (tuple(map(Fraction, one.parts.get(name, nothing))) for one in (old, new))
    return cost0 / used0 * (used1 - used0 * growth) if used0 else cost1


def _rounded(
    shares: Mapping[str, Mapping[tuple[str, ...], Fraction]], change: Decimal
) -> dict[str, dict[tuple[str, ...], Decimal]]:
    rounded = {
        effect: {
            name: quantised(_EXACT.divide(Decimal(amount.numerator), Decimal(amount.denominator)))
            for name, amount in parts.items()
            if amount
        }
        for effect, parts in shares.items()
    }
    every = [(effect, name) for effect, parts in rounded.items() for name in parts]
    if every:
        lost = total([change, *(-rounded[effect][name] for effect, name in every)])
        effect, name = max(every, key=lambda pair: abs(rounded[pair[0]][pair[1]]))
        rounded[effect][name] = total((rounded[effect][name], lost))
    return rounded
