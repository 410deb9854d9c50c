"""Log templates that are new, gone, more or fewer in a window."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.investigate.changes import Rows, change_of, compared
from workbench.analysis.investigate.windows import Floats, Windows
from workbench.analysis.logs.templates import OTHER, templates


def template_changes(lines: pd.DataFrame, windows: Windows) -> Rows:
    """Compare how often each template came.

    Parameters
    ----------
    lines : DataFrame
        LOGS of all ranges, and ``probability``: share of lines of its kind kept [ratio].
    windows : Windows
        The window to explain and the windows to compare it with.

    Returns
    -------
    Rows
        One per template; a line of level FATAL that no baseline has is always named.

    Notes
    -----
    Exposure is time x the share kept of this template; a template that one range lacks is taken to be kept there as in
    the others.
    """
    index = templates(lines)
    masks = windows.masks(lines["time_ns"].to_numpy(np.int64))
    size = len(index.frame)
    shares = lines["probability"].to_numpy(np.float64)
    counts: list[Floats] = [np.bincount(index.of_line[mask], minlength=size).astype(np.float64) for mask in masks]
    stood_for = [np.bincount(index.of_line[mask], weights=1 / shares[mask], minlength=size) for mask in masks]
    whole, whole_for = np.sum(counts, axis=0), np.sum(stood_for, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = np.where(whole_for > 0, whole / whole_for, 1.0)
        kept = [np.where(count > 0, count / meant, usual) for count, meant in zip(counts, stood_for, strict=True)]
    # A template whose rate of sampling is unknown in one range is compared by what was kept in all of them.
    unknown = np.isnan(np.stack(kept)).any(axis=0)
    exposures = [np.where(unknown, 1.0, share) * length for share, length in zip(kept, windows.seconds, strict=True)]
    ratios, against = compared(counts, exposures)
    rows = np.arange(size)
    before = np.stack(counts[1:])[against, rows]
    before_exposure = np.stack(exposures[1:])[against, rows]
    first, example = _examples(lines, index.of_line, masks[0], size)
    fatal = (index.frame["severity"] == "FATAL").to_numpy() & (counts[0] > 0) & (np.sum(counts[1:], axis=0) == 0)
    frame = pd.DataFrame(
        {
            "kind": "log template",
            "what": index.frame["template"],
            "service": index.frame["service"],
            "detail": (index.frame["severity"] + " " + index.frame["event_type"]).str.strip(),
            "change": change_of(counts[0], before, ratios.ratio),
            "now": counts[0] / exposures[0] * 60,
            "before": before / before_exposure * 60,
            "unit": "lines/min",
            **ratios.columns(),
            "always": fatal,
            "effect": ratios.bound,
            "kept": counts[0].astype(np.int64),
            "kept_before": before.astype(np.int64),
            "against": [windows.baselines[number].name for number in against],
            "first_ns": first,
            "example": [str(lines["message"].iloc[row]) for row in example],
            "trace_id": [str(lines["trace_id"].iloc[row]) for row in example],
        }
    )
    told_apart = (index.frame["template"] != OTHER).to_numpy()
    return Rows(frame[told_apart & (whole > 0)])


def _examples(
    lines: pd.DataFrame,
    of_line: np.ndarray[tuple[int], np.dtype[np.int64]],
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]],
    size: int,
) -> tuple[list[int], list[int]]:
    """First instant of each template in the window, and the row of a line: the first inside, else the first at all."""
    times = lines["time_ns"].to_numpy(np.int64)
    order = np.lexsort((times, ~inside))
    _, places = np.unique(of_line[order], return_index=True)
    rows = np.zeros(size, np.int64)
    rows[of_line[order[places]]] = order[places]
    return times[rows].tolist(), rows.tolist()
