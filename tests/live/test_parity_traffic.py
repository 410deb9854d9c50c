"""Every query of Conduit's document and profile under recorded traffic: the engine equals two real servers."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.demo.demo_histories import ANCHOR
from tests.demo.demo_recorded import DAYS, short_scenario, simulate_conduit_alone
from tests.live.compare import Grid, disagreement
from tests.servers.fixtures import Omit, release_or_omit
from tests.servers.openmetrics import without_stale_marks, write_openmetrics
from tests.servers.programs import Server
from tests.servers.prometheus import load_blocks, prometheus
from workbench.archive import Archive
from workbench.catalog import iter_queries, load_catalog
from workbench.core.timerange import to_ms
from workbench.demo import build_demo
from workbench.promql import Matcher

pytestmark = [pytest.mark.live, pytest.mark.slow]

SYSTEM = "conduit"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
END = to_ms(ANCHOR)
GRIDS = {
    "both days, a step an hour": Grid(END - DAYS * DAY, END, HOUR),
    "through the release, unaligned": Grid(END - 35 * HOUR + 7_123, END - 33 * HOUR, 97_001),
    "the birth of two models, a fine step": Grid(END - DAY - 600_777, END - DAY + 30 * MINUTE, 7_000),
}


def decided(text: str) -> str:
    """Return the operand of a topk: which of equals it keeps is the server's own choice, and counts of series tie."""
    found = re.fullmatch(r"topk\(\d+, (.*)\)", text)
    return found[1] if found else text


QUERIES = {query.where: decided(query.text) for query in iter_queries(load_catalog()) if query.system == SYSTEM}


@dataclass(frozen=True)
class Recorded:
    """The samples of Conduit in an archive and in Prometheus 2.42 and 3."""

    archive: Archive
    servers: dict[str, Server]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[Recorded]:
    releases = {semantics: release_or_omit(semantics, omit) for semantics in ("v2", "v3")}
    directory = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        simulate_conduit_alone(patch)
        build_demo(directory / "demo", scenario=short_scenario(directory), seed=3, end=ANCHOR)
    whole = Archive.open(directory / "demo").select([Matcher("system", "=", SYSTEM)], 0, END)
    series = without_stale_marks(whole)
    archive = Archive.open(directory / "archive", create=True)
    archive.append_samples(series)
    write_openmetrics(series, directory / "slice.om")
    load_blocks(releases["v3"], directory / "slice.om", directory / "blocks")
    with ExitStack() as stack:
        servers = {}
        for semantics, release in releases.items():
            shutil.copytree(directory / "blocks", directory / semantics / "data", copy_function=os.link)
            servers[semantics] = stack.enter_context(prometheus(release, directory / semantics))
        yield Recorded(archive, servers)


@pytest.mark.parametrize("semantics", ["v2", "v3"])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("where", QUERIES)
def test_recorded_traffic_is_read_as_the_server_reads_it(
    where: str, grid: str, semantics: str, recorded: Recorded
) -> None:
    url = recorded.servers[semantics].url
    assert not disagreement(recorded.archive, url, QUERIES[where], GRIDS[grid], semantics)
