"""Explore: each language where its server is configured, its cost said before, and what was asked kept per person."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.pages.lab import NOW
from tests.pages.test_pages import SYSTEM, seen
from tests.query.fake_loki import FakeLoki, Line
from tests.query.served import Asked, Says, Served, says, serving
from workbench.core.access.identity import Grant, Identity
from workbench.core.errors import AccessRefused, WorkbenchError
from workbench.core.timerange import TimeRange, to_ms
from workbench.studies.operations.explore import (
    keep_question,
    languages,
    past_questions,
    query_logql,
    query_traceql,
)
from workbench.ui.parts import load

TRACE = f"{7:032x}"


def backends(asked: Asked) -> Says:
    """A Loki with three lines and a Tempo with one trace behind one address."""
    if asked.path.endswith("/api/search"):
        began = str(to_ms(NOW) * 1_000_000 - 600 * 10**9)
        trace = {"traceID": TRACE.lstrip("0"), "rootServiceName": "lab", "rootTraceName": "GET <b>x</b>"}
        return says({"traces": [trace | {"startTimeUnixNano": began, "durationMs": 1500}]})
    stamps = [to_ms(NOW) * 1_000_000 - number * 60 * 10**9 for number in (5, 6, 7)]
    lines = [Line(at, json.dumps({"message": f"timeout {at}", "level": "ERROR"}), {"app": "lab"}) for at in stamps]
    return FakeLoki(lines).answer(asked)


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(backends) as server:
        yield server


@pytest.fixture
def both(settings_file, served):
    """Settings whose lines are in a Loki and whose spans are in a Tempo."""
    more = "".join(
        f'[sources.{kind}]\nkind = "{kind}"\nurl = "{served.url}"\nsystems = ["{SYSTEM}"]\n'
        for kind in ("loki", "tempo")
    )
    settings_file.write_text(settings_file.read_text() + more)


def test_only_languages_of_servers_that_are_configured_are_offered(visit):
    visit("explore.py", system=SYSTEM)
    assert languages(load.context(), SYSTEM) == ("PromQL", "SQL")


def test_logql_finds_lines_and_says_its_cost_first(both, served, visit):
    app = visit("explore.py", system=SYSTEM, lang="LogQL", q='{app="lab"} |= "timeout"')
    assert "Cost: not known before" in seen(app)
    assert not [asked for asked in served.queries() if "query" in asked.path], "nothing is asked before Run"
    app.button[-1].click().run()
    assert not app.exception
    assert "3 lines" in seen(app)
    assert app.dataframe[0].value["message"].str.contains("timeout").all()


def test_traceql_lists_traces_with_a_link_to_each(both, visit):
    app = visit("explore.py", system=SYSTEM, lang="TraceQL", q="{ duration > 1s }")
    app.button[-1].click().run()
    assert not app.exception
    assert "1 trace" in seen(app)
    assert app.dataframe[0].value["trace_id"].tolist() == [TRACE]
    (link,) = [link for link in app.get("page_link") if "trace=" in link.proto.query_string]
    assert TRACE in link.proto.query_string
    assert "\\<b\\>" in link.proto.label


def test_what_a_person_asked_lasts_and_is_nobody_elses(visit):
    visit("explore.py", system=SYSTEM, q="up").button[-1].click().run()
    assert ("PromQL", "up") in past_questions(load.context())
    again = visit("explore.py", system=SYSTEM)
    assert any("up" in button.label for button in again.button)
    ana, ben = (load.context().for_identity(Identity(name, (Grant("viewer", (SYSTEM,)),))) for name in ("ana", "ben"))
    keep_question(ana, "PromQL", 'rate(x{password="hunter2hunter2"}[5m])')
    assert past_questions(ben) == ()
    assert len(past_questions(ana)) == 1
    nobody = load.context().for_identity(Identity("anyone", (Grant("viewer"),)))
    keep_question(nobody, "PromQL", "up")
    assert past_questions(nobody) == ()


def test_text_in_the_language_of_a_shared_server_is_refused_to_who_sees_one_team(both, settings_file, visit):
    settings_file.write_text(settings_file.read_text().replace(f'systems = ["{SYSTEM}"]\n', ""))
    visit("explore.py", system=SYSTEM)
    ana = load.context().for_identity(Identity("ana", (Grant("viewer", (SYSTEM,)),)))
    span = TimeRange.last("1h", until=NOW)
    for ask in (query_logql, query_traceql):
        with pytest.raises(AccessRefused):
            ask(ana, "{ }", system=SYSTEM, range=span)
    stranger = load.context().for_identity(Identity("ben", (Grant("viewer", ("conduit",)),)))
    for ask in (query_logql, query_traceql):
        with pytest.raises(WorkbenchError):
            ask(stranger, "{ }", system=SYSTEM, range=span)
