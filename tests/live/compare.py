"""One query asked of a real server and of the engine, compared series for series and step for step."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import WorkbenchError
from workbench.core.series import LabelKey, Metrics, label_key
from workbench.promql import SampleStore, evaluate_range, parse, print_query
from workbench.promql.parser.nodes import Node, Selector, String, Subquery, children

Rows = dict[LabelKey, tuple[NDArray[np.float64], NDArray[np.bool_]]]

#: Agreement asked for, relative to the larger of the result and the operands it was made from.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Grid:
    """Steps of a range query. [ms since the epoch, ms]"""

    start_ms: int
    end_ms: int
    step_ms: int

    @property
    def times(self) -> NDArray[np.int64]:
        """Evaluation times. [ms]"""
        return np.arange(self.start_ms, self.end_ms + 1, self.step_ms, dtype=np.int64)


@dataclass(frozen=True)
class Refusal:
    """A query that was not answered, with the words of whoever refused it."""

    text: str


def server_answer(url: str, query: str, grid: Grid) -> Rows | Refusal:
    """Ask a Prometheus; plain JSON, so that the comparison does not rest on the workbench's own decoder."""
    form = {"query": query, "start": grid.start_ms / 1000, "end": grid.end_ms / 1000, "step": grid.step_ms / 1000}
    request = urllib.request.Request(f"{url}/api/v1/query_range", urllib.parse.urlencode(form).encode())
    try:
        with urllib.request.urlopen(request, timeout=150) as answer:
            result = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        return Refusal(error.read().decode(errors="replace"))
    rows: Rows = {}
    for row in result:
        values, present = np.full(len(grid.times), np.nan), np.zeros(len(grid.times), np.bool_)
        at = np.array([round(float(time) * 1000) for time, _ in row["values"]], np.int64)
        steps = (at - grid.start_ms) // grid.step_ms
        values[steps], present[steps] = [float(value) for _, value in row["values"]], True
        rows[label_key(row["metric"])] = (values, present)
    return rows


def engine_answer(store: SampleStore, query: str, grid: Grid, semantics: str) -> Rows | Refusal:
    """Ask the engine; only the workbench's own errors count as a refusal."""
    try:
        answer: Metrics = evaluate_range(
            query, store, start_ms=grid.start_ms, end_ms=grid.end_ms, step_ms=grid.step_ms, semantics=semantics
        )
    except WorkbenchError as error:
        return Refusal(str(error))
    rows: Rows = {}
    for labels, values, present in zip(answer.labels, answer.values, answer.present, strict=True):
        assert label_key(labels) not in rows, f"{query}: {labels} comes twice"
        if present.any():
            rows[label_key(labels)] = (values, present)
    return rows


def disagreement(store: SampleStore, url: str, query: str, grid: Grid, semantics: str) -> str:
    """Say in one text how engine and server differ on a query; empty when they agree."""
    theirs, ours = server_answer(url, query, grid), engine_answer(store, query, grid, semantics)
    where = f"{semantics}: {query}\n  start {grid.start_ms} end {grid.end_ms} step {grid.step_ms}"
    if isinstance(theirs, Refusal) or isinstance(ours, Refusal):
        if isinstance(theirs, Refusal) and isinstance(ours, Refusal):
            return ""
        return f"{where}\n  server: {_brief(theirs)}\n  engine: {_brief(ours)}"
    if theirs.keys() != ours.keys():
        missing, extra = theirs.keys() - ours.keys(), ours.keys() - theirs.keys()
        return f"{where}\n  engine lacks {sorted(missing)[:3]}\n  engine adds {sorted(extra)[:3]}"
    scale: NDArray[np.float64] | None = None
    for key, (wanted, there) in theirs.items():
        found, here = ours[key]
        if (there != here).any():
            step = int(np.flatnonzero(there != here)[0])
            return f"{where}\n  {dict(key)}\n  present at {grid.times[step]}: server {there[step]}, engine {here[step]}"
        wrong = ~_equal(found, wanted, np.zeros(len(wanted)))
        if wrong.any():
            scale = operand_scale(store, query, grid, semantics) if scale is None else scale
            wrong = ~_equal(found, wanted, scale)
        if wrong.any():
            step = int(np.flatnonzero(wrong)[0])
            return f"{where}\n  {dict(key)}\n  at {grid.times[step]}: server {wanted[step]!r}, engine {found[step]!r}"
    return ""


def _equal(found: NDArray[np.float64], wanted: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        larger = np.maximum(np.maximum(np.abs(found), np.abs(wanted)), scale)
        near = np.abs(found - wanted) <= TOLERANCE * larger
    same: NDArray[np.bool_] = (found == wanted) | (np.isnan(found) & np.isnan(wanted)) | (near & np.isfinite(wanted))
    return same


def operand_scale(store: SampleStore, query: str, grid: Grid, semantics: str) -> NDArray[np.float64]:
    """Return the largest finite magnitude, step by step, of anything the result was computed from.

    A difference of two nearly equal numbers is as exact as they are, not as it is.
    """
    scale = np.zeros(len(grid.times))
    for operand in _operands(parse(query)):
        answer = engine_answer(store, operand, grid, semantics)
        if not isinstance(answer, Refusal):
            for values, _ in answer.values():
                np.maximum(scale, np.where(np.isfinite(values), np.abs(values), 0.0), out=scale)
    return scale


def _operands(node: Node) -> list[str]:
    found: list[str] = []
    for child in children(node):
        if isinstance(child, Subquery) or (isinstance(child, Selector) and child.range_ms is not None):
            found += [f"{extreme}_over_time({print_query(child)})" for extreme in ("max", "min")]
        elif not isinstance(child, String):
            found.append(print_query(child))
        found += _operands(child)
    return found


def _brief(answer: Rows | Refusal) -> str:
    return f"refused: {answer.text[:300]}" if isinstance(answer, Refusal) else f"{len(answer)} series"
