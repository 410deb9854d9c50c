"""Texts of a filter as the numbers that an index keeps in their place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from workbench.query.logs.elastic.fields import Place

_PLAIN = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")


def indexed_numbers(values: Sequence[str], place: Place) -> list[str] | None:
    """Return the numbers under which some texts are indexed; None when one of them may be written in another way.

    A whole number is kept of ``5.7`` too, cut off; a text without a digit is no number, and in no index of numbers.

    Examples
    --------
    >>> port = Place("number", "port", whole=True, low=-(2**15), high=2**15 - 1)
    >>> indexed_numbers(["80", "5.7", "http", "70000"], port), indexed_numbers([" 80"], port)
    (['80', '5'], None)
    """
    numbers = []
    for value in values:
        if not _PLAIN.fullmatch(value):
            if re.search(r"\d|nan|inf", value, re.IGNORECASE):
                return None
            continue
        number = Decimal(value)
        if place.low <= number <= place.high:
            numbers.append(str(int(number)) if place.whole else value)
    return numbers
