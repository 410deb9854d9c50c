"""Why spend moved between two periods: exact effects of volume, mix, tokens per request and price, item by item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

from workbench.analysis.cost.items import Amount, Item, item_labels, items_of, with_list_prices
from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.model_switches import model_switches
from workbench.analysis.cost.prices.book import PriceBook
from workbench.analysis.cost.sums import Sums
from workbench.core.money import quantised, total
from workbench.core.result import Result
from workbench.core.timerange import TimeRange
from workbench.core.units import label_text

__all__ = ["EFFECTS", "Item", "SpendDrivers", "cause_sentence", "effects", "spend_drivers"]

_EXACT = Context(prec=80)

#: Effects in the order of the waterfall, with what a reader is told.
EFFECTS = {
    "volume": "more or fewer requests or tokens in all",
    "mix": "requests or tokens moved between items of different cost",
    "model_switch": "a fifth or more of an owner's requests or tokens moved to another model",
    "tokens_per_request": "longer or shorter requests",
    "list_price": "the list price of an item changed",
    "price": "cost per token of an item, its mix of token classes included",
    "new": "items that the period before did not have",
    "retired": "items that the period no longer has",
    "unmeasured": "spend without tokens or requests",
}


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


def effects(
    before: Iterable[Item], now: Iterable[Item], labels: Sequence[str] = ()
) -> dict[str, dict[tuple[str, ...], Decimal]]:
    """Split the change of spend between two periods into effects by item.

    Parameters
    ----------
    before, now : iterable of Item
        Each name at most once, amounts as Decimal. [currency]
    labels : sequence of str
        What the parts of a name are; with ``model`` and a label of an owner (key, team, service), switches of models
        are an effect of their own.

    Returns
    -------
    dict
        Effect -> item -> amount; the sum of all is the sum of ``now`` less that of ``before``, to the last digit.

    Notes
    -----
    First, traffic that moved between the models of one owner is taken out
    (:func:`workbench.analysis.cost.model_switches.model_switches`). Then, over items that both periods have, with q the
    requests of an item (tokens where no requests are counted), Q their sum, c the cost of one: volume = (Q1 - Q0) / Q0
    times its spend before; mix = sum (q1 - q0 Q1 / Q0) c0; with t tokens per request and p cost per token, tokens per
    request = sum q1 (t1 - t0) p0, price = sum q1 t1 (p1 - p0): in this order, each at the prices of before until the
    last [1]_. Of the price, the part of the list price is the cost times 1 - L0 / L1, with L0 and L1 the tokens of now
    at list prices of before and of now. Fractions are exact; the remainder of rounding to twelve places goes to the
    largest amount.

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
    first, second = ({item.name: item for item in items} for items in (before, now))
    change = total(
        [*(_decimal(item.cost) for item in second.values()), *(-_decimal(account.cost) for account in first.values())]
    )
    shares: dict[str, dict[tuple[str, ...], Fraction]] = {effect: {} for effect in EFFECTS}
    counted = [item for name in first if name in second for item in (first[name], second[name])]
    by_requests = bool(counted) and all(item.requests for item in counted)

    def size(item: Item) -> Fraction:
        return Fraction((item.requests or 0) if by_requests else item.quantity)

    switched = model_switches(first, second, labels, size)
    shares["model_switch"], first, second = switched.amounts, switched.before, switched.now
    lasting = []
    for name in (name for name in first if name in second):
        old, new = first[name], second[name]
        if size(old) > 0 and size(new) > 0:
            lasting.append(name)
        elif new.cost != old.cost:
            shares["unmeasured"][name] = Fraction(new.cost) - Fraction(old.cost)
    for name, entry in second.items():
        if name not in first and entry.cost:
            shares["new"][name] = Fraction(entry.cost)
    for name, entry in first.items():
        if name not in second and entry.cost:
            shares["retired"][name] = -Fraction(entry.cost)
    _lasting(shares, [(first[name], second[name]) for name in lasting], size, by_requests=by_requests)
    return _rounded(shares, change)


