"""Which alert rule earns its pages: each rule against real budget burn and incidents that were written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from workbench.analysis.alerts.marks import by_alert, instants_ms
from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.core.result import Result
from workbench.core.timerange import DAY_MS, HOUR_MS

#: An alert that begins so long after an event still belongs to it: its window has not run out. [ms]
GRACE_MS = HOUR_MS

#: Alerts below which a rule is not judged: nothing can be said of two.
LEAST_ALERTS = 3

#: An alert that fired more than half of three days stands, whether or not it paused in between. [ms]
STANDS_MS, STANDS_SHARE = 3 * DAY_MS, 0.5

Verdict = Literal["useful", "useless", "mixed", "flapping", "standing", "too few", "not judged", "quiet"]


@dataclass(frozen=True)
class AlertEvent:
    """Something that alerts ought to tell of. Times in ms since the epoch.

    Attributes
    ----------
    objective : str
        Objective whose budget it burnt; empty for an incident that somebody wrote down.
    start_ms, end_ms : int
    budget_share : float
        Of the objective's own window; NaN for an incident. [ratio]
    wanted : bool
        Whether it is large enough that a rule ought to tell of it.
    """

    objective: str
    start_ms: int
    end_ms: int
    budget_share: float
    wanted: bool = True


@dataclass(frozen=True, eq=False, repr=False)
class RuleWorth(Result):
    """What each rule is worth, the rule with most alerts without use first.

    Columns of ``frame``:

    ================ =======================================================================================
    alertname        rule (str)
    severity         (str)
    judged_by        objectives whose budget it guards, ``incidents``, or empty: not judged (str)
    alerts           begun in the period [count]
    without_use      of them those that began in no burn and no incident; for a rule that guards objectives, in none
                     of these burns and no incident [count]
    true             of the alerts of a judged rule, those that began during an event or within an hour after [count]
    precision        true / alerts; NaN without alerts, and of a rule that is not judged [ratio]
    precision_low    lower and upper end of its 95 % interval (Wilson) [ratio]
    precision_high
    events           events that it ought to tell of [count]
    caught           of them those with an alert [count]
    recall           caught / events; NaN without events [ratio]
    recall_low       lower and upper end of its 95 % interval (Wilson) [ratio]
    recall_high
    detection_s      median time from the start of a caught event to its first alert [s]
    reset_s          median time from the end of a caught event to the end of its last alert [s]
    per_event        alerts during caught events / caught events [ratio]
    only             events that no other rule told of [count]
    budget_missed    budget spent by events without an alert of this rule [ratio of budget]
    flapping         alerts in flapping runs [count]
    standing         label sets that fired longer than a day, or more than half of three days [count]
    verdict          see :data:`Verdict` (str); ``not observed`` without any evaluation, and no counts then
    ================ =======================================================================================
    """

    events: int
    incidents: int


_COLUMNS = ("alertname", "severity", "judged_by", "alerts", "without_use", "true", "precision", "precision_low",
            "precision_high", "events", "caught", "recall", "recall_low", "recall_high", "detection_s", "reset_s",
            "per_event", "only", "budget_missed", "flapping", "standing", "verdict")  # fmt: skip


def rule_worth(
    alerts: AlertEpisodes,
    events: Sequence[AlertEvent],
    guards: Mapping[str, Sequence[str]],
    *,
    measured: Sequence[str] = (),
    grace_ms: int = GRACE_MS,
) -> RuleWorth:
    """Hold every rule against what happened.

    Parameters
    ----------
    alerts : AlertEpisodes
        Episodes of alerts of the period.
    events : sequence of AlertEvent
        Burns of budgets, small ones too, and incidents.
    guards : mapping of str to sequence of str
        Objectives that each rule guards, by alert name; a rule that is known and guards none maps to nothing.
    measured : sequence of str
        Objectives whose budget was measured: a rule that guards only others is not judged.
    grace_ms : int
        How long after an event an alert still belongs to it. [ms]

    Notes
    -----
    Precision, recall, detection and reset time as in [1]_: an alert is true when it began during an event, however
    small, or within the grace after it; recall is of the events that are large enough. One that began before the event
    is neither. A rule that guards an objective is held against the burns of that objective and against incidents; one
    that guards none against incidents, where somebody wrote any down; else it is *not judged*, which is not 0 %. Rows
    are ordered by the alerts without use, not by their number: a rule may fire often in one long incident.

    A rule is *useless* when the upper end of the interval of its precision is below one half, *useful* when the lower
    end is not or it alone told of an event, else *mixed*. A rule that stands or flaps without a burn that it matches is
    *standing* or *flapping*, judged or not.

    References
    ----------
    .. [1] B. Beyer et al., The Site Reliability Workbook, O'Reilly, 2018, ch. 5.
    """
    frame = alerts.frame
    begun = frame[frame["started"]]
    starts = instants_ms(begun["starts_at"])
    ends = starts + np.round(begun["duration_s"].to_numpy() * 1000).astype(np.int64)
    names = begun["alertname"].to_numpy()
    incidents = [event for event in events if not event.objective]
    seen = set(measured) | {event.objective for event in events if event.objective}
    stands = standing_alerts(alerts)
    severities = _severities(frame)
    hits = {name: _hits(starts[names == name], events, grace_ms) for name in dict.fromkeys([*names, *guards])}
    alerted = np.zeros(len(events), np.int64)
    for own in hits.values():
        alerted += own.any(axis=0)
    rows: list[dict[str, Any]] = []
    for name, own in hits.items():
        objectives = [each for each in guards.get(name, ()) if each in seen]
        concerns = np.array([not event.objective or event.objective in objectives for event in events], np.bool_)
        judged_by = ", ".join(objectives) or ("incidents" if incidents else "")
        wanted = concerns & np.array([event.wanted for event in events], np.bool_)
        mine = frame[frame["alertname"] == name]
        rows.append(
            {
                "alertname": name,
                "severity": severities.get(name, ""),
                "judged_by": judged_by,
                "flapping": int((mine["flapping"] & mine["started"]).sum()),
                "standing": stands.get(name, 0),
                **_judged(
                    own, concerns, wanted, events, starts[names == name], ends[names == name], alerted, judged_by
                ),
            }
        )
    table = pd.DataFrame(rows, columns=[*_COLUMNS[:-1]])
    table["verdict"] = [_verdict(row) for row in table.to_dict(orient="records")]
    if not alerts.observed_s and begun.empty:
        table[["alerts", "without_use", "caught", "only", "budget_missed"]] = np.nan
        table["verdict"] = "not observed"
    table = table.sort_values(["without_use", "alerts", "alertname"], ascending=[False, False, True], kind="stable")
    wide = [event for event in events if event.objective and event.wanted]
    return RuleWorth(table.reset_index(drop=True), events=len(wide), incidents=len(incidents))


def _judged(
    hits: NDArray[np.bool_],
    concerns: NDArray[np.bool_],
    wanted: NDArray[np.bool_],
    events: Sequence[AlertEvent],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    alerted: NDArray[np.int64],
    judged_by: str,
) -> dict[str, Any]:
    alerts = len(starts)
    if not judged_by:
        return {"alerts": alerts, "without_use": alerts - int(hits.any(axis=1).sum()), "true": 0, "events": 0,
                "caught": 0, "only": 0}  # fmt: skip
    true = int(hits[:, concerns].any(axis=1).sum())
    caught = hits.any(axis=0) & wanted
    places = np.flatnonzero(caught).tolist()
    delays = [(int(starts[hits[:, place]].min()) - events[place].start_ms) / 1000 for place in places]
    resets = [(int(ends[hits[:, place]].max()) - events[place].end_ms) / 1000 for place in places]
    low, high = wilson(true, alerts)
    recall_low, recall_high = wilson(len(places), int(wanted.sum()))
    missed = [events[place].budget_share for place in np.flatnonzero(wanted & ~caught).tolist()]
    return {
        "alerts": alerts,
        "without_use": alerts - true,
        "true": true,
        "precision": true / alerts if alerts else np.nan,
        "precision_low": low,
        "precision_high": high,
        "events": int(wanted.sum()),
        "caught": len(places),
        "recall": len(places) / int(wanted.sum()) if wanted.any() else np.nan,
        "recall_low": recall_low,
        "recall_high": recall_high,
        "detection_s": float(np.median(delays)) if delays else np.nan,
        "reset_s": float(np.median(resets)) if resets else np.nan,
        "per_event": float(hits[:, caught].sum() / len(places)) if places else np.nan,
        "only": int((caught & (alerted == 1)).sum()),
        "budget_missed": float(np.nansum(missed)),
    }


def _verdict(row: dict[Any, Any]) -> Verdict:
    if not row["alerts"] and not row["standing"]:
        return "quiet"
    proved = row["precision"] >= 0.5
    if row["standing"] and not proved:
        return "standing"
    if row["flapping"] * 2 >= row["alerts"] and row["without_use"] * 2 >= row["alerts"]:
        return "flapping"
    if not row["judged_by"]:
        return "not judged"
    if row["only"] or row["precision_low"] >= 0.5:
        return "useful"
    if row["alerts"] < LEAST_ALERTS:
        return "too few"
    return "useless" if row["precision_high"] < 0.5 else "mixed"


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson); NaN without any trial. [ratio]

    References
    ----------
    .. [1] E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(8, 10)]
    [0.49, 0.943]
    """
    if not count:
        return float("nan"), float("nan")
    z = float(scipy.special.ndtri(0.975))
    share, spread = hits / count, z * z / count
    centre = (share + spread / 2) / (1 + spread)
    half = z * np.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))


