"""Traffic of an owner that moved to another model between two periods, taken out before the rest is explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from workbench.analysis.cost.items import Item

#: Labels that say which model; the others of an item say whose traffic it is.
MODEL_LABELS = ("provider", "model")

#: Share of an owner's traffic that must move for it to be a switch of models and not a change of mix. [ratio]
LEAST_MOVED = Fraction(1, 5)

Items = Mapping[tuple[str, ...], Item]
Size = Callable[[Item], Fraction]


@dataclass(frozen=True)
class Switches:
    """What a switch of models cost, and what is left of both periods without it.

    Attributes
    ----------
    amounts : dict
        Owner with ``old → new`` in place of the model -> effect. [currency]
    before, now : dict
        Items without the traffic that moved.
    """

    amounts: dict[tuple[str, ...], Fraction]
    before: dict[tuple[str, ...], Item]
    now: dict[tuple[str, ...], Item]


def model_switches(before: Items, now: Items, labels: Sequence[str], size: Size) -> Switches:
    """Take out of two periods what moved between the models of one owner.

    Parameters
    ----------
    before, now : mapping
        Items by name. [currency]
    labels : sequence of str
        What the parts of a name are; without ``model`` and another label beside it nothing is taken out.
    size : callable
        Requests or tokens of an item; 0 where they are not counted. [count]

    Returns
    -------
    Switches
        ``amounts`` and the change of what is left add up to the whole change exactly.

    Notes
    -----
    Of each owner (key, team, service: all labels but provider and model), the models that lost traffic and those that
    gained it: what moved is the smaller of both sums. Where it is a fifth of the owner's traffic before or more, the
    moved part costs what it costs on the models that gained less what it cost on those that lost.
    """
    first, second = dict(before), dict(now)
    amounts: dict[tuple[str, ...], Fraction] = {}
    if "model" not in labels or all(label in MODEL_LABELS for label in labels):
        return Switches(amounts, first, second)
    owners: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for name in {**before, **now}:
        owners.setdefault(_owner(name, labels), []).append(name)
    for names in owners.values():
        sizes = {name: (size(before[name]) if name in before else _NONE, size(now[name]) if name in now else _NONE)
                 for name in names}  # fmt: skip
        lost = {name: old - new for name, (old, new) in sizes.items() if old > new and (new or name not in now)}
        gained = {name: new - old for name, (old, new) in sizes.items() if new > old and (old or name not in before)}
        moved = min(sum(lost.values(), _NONE), sum(gained.values(), _NONE))
        if not moved or moved < LEAST_MOVED * sum((old for old, _ in sizes.values()), _NONE):
            continue
        amount = _NONE
        for items, sign, parts in ((first, -1, lost), (second, 1, gained)):
            whole = sum(parts.values(), _NONE)
            for name, part in parts.items():
                share = part * moved / whole / sizes[name][0 if sign < 0 else 1]
                amount += sign * share * Fraction(items[name].cost)
                items[name] = _scaled(items[name], 1 - share)
                if share == 1:
                    del items[name]
        largest = [max(parts, key=lambda name: parts[name]) for parts in (lost, gained)]
        amounts[_labels_of(largest[0], largest[1], labels)] = amount
    return Switches(amounts, first, second)


_NONE = Fraction(0)


def _owner(name: tuple[str, ...], labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(value for value, label in zip(name, labels, strict=True) if label not in MODEL_LABELS)


def _labels_of(old: tuple[str, ...], new: tuple[str, ...], labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        f"{first or '(not given)'} → {second or '(not given)'}" if label in MODEL_LABELS and first != second else first
        for first, second, label in zip(old, new, labels, strict=True)
    )


def _scaled(item: Item, factor: Fraction) -> Item:
    requests = None if item.requests is None else Fraction(item.requests) * factor
    classes = {name: (Fraction(used) * factor, Fraction(cost) * factor) for name, (used, cost) in item.classes.items()}
    cost, quantity = Fraction(item.cost) * factor, Fraction(item.quantity) * factor
    return replace(item, cost=cost, quantity=quantity, requests=requests, classes=classes)
