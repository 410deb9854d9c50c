from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.live.compare import Grid, disagreement
from tests.live.queries import COMPOSED, LISTED
from tests.servers.programs import Server
from tests.servers.samples import END_MS, START_MS, sample_set
from workbench.promql import MemoryStore

pytestmark = pytest.mark.live

GRIDS = {
    "aligned, a step a minute": Grid(START_MS, END_MS, 60_000),
    "unaligned": Grid(START_MS + 7_123, END_MS + 400_000, 97_001),
    "step below the scrape interval": Grid(START_MS + 7_000_000, START_MS + 8_900_000, 5_000),
    "step above the lookback": Grid(START_MS - 1_000_000, END_MS, 1_800_000),
    "one step": Grid(START_MS + 10_000_000, START_MS + 10_000_000, 60_000),
}


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore(sample_set())


@pytest.fixture(scope="module", params=["v2", "v3"])
def server(request: pytest.FixtureRequest) -> tuple[str, Server]:
    return request.param, request.getfixturevalue(f"prometheus_{request.param}")


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
@pytest.mark.parametrize("query", LISTED)
def test_every_function_gives_what_prometheus_gives(
    query: str, grid: Grid, server: tuple[str, Server], store: MemoryStore
) -> None:
    semantics, running = server
    assert not disagreement(store, running.url, query, grid, semantics)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(query=COMPOSED, grid=st.sampled_from(list(GRIDS.values())))
@example(query="rate(requests_total[5m])", grid=GRIDS["unaligned"])
def test_composed_queries_give_what_prometheus_gives(
    server: tuple[str, Server], store: MemoryStore, query: str, grid: Grid
) -> None:
    semantics, running = server
    assert not disagreement(store, running.url, query, grid, semantics)
