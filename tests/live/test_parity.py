"""Every query of every document and profile: the engine over the archive equals two real servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.live.compare import Grid, Refusal, disagreement, engine_answer, server_answer
from tests.live.demo_slice import MOST_SAMPLES, DemoServers
from workbench.archive import Archive
from workbench.catalog import iter_queries, load_catalog
from workbench.core.series import label_key

pytestmark = [pytest.mark.live, pytest.mark.slow]

#: All grids for the first system, whose queries are asked as rates and increases too; these two for the others.
SYSTEM, SHORT = "counterfactual-lab", ("all days, a step an hour", "through a maintenance, a step a minute")
GRIDS = (
    "all days, a step an hour",
    "around an outage, unaligned",
    "over the gap, step below the scrape interval",
    "through a maintenance, a step a minute",
    "last two hours",
    "step above the lookback",
)

#: Conditions that nothing in the slice meets: no generation takes 30 s on average there.
NEVER_TRUE = {"alert_rules/ModelGenerationLatency/documented"}


def queries() -> dict[str, str]:
    """Texts by their place; what a role selects is also asked as the rates and increases that are made of it."""
    catalog = load_catalog()
    found = {}
    for query in iter_queries(catalog):
        if query.system == SYSTEM:
            found[query.where] = query.text
    for name, role in catalog.profiles[SYSTEM].roles.items():
        for part, selector in selectors(name, role):
            for function in ("rate", "increase"):
                found[f"{part}/{function}"] = f"{function}({selector}[5m])"
            found[f"{part}/offset"] = f"increase({selector}[1h] offset 1d)"
    return found


def of_others() -> dict[str, str]:
    """Texts of the other systems; the operand of a topk, as which of equals it keeps is the server's own choice."""
    found = {}
    for query in iter_queries(load_catalog()):
        if query.system != SYSTEM:
            found[f"{query.system}/{query.where}"] = re.sub(r"^topk\(\d+, (.*)\)$", r"\1", query.text)
    return found


def selectors(name: str, role: object) -> Iterator[tuple[str, str]]:
    if role.kind == "histogram":
        for part in ("_bucket", "_sum", "_count"):
            yield f"roles/{name}{part}", role.part(part)
    elif role.kind == "counter":
        yield f"roles/{name}", role.select


QUERIES, OTHERS = queries(), of_others()


@pytest.mark.parametrize("semantics", ["v2", "v3"])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("where", QUERIES)
def test_the_engine_equals_the_server(where: str, grid: str, semantics: str, demo_servers: DemoServers) -> None:
    server = demo_servers.servers[semantics]
    assert not disagreement(demo_servers.archive, server.url, QUERIES[where], demo_servers.grids()[grid], semantics)


@pytest.mark.parametrize("semantics", ["v2", "v3"])
@pytest.mark.parametrize("grid", SHORT)
@pytest.mark.parametrize("where", OTHERS)
def test_the_engine_equals_the_server_for_the_other_systems(
    where: str, grid: str, semantics: str, demo_servers: DemoServers
) -> None:
    server = demo_servers.servers[semantics]
    assert not disagreement(demo_servers.archive, server.url, OTHERS[where], demo_servers.grids()[grid], semantics)


def test_the_slice_holds_every_series_a_reset_a_gap_and_an_outage(demo_servers: DemoServers, demo_home: Path) -> None:
    held = demo_servers.archive.select([], 0, demo_servers.end_ms)
    assert {label_key(labels) for labels in held.labels} == {
        label_key(labels) for labels in Archive.open(demo_home / "demo").series([])
    }
    assert held.samples <= MOST_SAMPLES
    requests = [row for row in held if row[0]["__name__"] == "http_requests_total"]
    assert any((np.diff(values) < 0).any() for _, _, values in requests)
    assert all((np.diff(times) > 1_200_000).any() for _, times, _ in requests)
    outage = demo_servers.events["outage"]
    failing = Grid(outage + 300_000, outage + 300_000, 60_000)
    ((share, _),) = engine_answer(demo_servers.archive, "cf_lab:error_rate:rate5m > 0.1", failing, "v3").values()
    assert share[0] > 0.1


def test_every_query_runs_and_has_an_answer_in_the_slice(demo_servers: DemoServers) -> None:
    silent = set()
    for where, text in QUERIES.items():
        answers = [server_answer(demo_servers.servers["v3"].url, text, grid) for grid in demo_servers.grids().values()]
        assert not any(isinstance(answer, Refusal) for answer in answers), text
        if not any(answers):
            silent.add(where)
    assert silent == NEVER_TRUE


_WINDOWS = st.sampled_from(("1m", "5m", "37m", "6h"))
_COUNTERS = st.sampled_from(
    (
        "http_requests_total",
        'http_requests_total{status=~"5.."}',
        "http_request_duration_seconds_bucket",
        "counterfactual_generation_total",
        'node_cpu_seconds_total{mode!="idle"}',
        "container_cpu_usage_seconds_total",
        "api_costs_total",
    )
)
_GAUGES = st.sampled_from(
    ("up", "counterfactual_quality_score", "node_memory_MemAvailable_bytes", "node_filesystem_avail_bytes", "ALERTS")
)
_LABELS = st.sampled_from(("method", "status", "instance", "job", "le", "name"))


@st.composite
def composed(draw: st.DrawFn) -> str:
    window, shift = draw(_WINDOWS), draw(st.sampled_from(("", " offset 1h", " offset 1d", " @ end()")))
    if draw(st.booleans()):
        function = draw(st.sampled_from(("rate", "increase", "irate", "resets", "changes", "sum_over_time")))
        inner = f"{function}({draw(_COUNTERS)}[{window}]{shift})"
    else:
        function = draw(st.sampled_from(("avg", "min", "max", "stddev", "count", "last", "present")))
        inner = f"{function}_over_time({draw(_GAUGES)}[{window}]{shift})"
    if draw(st.booleans()):
        name = draw(st.sampled_from(("sum", "avg", "max", "count", "stddev")))
        grouping = f"{draw(st.sampled_from(('by', 'without')))} ({draw(_LABELS)}, {draw(_LABELS)})"
        inner = f"{name} {grouping} ({inner})"
    if draw(st.booleans()):
        wrapped = draw(st.sampled_from(("({}) / ignoring(status) group_left sum without (status) ({})", "({}) - ({})")))
        inner = wrapped.format(inner, inner)
    return draw(st.sampled_from(("{}", "{} > 0", "max_over_time(({})[30m:5m])"))).format(inner)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(query=composed(), grid=st.sampled_from(GRIDS), semantics=st.sampled_from(("v2", "v3")))
def test_composed_queries_over_the_demo_equal_the_server(
    query: str, grid: str, semantics: str, demo_servers: DemoServers
) -> None:
    server = demo_servers.servers[semantics]
    assert not disagreement(demo_servers.archive, server.url, query, demo_servers.grids()[grid], semantics)
