"""Marks of episodes, as whole arrays: which flap, stand for days, chatter; how much of the time their rules fired."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.evaluation import time_before
from workbench.core.timerange import TimeRange

#: Three episodes of one alert, each at most this long and this long after the one before, are flapping. [s]
FLAP_S = 3600.0
FLAP_STARTS = 3

#: Three activations of one alert within this are chattering (EEMUA 191, a rule of thumb). [s]
CLOSE_S = 60.0


def most_chatter(rows: pd.DataFrame, rule: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Return the chatter index of the noisiest label set of each rule. [1/s]"""
    most: NDArray[np.float64] = np.zeros(count)
    index = chatter_indices(rows)
    if len(index):
        np.maximum.at(most, rule[index["row"].to_numpy()], index["chatter"].to_numpy())
    return most


def chatter_indices(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the chatter index of every label set that began twice or more.

    Parameters
    ----------
    rows : DataFrame
        ``frame`` of :class:`AlertEpisodes`.

    Returns
    -------
    DataFrame
        ``row`` (place of an episode of the label set), ``starts`` [count], ``chatter`` [1/s] and ``close``: whether
        three or more began within 60 s (bool).
    """
    begun = np.flatnonzero(rows["started"].to_numpy())
    if not len(begun):
        return pd.DataFrame({"row": [], "starts": [], "close": [], "chatter": []}).astype(
            {"row": "int64", "starts": "int64", "close": "bool", "chatter": "float64"}
        )
    alert, order = by_alert(rows.iloc[begun])
    alert, place = alert[order], begun[order]
    starts = rows["starts_at"].dt.as_unit("ms").astype("int64").to_numpy()[place] / 1000
    same = alert[1:] == alert[:-1]
    runs, owner = np.maximum(np.diff(starts), 1.0)[same], alert[1:][same]
    size = int(alert.max(initial=-1)) + 1
    number = np.bincount(owner, minlength=size)
    total = np.bincount(owner, weights=1 / runs, minlength=size)
    third = (starts[2:] - starts[:-2] <= CLOSE_S) & (alert[2:] == alert[:-2])
    close = np.bincount(alert[2:][third], minlength=size) > 0
    first = np.append(True, ~same)
    frame = pd.DataFrame({"row": place[first], "starts": number + 1, "close": close})
    frame["chatter"] = total / np.maximum(number, 1)
    return frame[number > 0].reset_index(drop=True)


def firing_shares(
    rows: pd.DataFrame,
    rule: NDArray[np.int64],
    count: int,
    span: TimeRange,
    observed_s: float,
    observed: Sequence[tuple[int, int]],
) -> NDArray[np.float64]:
    """Return the share of observed time in which at least one alert of each rule fired, each moment once. [ratio]"""
    if not observed_s:
        return np.full(count, np.nan)
    first = rows["starts_at"].dt.as_unit("ms").astype("int64").to_numpy()
    last = first + np.round(rows["duration_s"].to_numpy() * 1000).astype(np.int64)
    first, last = np.maximum(first, span.start_ms), np.minimum(last, span.end_ms)
    order = np.lexsort((first, rule))
    own, first, last = rule[order], first[order] - span.start_ms, last[order] - span.start_ms
    width = span.end_ms - span.start_ms + 1
    reach = np.maximum.accumulate(own * width + last)
    begins = np.maximum(own * width + first, np.append(-1, reach[:-1]))
    lasted = np.maximum(own * width + last - begins, 0)
    if observed:
        stretches = np.array(observed, np.int64) - span.start_ms
        from_ms = begins - own * width
        lasted = np.where(lasted > 0, time_before(stretches, from_ms + lasted) - time_before(stretches, from_ms), 0)
        firing_s = np.bincount(own, weights=lasted, minlength=count) / 1000
    else:
        blind_s = span.seconds - observed_s
        unknown = np.zeros(count)
        np.maximum.at(unknown, rule, rows["unknown_s"].to_numpy())
        firing_s = np.bincount(own, weights=lasted, minlength=count) / 1000 - np.minimum(unknown, max(blind_s, 0.0))
    shares: NDArray[np.float64] = np.clip(firing_s / observed_s, 0.0, 1.0)
    return shares


def by_alert(frame: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of the label set of each row, and the order of the rows by label set and start."""
    parts = [pd.factorize(frame[name])[0].astype(np.int64) for name in ("alertname", "severity", "labels")]
    alert = parts[0]
    for part in parts[1:]:
        alert = pd.factorize(alert * (int(part.max(initial=0)) + 1) + part)[0].astype(np.int64)
    starts = frame["starts_at"].dt.as_unit("ms").astype("int64").to_numpy()
    return alert, np.lexsort((starts, alert))


def standing_s(frame: pd.DataFrame, alert: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how long each alert stood, with the time before and after gaps across which it fired. [s]"""
    if frame.empty:
        return np.zeros(0)
    starts = frame["starts_at"].dt.as_unit("ms").astype("int64").to_numpy()[order] / 1000
    ends = starts + frame["duration_s"].to_numpy()[order]
    left, right = frame["left_censored"].to_numpy()[order], frame["right_censored"].to_numpy()[order]
    own = alert[order]
    goes_on = np.append(False, (own[1:] == own[:-1]) & left[1:] & right[:-1])
    chain = np.cumsum(~goes_on) - 1
    first = np.flatnonzero(~goes_on)
    standing = np.zeros(len(frame))
    standing[order] = (np.maximum.reduceat(ends, first) - starts[first])[chain]
    return standing


def flapping(frame: pd.DataFrame, alert: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which episodes belong to a run of :data:`FLAP_STARTS` or more short ones near each other."""
    duration = frame["duration_s"].to_numpy()[order]
    short = np.flatnonzero(duration <= FLAP_S)
    rows, own = order[short], alert[order][short]
    if not len(rows):
        return np.zeros(len(frame), np.bool_)
    starts = frame["starts_at"].dt.as_unit("ms").astype("int64").to_numpy()[rows] / 1000
    pause = np.diff(starts) - duration[short][:-1]
    new = np.append(True, (own[1:] != own[:-1]) | (pause > FLAP_S))
    run = np.cumsum(new) - 1
    marked = np.zeros(len(frame), np.bool_)
    marked[rows] = np.bincount(run)[run] >= FLAP_STARTS
    return marked


def label_sets(labels: pd.Series) -> tuple[NDArray[np.int64], list[dict[str, str]]]:
    """Return the number of the label set of each row, and the label sets; the many episodes of one alert share one."""
    by_object: dict[int, int] = {}
    by_key: dict[tuple[tuple[str, str], ...], int] = {}
    sets: list[dict[str, str]] = []
    codes = []
    for own in labels:
        code = by_object.get(id(own))
        if code is None:
            code = by_key.setdefault(tuple(sorted(own.items())), len(sets))
            if code == len(sets):
                sets.append(own)
            by_object[id(own)] = code
        codes.append(code)
    return np.array(codes, np.int64), sets


def labels_text(labels: dict[str, str]) -> str:
    """Return a label set as text: ``name=value`` joined by commas."""
    return ", ".join(f"{name}={labels[name]}" for name in sorted(labels))


def instants_ms(times: pd.Series) -> NDArray[np.int64]:
    """Instants as milliseconds since the epoch, shape (n,). [ms]"""
    marks: NDArray[np.int64] = times.dt.as_unit("ms").astype("int64").to_numpy()
    return marks
