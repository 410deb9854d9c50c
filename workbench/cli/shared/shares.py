"""Shares given as options."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from workbench.core.errors import ParameterError


def share(text: str, option: str, *, most: int = 1) -> Decimal:
    """Read a share of an option, from 0 to ``most``. [ratio]"""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not 0 <= value <= most:
        raise ParameterError(f"{option} {text!r} is no number from 0 to {most}.", hint=f"E.g. {option} 0.4.")
    return value
