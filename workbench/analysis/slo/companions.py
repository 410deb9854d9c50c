"""What else happened while a budget was spent: alerts, restarts, new error messages, failing spans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pandas as pd

from workbench.analysis.slo.spending import Spending
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: Restarts and deploys so long before an episode may have caused it. [s]
BEFORE_S = 2 * 3600.0

#: Restarts of several processes within this time are one deploy. [s]
TOGETHER_S = 900.0

#: Messages and spans shown an episode. [count]
MOST = 5

_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s/=]*\d[^\s/]*")

Kind = Literal["alert", "restart", "deploy", "incident", "log", "span"]


@dataclass(frozen=True)
class Moment:
    """Something that happened at an instant: a restart, or an annotation; of one objective, or of all."""

    kind: Kind
    what: str
    time: datetime
    detail: str = ""
    objective: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Companions(Result):
    """What happened at the time of each episode; one row per thing, most telling kinds first.

    Columns of ``frame``:

    ========= ===============================================================================================
    objective identity (str)
    episode   number as in :class:`~workbench.analysis.slo.spending.Spending` (int)
    kind      ``deploy``, ``incident``, ``restart``, ``alert``, ``log`` or ``span``
    what      name of the alert, template of the message, service and operation of the span (str)
    time      first instant [UTC]
    lag_s     time after the start of the episode, negative before it [s]
    count     alerts, restarts, lines or spans in the episode [count]
    before    as many lines or spans in as much time before it; 0 where that is not asked [count]
    detail    labels, instances, an example (str)
    ========= ===============================================================================================
    """

    as_of: datetime


COLUMNS = ["objective", "episode", "kind", "what", "time", "lag_s", "count", "before", "detail"]

_ORDER = {"deploy": 0, "incident": 1, "restart": 2, "alert": 3, "log": 4, "span": 5}


def template(message: str) -> str:
    """Message without what varies: numbers, identifiers, quoted text.

    Examples
    --------
    >>> template("Timeout after 30.5 s for request 7f3a9c21d4e8 of 'alice'")
    'Timeout after <*> s for request <*> of <*>'
    """
    return _VARIABLE.sub("<*>", message)


def companions(
    spent: Spending,
    *,
    moments: Sequence[Moment] = (),
    alerts: pd.DataFrame | None = None,
    records: Mapping[tuple[str, int], Mapping[Kind, tuple[pd.DataFrame, pd.DataFrame]]] | None = None,
) -> Companions:
    """Join episodes with what happened at the same time.

    Parameters
    ----------
    spent : Spending
        Episodes in which budget was used.
    moments : sequence of Moment
        Restarts and annotations; those from two hours before an episode to its end are its companions.
    alerts : DataFrame, optional
        Frame contract ``EPISODES``; alerts that began from ten minutes before an episode to its end.
    records : mapping, optional
        By ``(objective, episode)`` and kind (``log``, ``span``): frames of lines or spans in the episode and in as
        much time before it. Messages are compared as templates; those that the time before had as often are left out.
    """
    rows: list[dict[str, Any]] = []
    episodes = spent.frame[spent.frame["kind"] == "episode"]
    for row in episodes.itertuples():
        span = TimeRange(row.start, row.end)
        mine = [moment for moment in moments if moment.objective in ("", row.objective)]
        own: list[dict[str, Any]] = [*_moments(span, mine)]
        if alerts is not None:
            own += _alerts(span, alerts)
        for kind, (inside, before) in (records or {}).get((str(row.objective), int(row.episode)), {}).items():
            own += _records(kind, inside, before)
        for event in own:
            lag = (event["time"] - row.start).total_seconds()
            rows.append({"objective": row.objective, "episode": row.episode, "before": 0, **event, "lag_s": lag})
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["time"] = pd.to_datetime(frame["time"], utc=True).dt.as_unit("ms")
    frame["_order"] = frame["kind"].map(_ORDER)
    frame = frame.sort_values(["objective", "episode", "_order", "time"], kind="stable", ignore_index=True)
    return Companions(frame.drop(columns="_order"), as_of=spent.as_of)


def _moments(span: TimeRange, moments: Sequence[Moment]) -> Iterable[dict[str, Any]]:
    near = sorted(
        (
            moment
            for moment in moments
            if (moment.time - span.start).total_seconds() >= -BEFORE_S and moment.time <= span.end
        ),
        key=lambda moment: (moment.kind, moment.time),
    )
    group: list[Moment] = []
    for following in [*near, None]:
        apart = following is None or not group or following.kind != group[-1].kind or following.kind != "restart"
        if group and (
            apart or (following is not None and (following.time - group[-1].time).total_seconds() > TOGETHER_S)
        ):
            names = ", ".join(dict.fromkeys(each.detail for each in group if each.detail))
            yield {"kind": group[0].kind, "what": group[0].what, "time": group[0].time, "count": len(group),
                   "detail": names}  # fmt: skip
            group = []
        if following is not None:
            group.append(following)


def _alerts(span: TimeRange, alerts: pd.DataFrame) -> Iterable[dict[str, Any]]:
    began = (alerts["starts_at"] >= span.start - pd.Timedelta(minutes=10)) & (alerts["starts_at"] <= span.end)
    for name, part in alerts[began].groupby("alertname", observed=True, sort=False):
        first = part.sort_values("starts_at").iloc[0]
        yield {"kind": "alert", "what": str(name), "time": first["starts_at"], "count": len(part),
               "detail": str(first["severity"])}  # fmt: skip


def _records(kind: Kind, inside: pd.DataFrame, before: pd.DataFrame) -> Iterable[dict[str, Any]]:
    if inside.empty:
        return
    column = "time_ns" if kind == "log" else "start_ns"
    names, earlier = _named(kind, inside), _named(kind, before)
    counts, known = names.value_counts(), earlier.value_counts()
    risen = counts[counts > 2 * known.reindex(counts.index, fill_value=0) + 1]
    for what, count in risen.head(MOST).items():
        mine = inside[names == what]
        first = mine.loc[mine[column].idxmin()]
        yield {
            "kind": kind,
            "what": str(what),
            "time": pd.Timestamp(int(first[column]), unit="ns", tz="UTC"),
            "count": int(count),
            "before": int(known.get(what, 0)),
            "detail": str(first["message"]) if kind == "log" else str(first["trace_id"]),
        }


def _named(kind: Kind, frame: pd.DataFrame) -> pd.Series:
    if frame.empty:
        return pd.Series(dtype="str")
    if kind == "log":
        return frame["service"].astype("str") + ": " + frame["message"].astype("str").map(template)
    return frame["service"].astype("str") + " " + frame["operation"].astype("str")
