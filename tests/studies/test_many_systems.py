"""Questions of many systems in processes of their own give what one process gives."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pandas as pd
import pytest

from workbench.core.errors import ParameterError
from workbench.core.executor import LocalProcesses, TaskDied
from workbench.core.periods import parse_period
from workbench.core.settings import Settings
from workbench.core.timerange import TimeRange
from workbench.studies import Context, open_context
from workbench.studies.answers import many_systems
from workbench.studies.answers.keys import Question
from workbench.studies.slo.scorecard import slo_scorecard

pytestmark = pytest.mark.slow

SYSTEMS = ("counterfactual-lab", "llm-ab-testing", "nothing-of-the-kind")


class Counting(LocalProcesses):
    """Processes of this machine that know how many tasks they were given."""

    tasks = 0

    def submit(self, function: str, arguments: Any) -> Future[Any]:
        self.tasks += 1
        return super().submit(function, arguments)


class Dying(LocalProcesses):
    """An executor whose tasks die."""

    def submit(self, function: str, arguments: Any) -> Future[Any]:
        return super().submit("tests.report.made_reports:killed", arguments)


@pytest.fixture
def opened(demo_settings: Settings) -> Context:
    return open_context(demo_settings)


@pytest.fixture
def october(opened: Context) -> TimeRange:
    return parse_period("2026-10", zone="UTC", week_start="monday", as_of=opened.clock())


def test_a_scorecard_counted_by_tasks_is_the_one_counted_here(opened: Context, october: TimeRange) -> None:
    asked = {"systems": SYSTEMS[:2], "range": october, "count": 2, "as_of": october.end}
    here = slo_scorecard(opened, **asked)
    executor = Counting(2)
    there = slo_scorecard(opened, **asked, executor=executor)
    executor.close()
    assert executor.tasks == 2
    pd.testing.assert_frame_equal(here.results["scorecard"].frame, there.results["scorecard"].frame)
    assert here.to_dict() == there.to_dict()


def test_an_unknown_system_is_the_error_of_the_study(opened: Context, october: TimeRange) -> None:
    executor = LocalProcesses(1)
    with pytest.raises(ParameterError, match="nothing-of-the-kind"):
        slo_scorecard(opened, systems=SYSTEMS[2:], range=october, count=1, as_of=october.end, executor=executor)
    executor.close()


def test_a_question_over_which_two_processes_died_is_an_error(opened: Context, october: TimeRange) -> None:
    executor = Dying(1)
    with pytest.raises(TaskDied, match="signal 9"):
        slo_scorecard(opened, systems=SYSTEMS[:1], range=october, count=1, as_of=october.end, executor=executor)
    executor.close()


def test_what_a_process_beside_a_report_answers_is_what_the_report_would(
    opened: Context, october: TimeRange, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = Question("period_history", SYSTEMS[1], october, october.end, (("questions", ("cost", "alerts")),))
    questions = [question, Question("capacity_forecast", SYSTEMS[1], october, october.end)]
    here: Any = many_systems.ask_beside(opened, questions)()
    monkeypatch.setenv(many_systems.PROCESSES, "2")
    monkeypatch.setattr(many_systems, "_answered", None)  # this process computes nothing
    there: Any = many_systems.ask_beside(opened, questions)()
    assert [answer.to_dict() for answer in here] == [answer.to_dict() for answer in there]
    assert len(there[0].results["periods"].frame)


def test_a_report_is_whole_though_the_process_beside_it_died(
    opened: Context, october: TimeRange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(many_systems.PROCESSES, "2")
    monkeypatch.setattr(many_systems, "LocalProcesses", Dying)
    question = Question("period_history", SYSTEMS[1], october, october.end, (("questions", ("alerts",)),))
    (answer,) = many_systems.ask_beside(opened, [question])()
    assert len(answer.results["periods"].frame)
