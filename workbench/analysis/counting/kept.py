"""Episodes that were written down earlier, joined with those of the samples that are still there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.evaluation import Evaluated
from workbench.core.frames import EPISODES, check
from workbench.core.series import label_key

_FLAGS = ("phantom", "disputed")


@dataclass(frozen=True)
class Joined:
    """Episodes of samples and of records together.

    Attributes
    ----------
    frame : DataFrame
        Frame contract ``EPISODES``, with ``phantom`` and ``disputed``, by start.
    from_records : int
        Episodes of which no sample is left. [count]
    first, last : Timestamp or None
        Start of the first and last moment of the last of these; None without any. [UTC]
    """

    frame: pd.DataFrame
    from_records: int
    first: pd.Timestamp | None
    last: pd.Timestamp | None


def with_kept(
    sampled: pd.DataFrame,
    kept: pd.DataFrame,
    *,
    seen: Evaluated | None,
    samples_ms: tuple[int, int] | None,
    without: Sequence[str] = (),
) -> Joined:
    """Join episodes rebuilt from samples with episodes that were written down: samples where there are samples.

    Parameters
    ----------
    sampled : DataFrame
        Episodes of :func:`~workbench.analysis.counting.episodes.firing_episodes`.
    kept : DataFrame
        Frame contract ``EPISODES``: what an archive, a collector or Alertmanager wrote down; may hold one twice.
    seen : Evaluated, optional
        When rules were evaluated, as samples show it.
    samples_ms : (int, int), optional
        First and last sample of ``ALERTS``; None without any. [ms since the epoch]
    without : sequence of str
        Labels that make no alert of their own; records of several servers become one.

    Notes
    -----
    A record that begins while samples were written is no episode of its own: the samples say more. One that overlaps
    an episode of the samples gives it its start and its end, where the samples do not show them. A record without an
    end ends, with its end unknown, where samples begin that do not have it.
    """
    check(kept, EPISODES, where="the records")
    kept = _one_each(kept, frozenset(without))
    starts, ends = _ms(kept["starts_at"]), _ms(kept["ends_at"])
    alone, again = np.ones(len(kept), np.bool_), np.full(len(kept), _OPEN)
    if seen is not None and samples_ms is not None:
        alone = (starts < samples_ms[0]) | (starts > samples_ms[1]) | seen.blind_at(starts)
        back = np.append(seen.gaps[:, 1], seen.first_ms)
        back = np.sort(back[(back >= samples_ms[0]) & (back <= samples_ms[1])])
        again = np.append(back, _OPEN)[np.searchsorted(back, starts, side="right")]
    sampled = sampled.copy()
    rows = _rows_by_key(sampled)
    for place, (name, severity, labels) in enumerate(_keys(kept)):
        for row in rows.get((name, severity, labels), ()):
            start, end = sampled["starts_at"].iloc[row], sampled["ends_at"].iloc[row]
            start_ms, end_ms = _one_ms(start), _one_ms(end)
            if start_ms <= ends[place] and end_ms >= starts[place]:
                alone[place] = False
                known = not kept["left_censored"].iloc[place]
                if sampled["left_censored"].iloc[row] and (known or starts[place] < start_ms):
                    for column in ("active_at", "starts_at", "left_censored"):
                        sampled.loc[row, column] = kept[column].iloc[place]
                if sampled["right_censored"].iloc[row] and end_ms < ends[place] < _OPEN:
                    for column in ("ends_at", "right_censored"):
                        sampled.loc[row, column] = kept[column].iloc[place]
    lost = alone & (ends > again)
    kept.loc[lost, "ends_at"] = pd.DatetimeIndex(again[lost].view("datetime64[ms]")).tz_localize("UTC")
    kept.loc[lost, "right_censored"] = True
    own = kept[alone]
    for flag in _FLAGS:
        own = own.assign(**{flag: own.get(flag, False)})
        sampled[flag] = sampled.get(flag, False)
    columns = [*EPISODES.columns, *_FLAGS]
    frame = pd.concat([part[columns] for part in (sampled, own) if len(part)] or [sampled[columns]])
    frame = frame.sort_values(["starts_at", "alertname"], kind="stable", ignore_index=True)
    moments = pd.concat([own["starts_at"], own["ends_at"]]).dropna()
    return Joined(
        check(frame.astype(dict.fromkeys(_FLAGS, "bool")), EPISODES, where="samples and records"),
        from_records=len(own),
        first=own["starts_at"].min() if len(own) else None,
        last=moments.max() if len(own) else None,
    )


def continued(episodes: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Give episodes whose start was not seen the start of the open record that they go on.

    Parameters
    ----------
    episodes : DataFrame
        Frame contract ``EPISODES``: what was read now.
    kept : DataFrame
        Frame contract ``EPISODES``: what was written down earlier.

    Returns
    -------
    DataFrame
        Those with a known start, and those that go on a record: written down again they give that record its end.
    """
    open_rows = kept[kept["ends_at"].isna()].sort_values("starts_at", kind="stable").reset_index(drop=True)
    rows = _rows_by_key(open_rows)
    episodes = episodes.reset_index(drop=True)
    known = ~episodes["left_censored"].to_numpy()
    ends = _ms(episodes["ends_at"])
    for place in np.flatnonzero(~known):
        earlier = [
            row
            for row in rows.get(_keys(episodes.iloc[[place]])[0], ())
            if _one_ms(open_rows["starts_at"].iloc[row]) <= ends[place]
        ]
        if earlier:
            for column in ("active_at", "starts_at", "left_censored"):
                episodes.loc[place, column] = open_rows[column].iloc[earlier[-1]]
            known[place] = True
    return episodes[known].reset_index(drop=True)


