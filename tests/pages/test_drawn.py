"""A figure is drawn once for all readers of an answer, and never shown for another one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest

from workbench.core.result import Provenance, Result, Study
from workbench.core.timerange import TimeRange
from workbench.studies.answers import asking
from workbench.studies.answers.document import study_bytes, study_of
from workbench.ui.parts import load
from workbench.ui.parts.drawn import drawn, once, still

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


NOW = datetime(2026, 11, 1, tzinfo=UTC)
STUDY = Study(
    "alert_load", "lab", TimeRange(NOW - timedelta(days=1), NOW), NOW, {"levels": level(4.0)}, "ok", NOW, float("nan"),
    Provenance("", "", "", ""),
)  # fmt: skip


def sentence(study: Study, *chosen: str) -> list[str]:
    return [study.status, *chosen]


def test_what_is_said_of_an_answer_is_the_same_while_it_grows_old_and_another_one_when_a_fact_differs() -> None:
    first = once(sentence, STUDY)
    assert once(sentence, replace(STUDY, age_s=12.0, warnings=("old",))) is first
    others = [
        once(sentence, STUDY, "model"),
        once(sentence, STUDY, "key"),
        once(sentence, replace(STUDY, status="spent")),
        once(sentence, replace(STUDY, coverage=0.5)),
        once(sentence, replace(STUDY, provenance=Provenance("prometheus", "", "", ""))),
        once(sentence, replace(STUDY, results=dict(STUDY.results))),
        once(sentence, replace(STUDY, freshness=NOW - timedelta(hours=1))),
        once(sentence, replace(STUDY, range=TimeRange(NOW - timedelta(days=2), NOW))),
    ]
    assert len({id(each) for each in (first, *others)}) == len(others) + 1
    assert others[2] == ["spent"]


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


def test_a_figure_that_stays_says_what_it_held_and_is_written_the_same():
    figure = go.Figure(go.Scatter(x=[1, 2], y=np.array([0.1, 0.2])), layout={"title": "a"})
    before = pio.to_json(figure.to_dict(), validate=False)
    kept = still(figure)
    assert kept.to_dict() is kept.to_dict()
    assert pio.to_json(kept.to_dict(), validate=False) == before


def test_settings_are_read_anew_when_their_file_is_edited(settings_file):
    first = load.settings()
    assert load.settings() is first
    settings_file.write_text('zone = "Europe/Berlin"\n' + settings_file.read_text())
    assert load.settings().zone == "Europe/Berlin"
