"""A source that stops answering half way: no study gives a verdict on the half that it read without saying so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from workbench.archive import Archive, ArchiveSource
from workbench.core.errors import SourceUnavailable
from workbench.core.result import Study
from workbench.core.settings import Settings
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange
from workbench.studies import (
    Context,
    alert_load,
    capacity_forecast,
    open_context,
    service_performance,
    slo_attribution,
    slo_backtest,
    slo_compliance,
    spend_and_tokens,
)

END = datetime(2026, 11, 1, tzinfo=UTC)
SPAN = TimeRange(END - timedelta(hours=3), END)
QUESTIONS = ("range", "instant", "raw", "series", "label_values", "metadata")


class Dying(ArchiveSource):
    """The archive, until it was asked so many questions."""

    def __init__(self, archive: Archive, answers: int | None = None) -> None:
        super().__init__("demo", archive)
        self.answers, self.asked = answers, 0

    def __getattribute__(self, name: str) -> Any:
        given = super().__getattribute__(name)
        return self.while_alive(given) if name in QUESTIONS else given

    def while_alive(self, question: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*given: Any, **named: Any) -> Any:
            self.asked += 1
            if self.answers is not None and self.asked > self.answers:
                raise SourceUnavailable("the server has gone away")
            return question(*given, **named)

        return ask

    def state(self) -> SourceState:
        alive = self.answers is None or self.asked <= self.answers
        return super().state() if alive else SourceState(self.name, "archive", "", "unavailable", "", "", None)


@pytest.fixture
def asking(demo_settings: Settings) -> Callable[[int | None], Context]:
    ctx = open_context(demo_settings)
    archive = Archive.open(Path(demo_settings.sources["demo"].path))
    return lambda answers: replace(ctx, sources={"demo": Dying(archive, answers)}, store=None)


STUDIES = [
    slo_compliance,
    spend_and_tokens,
    pytest.param(service_performance, marks=pytest.mark.slow),
    pytest.param(capacity_forecast, marks=pytest.mark.slow),
    alert_load,
    slo_attribution,
    slo_backtest,
]


@pytest.mark.parametrize("study", STUDIES)
def test_what_was_not_answered_is_a_status_or_a_warning(study: Callable[..., Study], asking) -> None:
    system = "llm-ab-testing"
    whole = asking(None)
    study(whole, system=system, range=SPAN, as_of=END)
    questions = whole.sources["demo"].asked
    for answers in sorted({1, questions // 2, questions - 2}):
        ctx = asking(answers)
        found = study(ctx, system=system, range=SPAN, as_of=END)
        if ctx.sources["demo"].asked > answers:
            assert found.status == "unavailable" or any("gone away" in text for text in found.warnings), answers
            if study is not slo_backtest and study is not slo_attribution:
                rows = found.results["compliance"].frame["status"] if "compliance" in found.results else ()
                assert found.status == "unavailable" or "unavailable" in set(rows), answers