def _decimal(amount: Amount) -> Decimal:
    if isinstance(amount, Decimal):
        return amount
    raise TypeError("the items of a period have decimal amounts")


def spend_drivers(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    book: PriceBook | None = None,
    *,
    sums: Sums | None = None,
) -> SpendDrivers:
    """Say why the spend of a period differs from that of the one before.

    Parameters
    ----------
    ledger, seen, accounts, periods
        As for :func:`workbench.analysis.cost.spend.spend_totals`. [unit of the account]
    book : PriceBook, optional
        Tells changes of list prices from other changes of the cost per token.
    sums : Sums, optional
        Those of ledger, seen and accounts, where they were made before.

    Returns
    -------
    SpendDrivers
        Without rows where one of the periods was not observed; a note says so.
    """
    sums = sums or Sums(ledger, seen, accounts)
    base = [account for account in accounts if account.added]
    tokens = [account for account in base if account.measure == "tokens"]
    requests = [account for account in base if account.measure == "requests"]
    rows: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    notes: list[str] = []
    labels: tuple[str, ...] = ()
    for unit in dict.fromkeys(account.unit for account in base if account.measure == "cost"):
        paid = [account for account in base if (account.measure, account.unit) == ("cost", unit)]
        money = [account.role for account in paid]
        unseen = [sums.known(money, span) is None for span in (periods.now, periods.before)]
        if any(unseen):
            which = "neither of the two periods was" if all(unseen) else "one of the two periods was not"
            notes.append(f"Why spend in {unit} moved is not known: {which} observed.")
            continue
        labels = item_labels(paid, tokens)
        by_request = [request for request in requests if labels and all(name in request.dimensions for name in labels)][
            :1
        ]
        parts = (paid, tokens if labels else [], by_request)
        before, now = (items_of(sums, parts, labels, span) for span in (periods.before, periods.now))
        if book is not None and tokens:
            before, now = with_list_prices(ledger, accounts, (before, now), labels, periods, book, unit)
        split = effects(before, now, labels)
        for effect, amounts in split.items():
            rows += [
                {"unit": unit, "effect": effect, "item": " / ".join(name), "amount": amount}
                for name, amount in sorted(amounts.items(), key=lambda pair: -abs(pair[1]))
            ]
        was, spent = (total(_decimal(item.cost) for item in items) for items in (before, now))
        change = total((spent, -was))
        cause = cause_sentence(split, labels, change, was, unit)
        moved.append({"unit": unit, "before": was, "amount": spent, "change": change, "cause": cause})
        notes += _owners_moved(sums, accounts, periods, unit, labels)
    frame = pd.DataFrame(rows, columns=["unit", "effect", "item", "amount"])
    totals = pd.DataFrame(moved, columns=["unit", "before", "amount", "change", "cause"])
    return SpendDrivers(
        frame, moved=totals, labels=labels, period=periods.now, before=periods.before, notes=tuple(notes)
    )


def _owners_moved(
    sums: Sums, accounts: Sequence[Account], periods: Periods, unit: str, labels: Sequence[str]
) -> list[str]:
    """Name the keys, teams or users whose spend moved most, where items are not told apart by them."""
    sentences = []
    for owner in (name for name in ("key", "team", "user", "owner") if name not in labels):
        money = (account for account in accounts if (account.measure, account.unit) == ("cost", unit))
        counted = next((account for account in money if owner in account.dimensions), None)
        spans = (periods.now, periods.before)
        if not counted or any(sums.known([counted.role], span) is None for span in spans):
            continue
        now, before = (
            {name: amount for (name,), amount in sums.by([owner], sums.rows([counted.role], span)).items()}
            for span in spans
        )
        nothing = Decimal(0)
        changes = {name: now.get(name, nothing) - before.get(name, nothing) for name in {**before, **now}}
        most = sorted(changes, key=lambda name: (-abs(changes[name]), str(name)))[:2]
        parts = [f"{name or '(not given)'} ({changes[name]:+,.2f} {unit})" for name in most if changes[name]]
        sentences += [f"By {label_text(owner)}, spend moved most for {' and '.join(parts)}."] if parts else []
    return sentences


