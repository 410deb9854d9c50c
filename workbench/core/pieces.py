"""Pieces of a stream of frames: small ones joined, so that what is written from them is not scattered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd


def gathered(pieces: Iterable[pd.DataFrame], rows: int = 50_000) -> Iterator[pd.DataFrame]:
    """Give pieces of at least ``rows`` rows (the last one may be smaller or empty), with the warnings so far.

    Examples
    --------
    >>> [len(piece) for piece in gathered([pd.DataFrame({"a": range(3)})] * 5, rows=5)]
    [6, 6, 3]
    """
    held: list[pd.DataFrame] = []
    warnings: dict[str, None] = {}
    for piece in pieces:
        warnings |= dict.fromkeys(piece.attrs.get("warnings", ()))
        held = [*(each for each in held if len(each)), piece]
        if sum(map(len, held)) >= rows:
            yield _joined(held, warnings)
            held = []
    if held:
        yield _joined(held, warnings)


def _joined(held: list[pd.DataFrame], warnings: dict[str, None]) -> pd.DataFrame:
    whole = pd.concat([piece.set_axis(range(len(piece))) for piece in held], ignore_index=True)
    whole.attrs = {"warnings": tuple(warnings)}
    return whole
