"""A figure is drawn once for all readers of an answer, and never shown for another one."""

import pandas as pd
import plotly.graph_objects as go
import pytest

from workbench.core.result import Result, Study
from workbench.studies.answers import asking
from workbench.studies.answers.document import study_bytes, study_of
from workbench.ui.parts.drawn import drawn

calls: list[str] = []


def level(value: float) -> Result:
    return Result(pd.DataFrame({"value": [value]}))


def figure(result: Result, name: str = "", *, mode: str) -> go.Figure:
    calls.append(mode)
    return go.Figure(go.Scatter(y=result.frame["value"].tolist(), name=f"{name} {mode}"))


def test_the_same_results_are_drawn_once() -> None:
    result, before = level(1.0), len(calls)
    first = drawn(figure, result, "a", mode="light")
    assert drawn(figure, result, "a", mode="light") is first
    assert len(calls) == before + 1


def test_another_result_argument_theme_or_default_is_another_figure() -> None:
    result, equal = level(2.0), level(2.0)
    named = [lambda each, mode, name=name: figure(each, name, mode=mode) for name in ("a", "b")]
    figures = [
        drawn(figure, result, "a", mode="light"),
        drawn(figure, equal, "a", mode="light"),
        drawn(figure, result, "b", mode="light"),
        drawn(figure, result, "a", mode="dark"),
        *(drawn(draw, result, mode="light") for draw in named),
    ]
    assert len({id(each) for each in figures}) == len(figures)
    assert [each.data[0].name for each in figures[-2:]] == ["a light", "b light"]


def test_a_closure_is_drawn_every_time() -> None:
    result = level(3.0)

    def closed(name: str) -> str:
        made = drawn(lambda each, mode: figure(each, name, mode=mode), result, mode="light")
        return str(made.data[0].name)

    assert [closed("a"), closed("b")] == ["a light", "b light"]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["overview.py", "performance.py", "cost.py", "capacity.py"])
def test_drawing_a_page_changes_nothing_of_the_answer_that_readers_share(visit, monkeypatch, page):
    kept = []

    def read(content: bytes) -> Study:
        kept.append((content, study_of(content)))
        return kept[-1][1]

    asking._read.cache_clear()
    monkeypatch.setattr(asking, "study_of", read)
    for _ in range(2):
        assert not visit(page, system="conduit").exception
    asking._read.cache_clear()
    assert kept
    assert all(study_bytes(study) == study_bytes(study_of(content)) for content, study in kept)