_OPEN = np.iinfo(np.int64).max


def _ms(times: pd.Series) -> NDArray[np.int64]:
    marks: NDArray[np.int64] = times.dt.as_unit("ms").astype("int64").to_numpy()
    return np.where(times.isna(), _OPEN, marks)


def _one_ms(time: pd.Timestamp) -> int:
    return _OPEN if pd.isna(time) else int(time.timestamp() * 1000)


def _keys(frame: pd.DataFrame) -> list[tuple[str, str, object]]:
    return [
        (str(name), str(severity), label_key(labels))
        for name, severity, labels in zip(frame["alertname"], frame["severity"], frame["labels"], strict=True)
    ]


def _rows_by_key(frame: pd.DataFrame) -> dict[tuple[str, str, object], list[int]]:
    rows: dict[tuple[str, str, object], list[int]] = {}
    for place, key in enumerate(_keys(frame)):
        rows.setdefault(key, []).append(place)
    return rows


def _newest_words(kept: pd.DataFrame) -> pd.DataFrame:
    """Join the records of one label set and one condition; what had no end when the alert began anew has ended.

    A record is written at each look: a start that was reckoned differently later leaves one behind that never ends.
    """
    if kept.empty:
        return kept.reset_index(drop=True)
    codes = pd.factorize(pd.Series(_keys(kept), dtype=object))[0]
    starts, actives = _ms(kept["starts_at"]), _ms(kept["active_at"])
    order = np.lexsort((starts, kept["left_censored"].to_numpy(), actives, codes))
    kept, codes, actives = kept.iloc[order].reset_index(drop=True), codes[order], actives[order]
    same = np.append(False, (codes[1:] == codes[:-1]) & (actives[1:] // 1000 == actives[:-1] // 1000))
    first = np.flatnonzero(~same)
    ended = kept["ends_at"].groupby(np.cumsum(~same)).max()
    censored = kept["right_censored"].groupby(np.cumsum(~same)).min()
    newest = kept.iloc[first].reset_index(drop=True)
    newest["ends_at"], newest["right_censored"] = ended.to_numpy(), censored.to_numpy()
    newest["ends_at"] = pd.to_datetime(newest["ends_at"], utc=True).dt.as_unit("ms")
    codes, starts = codes[first], _ms(newest["starts_at"])
    anew = np.append(codes[1:] == codes[:-1], False) & newest["ends_at"].isna().to_numpy()
    following = np.append(starts[1:], 0)
    newest.loc[anew, "ends_at"] = pd.DatetimeIndex(following[anew].view("datetime64[ms]")).tz_localize("UTC")
    newest.loc[anew, "right_censored"] = True
    return newest


def _one_each(kept: pd.DataFrame, without: frozenset[str]) -> pd.DataFrame:
    """Join the records of one alert that overlap: told twice, or by several servers."""
    kept = _newest_words(kept)
    if without:
        kept["labels"] = [
            {name: value for name, value in labels.items() if name not in without} for labels in kept["labels"]
        ]
    if kept.empty:
        return kept.reset_index(drop=True)
    codes = pd.factorize(pd.Series(_keys(kept), dtype=object))[0]
    starts, ends = _ms(kept["starts_at"]), _ms(kept["ends_at"])
    order = np.lexsort((ends, starts, codes))
    kept, codes, starts, ends = kept.iloc[order].reset_index(drop=True), codes[order], starts[order], ends[order]
    low = int(starts.min())
    width = int(max(starts.max(), np.where(ends == _OPEN, 0, ends).max())) - low + 2
    reach = np.maximum.accumulate(codes * width + np.where(ends == _OPEN, width - 1, ends - low))
    first = np.flatnonzero(np.append(True, (codes * width + starts - low)[1:] >= reach[:-1]))
    episode = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(kept))))
    ended = kept["ends_at"].notna().to_numpy()
    counts = np.zeros(len(first), np.int64)
    np.maximum.at(counts, episode, np.where(ended, ends, 0))
    last = np.lexsort((np.where(ended, ends, 0), episode))
    last = last[np.append(np.diff(episode[last]) != 0, True)]
    joined = kept.iloc[first].reset_index(drop=True)
    joined["ends_at"] = kept["ends_at"].iloc[last].to_numpy()
    joined["ends_at"] = pd.to_datetime(joined["ends_at"], utc=True).dt.as_unit("ms")
    joined["right_censored"] = kept["right_censored"].iloc[last].to_numpy()
    joined["unknown_s"] = np.minimum.reduceat(kept["unknown_s"].to_numpy(), first)
    return joined