def standing_alerts(alerts: AlertEpisodes) -> dict[str, int]:
    """Count the label sets of each rule that are stale, or fired more than half of some three days.

    An alert that stops for an hour every night and nobody looks at is as stale as one that never stops.
    """
    frame = alerts.frame
    if frame.empty:
        return {}
    alert, order = by_alert(frame)
    begun = instants_ms(frame["starts_at"])[order]
    starts = np.maximum(begun, alerts.range.start_ms - STANDS_MS)
    ends = begun + np.round(frame["duration_s"].to_numpy()[order] * 1000).astype(np.int64)
    own, stale = alert[order], frame["stale"].to_numpy()[order]
    names = frame["alertname"].to_numpy()[order]
    first = np.flatnonzero(np.append(True, own[1:] != own[:-1]))
    counts: dict[str, int] = {}
    for begin, stop in zip(first.tolist(), [*first[1:].tolist(), len(own)], strict=True):
        lasted = np.append(0, np.cumsum(ends[begin:stop] - starts[begin:stop]))
        window = starts[begin:stop] + STANDS_MS
        last = np.searchsorted(starts[begin:stop], window, side="left")
        over = np.maximum(ends[begin:stop][last - 1] - window, 0)
        fired = lasted[last] - lasted[np.arange(stop - begin)] - over
        if stale[begin:stop].any() or (fired > STANDS_SHARE * STANDS_MS).any():
            counts[str(names[begin])] = counts.get(str(names[begin]), 0) + 1
    return counts


def _hits(starts: NDArray[np.int64], events: Sequence[AlertEvent], grace_ms: int) -> NDArray[np.bool_]:
    """Return which alerts began during which events, shape (n_alerts, n_events)."""
    begins = np.array([event.start_ms for event in events], np.int64)
    last = np.array([event.end_ms + grace_ms for event in events], np.int64)
    inside: NDArray[np.bool_] = (starts[:, None] >= begins) & (starts[:, None] <= last)
    return inside


def _severities(frame: pd.DataFrame) -> dict[str, str]:
    pairs = frame[["alertname", "severity"]].drop_duplicates()
    return {str(name): ", ".join(sorted(set(own["severity"]))) for name, own in pairs.groupby("alertname")}