def cause_sentence(
    split: Mapping[str, Mapping[tuple[str, ...], Decimal]],
    labels: Sequence[str],
    change: Decimal,
    before: Decimal,
    unit: str,
) -> str:
    """Name what moved spend most: a label that is new or no longer used, else an effect and its largest item.

    Examples
    --------
    >>> split = {"retired": {("gpt-4", "k1"): Decimal("-900"), ("gpt-4", "k2"): Decimal("-424.68")}}
    >>> cause_sentence(split, ("model", "key"), Decimal("-1324.68"), Decimal("8177.04"), "USD")
    'Spend fell by 1,324.68 USD (-16.2 %), mostly because model gpt-4 is no longer used (-1,324.68 USD).'
    """
    if not change:
        return "Spend did not change."
    share = f" ({change / before * 100:+.1f} %)" if before else ""
    head = f"Spend {'rose' if change > 0 else 'fell'} by {abs(change):,.2f} {unit}{share}"
    causes: list[tuple[Decimal, str]] = []
    for effect, words in (("new", "is new"), ("retired", "is no longer used")):
        amounts = split.get(effect, {})
        staying = {name for other, parts in split.items() if other not in ("new", "retired") for name in parts}
        for place, label in enumerate(labels):
            for value in dict.fromkeys(name[place] for name in amounts):
                if any(name[place] == value for name in staying):
                    continue
                amount = total(part for name, part in amounts.items() if name[place] == value)
                causes.append((amount, f"{label_text(label)} {value or '(not given)'} {words}"))
    for effect, text in EFFECTS.items():
        amounts = split.get(effect, {})
        if effect in ("new", "retired") or not amounts:
            continue
        most = max(amounts, key=lambda name: abs(amounts[name]))
        named = len(amounts) > 1 or effect in ("model_switch", "list_price")
        where = f" (most in {' / '.join(filter(None, most)) or 'all'})" if named else ""
        words = text if effect == "unmeasured" else f"{effect.replace('_', ' ')}: {text}"
        causes.append((total(amounts.values()), f"of {words}{where}"))
    same = [cause for cause in causes if (cause[0] > 0) == (change > 0) and cause[0]]
    if not same:
        return f"{head}."
    amount, cause = max(same, key=lambda effect: abs(effect[0]))
    return f"{head}, mostly because {cause} ({amount:+,.2f} {unit})."


def _lasting(
    shares: dict[str, dict[tuple[str, ...], Fraction]],
    pairs: Sequence[tuple[Item, Item]],
    size: Callable[[Item], Fraction],
    *,
    by_requests: bool,
) -> None:
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
        listed = _list_price(old, new)
        shares["list_price"][old.name] = listed
        shares["price"][old.name] = rest - listed


def _list_price(old: Item, new: Item) -> Fraction:
    """Cost of now that is there because list prices changed; 0 where a class has no price in one of the periods."""
    if not new.listed or not set(new.listed) <= set(old.listed):
        return Fraction(0)
    used = {name: Fraction(count) for name, (count, _) in new.listed.items()}
    now, then = (
        sum((used[name] * Fraction(item.listed[name][1]) for name in used), Fraction(0)) for item in (new, old)
    )
    return Fraction(new.cost) * (1 - then / now) if now > 0 else Fraction(0)


def _longer(old: Item, new: Item, name: str, growth: Fraction) -> Fraction:
    """Cost of the tokens of a class beyond those that the old length of requests would take, at the old price."""
    nothing = Decimal(0), Decimal(0)
    (used0, cost0), (used1, cost1) = (
        (Fraction(used), Fraction(cost)) for used, cost in (item.parts.get(name, nothing) for item in (old, new))
    )
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
