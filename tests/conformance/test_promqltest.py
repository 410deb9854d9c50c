"""Prometheus' own language tests, one test per eval, named by file and line.

``PROMQLTEST_DIR`` points at another folder of ``.test`` files. Known misses stand in ``known_misses.txt`` with their
cause; ``python tests/conformance/list_misses.py`` writes that file anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from promql_samples import alike, equal
from promql_script import Eval, read_script, store_of

from workbench.core.errors import QueryRejected
from workbench.core.histograms import Histogram
from workbench.core.series import Metrics, label_key
from workbench.promql import evaluate_instant, evaluate_range, parse
from workbench.promql.parser.nodes import Selector, String, Subquery, bare

HERE = Path(__file__).parent
SHIPPED = HERE / "promqltest" / "v3.5.3"
FOLDER = Path(os.environ.get("PROMQLTEST_DIR", SHIPPED))
MISSES = HERE / "known_misses.txt"


OWN = HERE / "own.test"


def all_evals() -> list[Eval]:
    return [found for path in sorted(FOLDER.glob("*.test")) for found in read_script(path)]


def known_misses() -> dict[str, str]:
    if FOLDER != SHIPPED or not MISSES.exists():
        return {}
    lines = (line for line in MISSES.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("\t") for line in lines)


def parameters() -> list[object]:
    misses = known_misses()
    return [pytest.param(one, id=one.name, marks=marks(misses.get(one.name))) for one in all_evals()]


def marks(cause: str | None) -> list[pytest.MarkDecorator]:
    return [] if cause is None else [pytest.mark.xfail(reason=cause, strict=True)]


@pytest.mark.parametrize("one", read_script(OWN), ids=lambda one: one.name)
def test_a_script_of_our_own_holds(one: Eval) -> None:
    judge(one)


@pytest.mark.slow
@pytest.mark.parametrize("one", parameters())
def test_eval_gives_what_prometheus_gives(one: Eval) -> None:
    judge(one)


def judge(one: Eval) -> None:
    store = store_of(one.loads)
    if one.wants("fail"):
        with pytest.raises(QueryRejected) as caught:
            answer_of(one)
        check_message(one, re.sub(r"^\d+:\d+: ", "", caught.value.message))
        return
    if one.text is not None:
        assert bare(parse(one.query)) == String(one.text)
        return
    answer = answer_of(one)
    check_notes(one, "warn", answer.meta["warnings"])
    check_notes(one, "info", answer.meta["infos"])
    check_values(one, answer, 0)
    if one.instant and not one.wants("ordered") and not gives_samples(one.query):
        start, end = one.start_ms - 60_000, one.start_ms + 60_000
        around = evaluate_range(one.query, store, start_ms=start, end_ms=end, step_ms=60_000, experimental=True)
        check_values(one, around, 1)


def gives_samples(query: str) -> bool:
    """Whether the query is a range vector, which only an instant query can give."""
    tree = bare(parse(query))
    return isinstance(tree, Subquery) or (isinstance(tree, Selector) and tree.range_ms is not None)


@pytest.mark.slow
def test_the_documented_list_of_misses_is_of_now() -> None:
    from list_misses import DOCS, section

    if FOLDER == SHIPPED:
        assert section(all_evals(), known_misses()) in DOCS.read_text(), "run tests/conformance/list_misses.py"


def answer_of(one: Eval) -> Metrics:
    store = store_of(one.loads)
    if one.instant:
        return evaluate_instant(one.query, store, time_ms=one.start_ms, experimental=True)
    return evaluate_range(
        one.query, store, start_ms=one.start_ms, end_ms=one.end_ms, step_ms=one.step_ms, experimental=True
    )


def check_message(one: Eval, message: str) -> None:
    for how, text in one.wants("fail"):
        if how == "msg":
            assert message == text
        elif how == "regex":
            assert re.search(text, message)


def check_notes(one: Eval, kind: str, notes: tuple[str, ...]) -> None:
    texts = [re.sub(r" \(\d+:\d+\)$", "", note) for note in notes]
    if one.wants(f"no_{kind}"):
        assert not texts
    wanted = one.wants(kind)
    if not wanted:
        return
    assert texts, f"no {kind} annotation"
    for how, text in wanted:
        if how:
            assert any(text == found if how == "msg" else re.search(text, found) for found in texts), texts
    if all(how for how, _ in wanted):
        for found in texts:
            assert any(text == found if how == "msg" else re.search(text, found) for how, text in wanted), found


def check_samples(one: Eval, answer: Metrics, times: range) -> None:
    """Compare the samples of a range vector with points at even distances."""
    assert {label_key(labels) for labels in answer.labels} == {label_key(labels) for labels, _ in one.series}
    for labels, points in one.series:
        row = [label_key(own) for own in answer.labels].index(label_key(labels))
        wanted = {time: point for time, point in zip(times, points, strict=False) if point is not None}
        assert answer.times[answer.present[row]].tolist() == list(wanted)
        for step in np.flatnonzero(answer.present[row]):
            check_point(one, answer.histogram(row, step) or float(answer.values[row, step]), wanted[answer.times[step]])


def check_point(one: Eval, ours: float | Histogram, theirs: float | Histogram) -> None:
    kinds = isinstance(ours, Histogram), isinstance(theirs, Histogram)
    same = alike(ours, theirs) if all(kinds) else not any(kinds) and equal(ours, theirs)
    assert same, f"{one.name} is {ours!r}, not {theirs!r}"


def check_values(one: Eval, answer: Metrics, column: int) -> None:
    """Compare a whole range, or for an instant the one column that was asked for."""
    if one.sample_times is not None:
        check_samples(one, answer, one.sample_times)
        return
    if one.scalar is not None:
        assert equal(float(answer.values[0, column]), one.scalar)
        return
    found = {}
    order = []
    for series, (labels, values, present) in enumerate(zip(answer.labels, answer.values, answer.present, strict=True)):
        steps = [column] if one.instant else range(len(answer.times))
        if present[steps].any():
            row = [(answer.histogram(series, s) or float(values[s])) if present[s] else None for s in steps]
            found[label_key(labels)] = row
            order.append(label_key(labels))
    wanted = {label_key(labels): points for labels, points in one.series}
    assert set(found) == set(wanted)
    if one.wants("ordered"):
        assert order == list(wanted)
    for key, points in wanted.items():
        row = found[key]
        for step, ours in enumerate(row):
            theirs = points[step] if step < len(points) else None
            if ours is None or theirs is None:
                assert ours is None, f"{dict(key)} has a point at step {step}"
                assert theirs is None, f"{dict(key)} has no point at step {step}"
            else:
                check_point(one, ours, theirs)
