"""Rows, counts and filters that contradict each other are told with both numbers, and judge no objective."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.query import traced
from tests.query.fake_loki import FakeLoki, Line
from tests.query.served import Asked, Says, says, serving
from tests.query.test_log_conformance import SHAPE
from tests.query.written_lines import SPAN, lines, passing
from tests.studies.test_slo_records import NOW, RANGE, SPANS, SYSTEM, WORLD, study
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import RecordsIndicator
from workbench.core.filters import Condition, LogFilter
from workbench.core.settings import SourceSettings
from workbench.query.http.client import BackendClient
from workbench.query.logs.loki.source import LokiSource
from workbench.query.traces.tempo import TempoSource
from workbench.studies import Context
from workbench.studies.logs.lines import find_logs

pytestmark = pytest.mark.slow

SERVICES = ("shop", "pay", "pay-api")
OPENAI = LogFilter(SERVICES, attributes=(Condition("provider", "=", ("openai",)),))
Answer = Callable[[Asked], Says]


def loki() -> FakeLoki:
    return FakeLoki([Line(one.time_ns, one.json(), {"service_name": one.service, "env": "lab"}) for one in lines()])


@pytest.fixture
def over(tmp_path: Path, context_over: Callable[..., Context]) -> Iterator[Callable[[Answer], Context]]:
    """Give the context of a system whose lines a server gives."""
    with ExitStack() as stack:

        def start(answer: Answer) -> Context:
            url = stack.enter_context(serving(answer)).url
            web = BackendClient.from_settings("loki", SourceSettings(kind="loki", url=url), api="Loki")
            source = LokiSource("loki", web, SHAPE, selector='{env="lab"}', json_lines=True)
            archive = ArchiveSource("empty", Archive.open(tmp_path / "empty", create=True))
            return context_over(archive, log_sources={"loki": source})

        yield start


def halving(fake: FakeLoki) -> Answer:
    """Count half of the lines of a provider, as a server does that reads one of two indices."""

    def answer(asked: Asked) -> Says:
        if asked.path.endswith("/query") and 'provider="openai"' in asked.fields["query"]:
            told = fake.answer(asked)
            return Says(re.sub(rb'"(\d+)"\]', lambda one: b'"%d"]' % (int(one[1]) // 2), told.body))
        return fake.answer(asked)

    return answer


def losing(fake: FakeLoki) -> Answer:
    """Give no lines where there are some, and count them."""
    nothing = says({"status": "success", "data": {"resultType": "streams", "result": []}})
    return lambda asked: nothing if asked.path.endswith("query_range") else fake.answer(asked)


def uncounting(fake: FakeLoki) -> Answer:
    """Count nothing, and give the lines."""
    nothing = says({"status": "success", "data": {"resultType": "vector", "result": []}})
    return lambda asked: nothing if asked.path.endswith("/query") else fake.answer(asked)


def asked(ctx: Context, wanted: LogFilter, **more: Any) -> tuple[str, ...]:
    return find_logs(ctx, system=SYSTEM, range=SPAN, wanted=wanted, source="loki", limit=1000, **more).warnings


def test_a_server_that_loses_nothing_is_not_doubted(over: Callable[[Answer], Context]) -> None:
    ctx = over(loki().answer)
    assert asked(ctx, OPENAI) == asked(ctx, OPENAI, count_by="provider") == asked(ctx, LogFilter(SERVICES)) == ()
    assert asked(ctx, LogFilter(SERVICES, contains="nobody wrote this")) == ()


def test_a_filter_that_loses_lines_shows_in_its_complement(over: Callable[[Answer], Context]) -> None:
    (warning,) = asked(over(halving(loki())), OPENAI, count_by="status")
    assert "provider = 'openai'" in warning
    assert f"{len(passing(LogFilter()))} in all" in warning


@pytest.mark.parametrize("fault", [losing, uncounting])
def test_lines_and_their_count_are_held_against_each_other(
    over: Callable[[Answer], Context], fault: Callable[[FakeLoki], Answer]
) -> None:
    (warning,) = asked(over(fault(loki())), OPENAI)
    there = len(passing(OPENAI))
    told = re.fullmatch(r"The lines contradict the count: (\d+) were read, (\d+) are counted.", warning)
    assert told is not None
    read, counted = map(int, told.groups())
    assert (read, counted) == (0, there) if fault is losing else 0 < read <= there and not counted


def test_an_objective_over_counts_that_contradict_each_other_is_unavailable(over: Callable[[Answer], Context]) -> None:
    indicator = RecordsIndicator(total=LogFilter(SERVICES), bad=OPENAI)
    judged = study(over(loki().answer), indicator, SPAN)
    assert judged.results["compliance"].frame.iloc[0].bad == len(passing(OPENAI))
    doubted = study(over(halving(loki())), indicator, SPAN)
    assert doubted.status == "unavailable"
    assert any("contradict each other" in warning for warning in doubted.warnings)


def test_an_objective_over_traces_with_fewer_spans_than_search_found_is_unavailable(
    tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    whole, part = traced.tempo(WORLD), traced.tempo([one for one in WORLD if not one.parent_id])
    web = traced.web_of(lambda one: (whole if one.url.path == "/api/search" else part)(one))
    archive = ArchiveSource("empty", Archive.open(tmp_path / "empty", create=True))
    ctx = context_over(archive, span_sources={"spans": TempoSource("spans", web, clock=lambda: NOW)})
    doubted = study(ctx, SPANS, RANGE)
    assert doubted.status == "unavailable"
    assert any("fewer spans than search finds" in warning for warning in doubted.warnings)
