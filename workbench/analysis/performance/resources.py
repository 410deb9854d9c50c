"""How much of each resource was in use: means, peaks and when, from a value every few minutes.

Utilisation, saturation and errors of every resource (B. Gregg, *Thinking Methodically about Performance*, ACM Queue
10(12), 2012): a share of capacity or an amount is utilisation, work that waits is saturation, restarts are errors.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.result import Result
from workbench.core.series import Metrics

Floats = NDArray[np.float64]
Aspect = Literal["utilisation", "saturation", "errors"]

#: Most points a series keeps for charts; neighbours are joined to their mean.
POINTS = 250


@dataclass(frozen=True)
class MeasuredResource:
    """One resource of a system and its values on a regular grid.

    Attributes
    ----------
    resource : str
        Word of the catalog: ``cpu``, ``memory``, ``disk``, ``connections``, ``queue``, ...
    title : str
    aspect : {"utilisation", "saturation", "errors"}
    unit : str
    answer : Metrics
        A series a group, labels as the system has them. [``unit``]
    """

    resource: str
    title: str
    aspect: Aspect
    unit: str
    answer: Metrics


@dataclass(frozen=True, eq=False, repr=False)
class ResourceUse(Result):
    """Use of each resource over the period; one row per resource and group, fullest first within a resource.

    Columns of ``frame``:

    ========= =============================================================================
    resource  word of the catalog (str)
    title     (str)
    aspect    utilisation, saturation or errors (str)
    group     labels of the series, empty for a single one (str)
    unit      (str)
    mean      mean of the observed values [``unit``]
    p95       value that 95 % of the observed ones do not exceed [``unit``]
    peak      highest observed value [``unit``]
    peak_at   when it was observed first [UTC]
    last      newest observed value [``unit``]
    observed  observed share of the period [ratio]
    ========= =============================================================================
    """

    step_ms: int


@dataclass(frozen=True, eq=False, repr=False)
class ResourceHistory(Result):
    """The same over time, joined to at most 250 steps; one row per resource, group and step.

    Columns of ``frame``:

    ================ ==================================================================
    title, group, unit  as in :class:`ResourceUse` (str)
    time             end of the step [UTC]
    mean             mean of the observed values; NaN where nothing was [``unit``]
    peak             highest observed value; NaN where nothing was [``unit``]
    ================ ==================================================================
    """

    step_ms: int


@dataclass(frozen=True, eq=False, repr=False)
class ResourceErrors(Result):
    """What went wrong with resources; one row per resource and group, most first.

    Columns of ``frame``:

    ===== ===============================
    title what is counted (str)
    group labels of the series (str)
    count exact increase [``unit``]
    unit  (str)
    ===== ===============================
    """


def resource_errors(counts: Sequence[tuple[str, str, Mapping[str, float]]]) -> ResourceErrors:
    """Put counts of errors of resources, e.g. restarts, in one table.

    Parameters
    ----------
    counts : sequence
        (title, unit, group -> exact increase). [unit]
    """
    rows = [
        {"title": title, "group": group, "count": count, "unit": unit}
        for title, unit, groups in counts
        for group, count in sorted(groups.items(), key=lambda item: (-item[1], item[0]))
    ]
    return ResourceErrors(pd.DataFrame(rows, columns=["title", "group", "count", "unit"]))


def resource_use(resources: Sequence[MeasuredResource], *, step_ms: int) -> ResourceUse:
    """Describe each resource over the period.

    Parameters
    ----------
    resources : sequence of MeasuredResource
        Resources with their readings and limits.
    step_ms : int
        Step of their grid, over which each value is a mean. [ms]

    Examples
    --------
    >>> seen = np.array([[True, True, False, True]])
    >>> answer = Metrics(np.arange(1, 5) * 60_000, ({"instance": "a"},), np.array([[0.2, 0.8, np.nan, 0.5]]), seen)
    >>> use = resource_use([MeasuredResource("cpu", "CPU", "utilisation", "ratio", answer)], step_ms=60_000)
    >>> use.frame[["group", "mean", "peak", "last", "observed"]].values.tolist()
    [['a', 0.5, 0.8, 0.5, 0.75]]
    """
    rows = []
    for resource in resources:
        known = resource.answer.present & np.isfinite(resource.answer.values)
        part = []
        for labels, values, mask in zip(resource.answer.labels, resource.answer.values, known, strict=True):
            if not mask.any():
                continue
            seen = values[mask]
            part.append(
                {
                    "resource": resource.resource,
                    "title": resource.title,
                    "aspect": resource.aspect,
                    "group": group_text(labels),
                    "unit": resource.unit,
                    "mean": float(seen.mean()),
                    "p95": float(np.quantile(seen, 0.95)),
                    "peak": float(seen.max()),
                    "peak_at": resource.answer.times[np.flatnonzero(mask)[seen.argmax()]],
                    "last": float(seen[-1]),
                    "observed": float(mask.mean()),
                }
            )
        rows.extend(sorted(part, key=lambda row: (-row["peak"], row["group"])))
    columns = ["resource", "title", "aspect", "group", "unit", "mean", "p95", "peak", "peak_at", "last", "observed"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["peak_at"] = pd.to_datetime(frame["peak_at"], unit="ms", utc=True).dt.as_unit("ms")
    return ResourceUse(frame, step_ms=step_ms)


def resource_history(resources: Sequence[MeasuredResource], *, step_ms: int, points: int = POINTS) -> ResourceHistory:
    """Join the values of each resource to at most ``points`` steps."""
    names, times, size = [], [], 1
    means: list[Floats] = []
    peaks: list[Floats] = []
    for resource in resources:
        answer = resource.answer
        size = max(1, -(-len(answer.times) // points))
        ends = np.minimum(np.arange(size - 1, len(answer.times) + size - 1, size), len(answer.times) - 1)
        mean, peak = _joined(np.where(answer.present & np.isfinite(answer.values), answer.values, np.nan), size)
        names += [(resource.title, group_text(labels), resource.unit) for labels in answer.labels]
        times += [answer.times[ends]] * len(answer.labels)
        means, peaks = [*means, *mean], [*peaks, *peak]
    columns = ["title", "group", "unit", "time", "mean", "peak"]
    if not names:
        return ResourceHistory(pd.DataFrame(columns=columns), step_ms=step_ms * size)
    rows = np.repeat(np.arange(len(names)), list(map(len, times)))
    frame = pd.DataFrame(names, columns=columns[:3]).take(rows).reset_index(drop=True)
    frame["time"] = pd.to_datetime(np.concatenate(times), unit="ms", utc=True).as_unit("ms")
    frame["mean"], frame["peak"] = np.concatenate(means), np.concatenate(peaks)
    return ResourceHistory(frame, step_ms=step_ms * size)


def group_text(labels: Mapping[str, str]) -> str:
    """Return the label values of a series in the order of their names.

    Examples
    --------
    >>> group_text({"mountpoint": "/data", "instance": "node-1"})
    'node-1 /data'
    """
    return " ".join(labels[name] for name in sorted(labels) if name != "__name__")


def _joined(values: Floats, size: int) -> tuple[Floats, Floats]:
    """Means and peaks of so many neighbours, of each series."""
    series, steps = values.shape
    parts = np.full((series, -(-steps // size), size), np.nan)
    parts.reshape(series, parts.shape[1] * size)[:, :steps] = values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(parts, axis=2), np.nanmax(parts, axis=2)
