"""Price changes that look like a mistake of unit, held back until someone confirms them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

#: A price that rises by this factor or falls by more is held back: real moves of public catalogues fall to a fifth.
HELD_FACTOR = Decimal(5)


@dataclass(frozen=True)
class PriceChange:
    """A change of one price in a catalogue. [currency per unit]"""

    model: str
    unit: str
    old: Decimal
    new: Decimal


@dataclass(frozen=True)
class Gate:
    """Verdict on a change; ``reason`` says why it is held back, and is empty when it is let through."""

    change: PriceChange
    reason: str = ""

    @property
    def held(self) -> bool:
        """Whether someone must confirm the change first."""
        return bool(self.reason)


def gated(changes: Iterable[PriceChange]) -> list[Gate]:
    """Hold back price changes that look like a mistake of unit.

    Parameters
    ----------
    changes : iterable of PriceChange
        Changes of prices, old and new.

    Returns
    -------
    list of Gate
        One a change, in order.

    Notes
    -----
    Prices per character stored as per token, per thousand as per million and the like move a price by a factor. Held
    are a rise by five or more, a fall to less than a fifth, a negative price, and one that becomes or stops being zero.
    Known cuts to a fifth (o3, 2025) pass.

    Examples
    --------
    >>> cut = PriceChange("o3", "input_tokens", Decimal("1e-5"), Decimal("2e-6"))
    >>> slip = PriceChange("gemini-1.5-pro", "input_tokens", Decimal("5e-6"), Decimal("7.8125e-8"))
    >>> [gate.reason for gate in gated([cut, slip])]
    ['', 'falls to 1/64 of 0.000005: check the unit']
    """
    return [Gate(change, _reason(change)) for change in changes]


def _reason(change: PriceChange) -> str:
    if change.new < 0:
        return "is negative"
    if not change.old or not change.new:
        return "" if change.old == change.new else "becomes free" if change.old else "was free: check the unit"
    if change.new >= change.old * HELD_FACTOR:
        return f"rises to {change.new / change.old:.4g} times {change.old:f}: check the unit"
    if change.new * HELD_FACTOR < change.old:
        return f"falls to 1/{change.old / change.new:.4g} of {change.old:f}: check the unit"
    return ""
