"""How a service performs: rate, errors and duration of its flows, availability, limits and caches.

Rate, errors, duration: T. Wilkie, *The RED Method*, 2018. Counts are exact increases, shares are ratios of totals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.counting.amounts import added, summed
from workbench.core.result import Result
from workbench.core.series import Metrics
from workbench.core.timerange import TimeRange

#: Quantiles shown everywhere, by the name of their column.
QUANTILES: Mapping[str, float] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

#: Name of a group of requests without the label.
NOT_GIVEN = "(not given)"

#: Groups shown one by one; the rest is one row.
TOP = 10


@dataclass(frozen=True)
class Flow:
    """A stream of requests and the roles that count and time it; an empty role is not measured.

    Attributes
    ----------
    name : str
        Its role, e.g. ``requests.generation``.
    title, unit : str
    errors, limited, duration : str
        Roles that count its errors and refusals and time it.
    dimensions, error_dimensions, limited_dimensions : tuple of str
        Labels by which requests, errors and refusals can be split.
    """

    name: str
    title: str
    unit: str
    errors: str = ""
    limited: str = ""
    duration: str = ""
    dimensions: tuple[str, ...] = ()
    error_dimensions: tuple[str, ...] = ()
    limited_dimensions: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class ServiceFlows(Result):
    """Rate, errors and duration over the period; one row per flow, and one a group of each of its labels.

    Columns of ``frame``:

    ============= ====================================================================================
    flow, title   role and title (str)
    dimension     label the row is split by, empty for the whole flow (str)
    group         value of the label, empty for the whole flow (str)
    unit          what is counted (str)
    requests      exact count; NaN where only durations are measured [``unit``]
    rate          requests / observed part of the period [``unit``/s]
    errors        exact count; NaN where not measured [``unit``]
    error_ratio   errors / requests; NaN where not measured or nothing happened [ratio]
    limited       refused by a limit, exact count; NaN where not measured [``unit``]
    p50, p95, p99 quantiles of the duration over the whole period; NaN where not measured [s]
    coverage      observed share of the period [ratio]
    ============= ====================================================================================
    """

    period: TimeRange


@dataclass(frozen=True, eq=False, repr=False)
class FlowHistory(Result):
    """Rate, errors and duration over time; one row per flow and step, oldest first.

    Columns of ``frame``:

    ============= ====================================================================
    flow, title   role and title (str)
    time          end of the step [UTC]
    rate          PromQL rate over the step; NaN where missing [1/s]
    error_ratio   share of errors of the step; NaN where missing [ratio]
    p50, p95, p99 quantiles of the step; NaN where missing [s]
    ============= ====================================================================
    """

    step_ms: int


@dataclass(frozen=True, eq=False, repr=False)
class Availability(Result):
    """Share of the time, or of the requests, that something answered; one row per thing, least available first.

    Columns of ``frame``:

    ========= =====================================================================================
    basis     ``requests`` (without errors / all), ``probes`` or ``scrapes`` (answered / all) (str)
    title     what answers (str)
    dimension label, e.g. ``provider``, ``deployment``, ``instance`` (str)
    group     which one (str)
    share     [ratio]
    total     requests counted; NaN for probes and scrapes [count]
    ========= =====================================================================================
    """


@dataclass(frozen=True, eq=False, repr=False)
class LimitState(Result):
    """Refused requests and what is left under limits; one row per flow or group.

    Columns of ``frame``:

    ======== ==========================================================================
    title    what is limited (str)
    group    which part of it; empty for the whole (str)
    refused  requests refused by a limit; NaN where not measured [count]
    share    refused / all requests of the flow; NaN where not measured [ratio]
    left     newest amount left under the limit; NaN where not measured [``unit``]
    least    least amount left in the period; NaN where not measured [``unit``]
    unit     (str)
    ======== ==========================================================================
    """


@dataclass(frozen=True, eq=False, repr=False)
class CacheUse(Result):
    """How often caches answered; one row per cache or group.

    Columns of ``frame``:

    ========== ==========================================================================================
    title      which cache (str)
    group      which part of it; empty for the whole (str)
    hits       exact count; NaN where the system states only a share [count]
    misses     exact count; NaN where the system states only a share [count]
    hit_ratio  hits / (hits + misses), else the mean of the share that the system states [ratio]
    ========== ==========================================================================================
    """


def service_flows(
    ledger: pd.DataFrame,
    coverage: Mapping[str, float],
    flows: Sequence[Flow],
    quantiles: Mapping[tuple[str, str], Mapping[str, Mapping[str, float]]],
    *,
    period: TimeRange,
    top: int = TOP,
) -> ServiceFlows:
    """Put counts and quantiles of each flow together.

    Parameters
    ----------
    ledger : DataFrame
        Amounts of the roles over the period, see :mod:`workbench.analysis.cost.ledger`.
    coverage : mapping
        Observed share of the period by role. [ratio]
    flows : sequence of Flow
        Requests of the profile, with their counters and histograms.
    quantiles : mapping
        (flow, dimension) -> group -> ``p50``, ``p95``, ``p99``. [s]
    period : TimeRange
        Period to read, without its end.
    top : int
        Groups shown one by one. [count]

    Notes
    -----
    An error ratio is errors over requests of the same period, a rate is requests over the part of it that was
    observed. A flow whose errors no role counts has none, not zero.
    """
    rows: list[dict[str, Any]] = []
    counted = _Counted(ledger)
    for flow in flows:
        covered = coverage.get(flow.name, 0.0)
        observed_s = covered * period.seconds
        row = {"flow": flow.name, "title": flow.title, "unit": flow.unit, "coverage": covered}
        whole = {part: counted.whole(role) if covered else np.nan for part, role in _parts(flow).items()}
        timed = dict(quantiles.get((flow.name, ""), {}).get("", {}))
        rows.append({**row, "dimension": "", "group": "", **_figures(whole, observed_s), **timed})
        for dimension in flow.dimensions if covered else ():
            counts = _split(counted, flow, dimension)
            groups = sorted(counts.index, key=lambda group: (-counts.loc[group, "requests"], group))
            shown = groups if len(groups) <= top + 1 else groups[:top]
            for group in shown:
                timed = dict(quantiles.get((flow.name, dimension), {}).get(group, {}))
                figures = _figures(dict(counts.loc[group]), observed_s)
                rows.append({**row, "dimension": dimension, "group": group, **figures, **timed})
            if others := groups[len(shown) :]:
                figures = _figures(dict(counts.loc[others].sum(skipna=False)), observed_s)
                rows.append({**row, "dimension": dimension, "group": f"{len(others)} others", **figures})
    head = ["flow", "title", "dimension", "group", "unit", "requests", "rate", "errors", "error_ratio", "limited"]
    frame = pd.DataFrame(rows, columns=[*head, *QUANTILES, "coverage"])
    numbers = [*head[5:], *QUANTILES, "coverage"]
    frame[numbers] = frame[numbers].astype("float64")
    return ServiceFlows(frame, period=period)


def flow_history(answers: Mapping[str, tuple[str, Mapping[str, Metrics]]], *, step_ms: int) -> FlowHistory:
    """Put the answers of the queries of each flow side by side.

    Parameters
    ----------
    answers : mapping
        Flow -> its title, and column -> matrix of at most one series.
    step_ms : int
        [ms]
    """
    columns, frames = ["rate", "error_ratio", *QUANTILES], []
    for flow, (title, parts) in answers.items():
        times = next((answer.times for answer in parts.values()), np.zeros(0, np.int64))
        known = {name: _single(answer) for name, answer in parts.items()}
        frames.append(
            pd.DataFrame(
                {
                    "flow": flow,
                    "title": title,
                    "time": pd.to_datetime(times, unit="ms", utc=True).as_unit("ms"),
                    **{name: known.get(name, np.full(len(times), np.nan)) for name in columns},
                }
            )
        )
    names = ["flow", "title", "time", *columns]
    return FlowHistory(pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names), step_ms=step_ms)


def availability(flows: ServiceFlows, stated: Sequence[tuple[str, str, str, Mapping[str, float]]]) -> Availability:
    """Collect what answered how often: providers by their requests, and what probes and scrapes say.

    Parameters
    ----------
    flows : ServiceFlows
        Counts and quantiles of each flow.
    stated : sequence
        (basis, title, dimension, group -> share) of gauges that are 1 or 0. [ratio]
    """
    rows = [
        {"basis": "requests", "title": row.title, "dimension": row.dimension, "group": row.group}
        | {"share": 1 - row.error_ratio, "total": row.requests}
        for row in flows.frame.itertuples()
        if row.dimension in ("provider", "deployment") and np.isfinite(row.error_ratio)
    ]
    for basis, title, dimension, shares in stated:
        rows += [
            {"basis": basis, "title": title, "dimension": dimension, "group": group, "share": share, "total": np.nan}
            for group, share in shares.items()
        ]
    frame = pd.DataFrame(rows, columns=["basis", "title", "dimension", "group", "share", "total"])
    frame = frame.astype({"share": "float64", "total": "float64"})
    return Availability(frame.sort_values(["share", "group"], kind="stable", ignore_index=True))


def limit_state(flows: ServiceFlows, left: Sequence[tuple[str, str, Mapping[str, tuple[float, float]]]]) -> LimitState:
    """Collect refused requests by flow and group, and what is left under limits.

    Parameters
    ----------
    flows : ServiceFlows
        Counts and quantiles of each flow.
    left : sequence
        (title, unit, group -> (newest, least)) of gauges of what is left. [unit]
    """
    none = {"left": np.nan, "least": np.nan}
    rows = [
        {"title": row.title, "group": row.group, "refused": row.limited, "unit": row.unit}
        | {"share": row.limited / row.requests if row.requests else np.nan}
        | none
        for row in flows.frame.itertuples()
        if np.isfinite(row.limited) and (not row.dimension or row.limited)
    ]
    for title, unit, groups in left:
        rows += [
            {"title": title, "group": group, "refused": np.nan, "unit": unit, "share": np.nan}
            | {"left": newest, "least": least}
            for group, (newest, least) in groups.items()
        ]
    return LimitState(pd.DataFrame(rows, columns=["title", "group", "refused", "share", "left", "least", "unit"]))


def cache_use(
    ledger: pd.DataFrame, caches: Sequence[tuple[str, str, str, str]], stated: Sequence[tuple[str, Mapping[str, float]]]
) -> CacheUse:
    """Divide hits by look-ups.

    Parameters
    ----------
    ledger : DataFrame
        Amounts of the roles over the period.
    caches : sequence
        (title, role of hits, role of misses, dimension or empty).
    stated : sequence
        (title, group -> share) of gauges by which a system states a share itself. [ratio]
    """
    rows: list[dict[str, Any]] = []
    counted = _Counted(ledger)
    for title, hit_role, miss_role, dimension in caches:
        pairs = [("", counted.whole(hit_role), counted.whole(miss_role))]
        if dimension:
            hits, misses = counted.by(hit_role, dimension), counted.by(miss_role, dimension)
            pairs += [(group, hits.get(group, 0.0), misses.get(group, 0.0)) for group in sorted({**hits, **misses})]
        for group, hit, miss in pairs:
            ratio = hit / (hit + miss) if hit + miss > 0 else np.nan
            rows.append({"title": title, "group": group, "hits": hit, "misses": miss, "hit_ratio": ratio})
    for title, shares in stated:
        rows += [
            {"title": title, "group": group, "hits": np.nan, "misses": np.nan, "hit_ratio": share}
            for group, share in shares.items()
        ]
    return CacheUse(pd.DataFrame(rows, columns=["title", "group", "hits", "misses", "hit_ratio"]))


def _parts(flow: Flow) -> dict[str, str]:
    return {"requests": flow.name, "errors": flow.errors, "limited": flow.limited}


class _Counted:
    """What each role counted; its rows are looked for once, and each split of them is made once."""

    def __init__(self, ledger: pd.DataFrame) -> None:
        self._rows = {str(role): rows for role, rows in ledger.groupby("role", observed=True, sort=False)}
        self._none = ledger[:0]
        self._splits: dict[tuple[str, str], dict[str, float]] = {}

    def whole(self, role: str) -> float:
        """Return what a role counted; NaN when there is no such role."""
        return float(added(self._rows.get(role, self._none)["amount"])) if role else np.nan

    def by(self, role: str, dimension: str) -> dict[str, float]:
        """Return what a role counted by the values of a label."""
        if (role, dimension) not in self._splits:
            sums = summed(self._rows.get(role, self._none), [dimension])
            pairs = zip(sums[dimension], sums["amount"], strict=True)
            self._splits[role, dimension] = {str(group) or NOT_GIVEN: float(amount) for group, amount in pairs}
        return self._splits[role, dimension]


def _split(counted: _Counted, flow: Flow, dimension: str) -> pd.DataFrame:
    """Count a flow by the groups of a label; NaN where a part has no such label, 0 where it counted nothing."""
    labels = (flow.dimensions, flow.error_dimensions, flow.limited_dimensions)
    counts: dict[str, dict[str, float] | float] = {}
    groups = counted.by(flow.name, dimension)
    for (part, role), known in zip(_parts(flow).items(), labels, strict=True):
        if not role or dimension not in known:
            counts[part] = np.nan
        else:
            sums = counted.by(role, dimension)
            counts[part] = {group: sums.get(group, 0.0) for group in groups}
    return pd.DataFrame(counts, index=list(groups), columns=["requests", "errors", "limited"], dtype=np.float64)


def _figures(counts: Mapping[str, float], observed_s: float) -> dict[str, float]:
    requests, errors = counts["requests"], counts["errors"]
    return {
        **counts,
        "rate": requests / observed_s if observed_s > 0 else np.nan,
        "error_ratio": errors / requests if requests > 0 else np.nan,
    }


def _single(answer: Metrics) -> Any:
    if not len(answer.labels):
        return np.full(len(answer.times), np.nan)
    return np.where(answer.present, answer.values, np.nan)[0]
