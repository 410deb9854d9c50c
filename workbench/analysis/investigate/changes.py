"""What is different in a window: log templates, operations, attribute values, as rows of one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.investigate.rates import (
    FALSE_DISCOVERY,
    JUDGED_BY,
    RateRatios,
    agreed,
    false_discovery,
    rate_ratios,
)
from workbench.analysis.investigate.windows import Floats, Windows
from workbench.core.result import Result

#: What a row is about, in the order shown.
KINDS = ("failing operation", "log template", "slow operation", "bad requests", "traffic mix", "objective")

COLUMNS = [
    "rank", "kind", "what", "service", "detail", "change", "now", "before", "unit", "ratio", "ratio_low", "ratio_high",
    "p", "q", "named", "effect", "kept", "kept_before", "against", "first_ns", "example", "trace_id",
]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Changes(Result):
    """What changed in a window, most telling first; all rows are judged together.

    Columns of ``frame``:

    =================== ==========================================================================================
    rank                1 for the strongest of its kind; 0 where the row is not named (int)
    kind                ``failing operation``, ``log template``, ``slow operation``, ``bad requests`` (values
                        over-represented in them), ``traffic mix`` (values that more or fewer requests have) or
                        ``objective`` (share of bad events, by exact counts)
    what                template, operation, ``attribute = value``, or objective (str)
    service, detail     service; level and event type of a template, or what is counted (str)
    change              ``new``, ``grown``, ``shrunk`` or ``vanished`` (str)
    now, before         rate in the window and in the baseline shown [``unit``]
    ratio, _low, _high  now / before with its 95 % interval; of the baseline with the least change [x]
    p, q                against a change within the margin; q after Benjamini and Hochberg over all rows [ratio]
    named               whether the row is a finding: q at most 0.05 (bool)
    effect              what the rows of one kind are ranked by: logarithm of the ratio's bound for templates and
                        attributes [1], failures that began here [1/s], time added [s/s]
    kept, kept_before   lines, spans or requests counted, before sampling is undone; bad events [count]
    against             baseline of the figures (str)
    first_ns            first row of the window [ns since the epoch]
    example, trace_id   a line or operation, and a trace to look at (str)
    =================== ==========================================================================================
    """

    windows: Windows
    false_discovery: float = FALSE_DISCOVERY


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one kind before they are judged together: the columns of :class:`Changes` less rank, q and named.

    Rows of one kind with the same ``evidence`` count the same requests under two names: they are one test.
    """

    frame: pd.DataFrame


def compared(counts: Sequence[Floats], exposures: Sequence[Floats]) -> tuple[RateRatios, NDArray[np.int64]]:
    """Compare the first of several counts with each other one, and keep what all comparisons agree on.

    Parameters
    ----------
    counts, exposures : sequences of float64 arrays, (n,)
        Of the window, then of each baseline. An exposure of 0 is taken as unknown: there is no change to see.
    """
    pairs = [
        _pair(counts[0], before, exposures[0], each) for before, each in zip(counts[1:], exposures[1:], strict=True)
    ]
    together = _pair(counts[0], np.sum(counts[1:], axis=0), exposures[0], np.sum(exposures[1:], axis=0))
    return agreed(pairs, together)


def _pair(now: Floats, before: Floats, exposure_now: Floats, exposure_before: Floats) -> RateRatios:
    known = (exposure_now > 0) & (exposure_before > 0)
    counts = (np.where(known, count, 0.0) for count in (now, before))
    exposures = (np.where(known, exposure, 1.0) for exposure in (exposure_now, exposure_before))
    return rate_ratios(*counts, *exposures)


def change_of(now: Floats, before: Floats, ratio: Floats) -> list[str]:
    """Name the change of each row."""
    return [
        "new" if after and not earlier else "vanished" if earlier and not after else "grown" if size > 1 else "shrunk"
        for after, earlier, size in zip(now, before, ratio, strict=True)
    ]


def changes(rows: Sequence[Rows], windows: Windows, notes: Sequence[str] = ()) -> Changes:
    """Judge rows of all kinds together and rank those of each kind.

    Parameters
    ----------
    rows : sequence of Rows
        Compared rows, one set per kind.
    windows : Windows
        The window to explain and the windows to compare it with.
    notes : sequence of str
        Remarks about what was not read whole.
    """
    held = [row.frame for row in rows if len(row.frame)]
    if not held:
        return Changes(pd.DataFrame(columns=COLUMNS), windows, notes=tuple(notes))
    frame = pd.concat(held, ignore_index=True)
    frame["q"] = _q(frame)
    frame["named"] = (frame["q"] <= FALSE_DISCOVERY) | frame.pop("always").to_numpy(np.bool_)
    kinds = frame["kind"].map({kind: place for place, kind in enumerate(KINDS)})
    frame = frame.assign(_kind=kinds, _size=frame["effect"].abs() * frame["named"])
    frame = frame.sort_values(
        ["_kind", "named", "_size", "p", "what"], ascending=[True, False, False, True, True], ignore_index=True
    )
    within = frame.groupby("kind", sort=False).cumcount() + 1
    frame["rank"] = np.where(frame["named"], within, 0).astype(np.int64)
    return Changes(frame[COLUMNS], windows, notes=tuple(notes))


def _q(frame: pd.DataFrame) -> pd.Series:
    """Judge all rows together, those with the same evidence as one."""
    evidence = frame.get("evidence", pd.Series(np.nan, index=frame.index))
    keys = [frame["kind"], evidence.fillna(pd.Series(-1.0 - frame.index.to_numpy(), index=frame.index))]
    own = frame[~pd.concat(keys, axis=1).duplicated()]
    q = pd.Series(false_discovery(*(own[name].to_numpy(np.float64) for name in ("p", *JUDGED_BY))), index=own.index)
    return q.reindex(frame.index).groupby(keys).transform("first")
