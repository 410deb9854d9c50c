"""The same study over the archive and over real servers that hold the same samples."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import yaml

from tests.servers.fixtures import Omit, release_or_omit
from tests.servers.openmetrics import write_openmetrics
from tests.servers.prometheus import load_blocks, prometheus
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, calendar_month
from workbench.query import PrometheusSource
from workbench.studies import Context, slo_compliance
from workbench.studies.authoring.rules import slo_rules

pytestmark = pytest.mark.live

SYSTEM = "counterfactual-lab"
END = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def servers(
    lab_samples: SeriesSet, tmp_path_factory: pytest.TempPathFactory, omit: Omit
) -> Iterator[dict[str, PrometheusSource]]:
    releases = {semantics: release_or_omit(semantics, omit) for semantics in ("v2", "v3")}
    directory = tmp_path_factory.mktemp("slo-servers")
    write_openmetrics(lab_samples, directory / "lab.om")
    load_blocks(releases["v3"], directory / "lab.om", directory / "blocks")
    with ExitStack() as stack:
        sources = {}
        for semantics, release in releases.items():
            shutil.copytree(directory / "blocks", directory / semantics / "data", copy_function=os.link)
            server = stack.enter_context(prometheus(release, directory / semantics))
            sources[semantics] = PrometheusSource(semantics, server.url)
        yield sources


@pytest.mark.parametrize("semantics", ["v2", "v3"])
@pytest.mark.parametrize("span", [
    TimeRange(END - timedelta(days=7), END), calendar_month(2026, 10, "Europe/Berlin"),
    TimeRange(datetime(2026, 10, 28, 11, 7, tzinfo=UTC), datetime(2026, 10, 30, 6, 43, tzinfo=UTC)),
], ids=str)  # fmt: skip
def test_a_server_and_the_archive_give_the_same_study(
    semantics: str,
    span: TimeRange,
    servers: dict[str, PrometheusSource],
    lab_archive: Archive,
    context_over: Callable[..., Context],
) -> None:
    mine = slo_compliance(
        context_over(ArchiveSource("demo", lab_archive, semantics=semantics)), system=SYSTEM, range=span, as_of=END
    )
    theirs = slo_compliance(context_over(servers[semantics]), system=SYSTEM, range=span, as_of=END)
    for name in ("compliance", "budget", "burn"):
        pd.testing.assert_frame_equal(theirs.results[name].frame, mine.results[name].frame, rtol=1e-12)
    assert (theirs.status, theirs.coverage, theirs.freshness) == (mine.status, mine.coverage, mine.freshness)
    assert theirs.results["compliance"].notes == mine.results["compliance"].notes
    assert (theirs.warnings, theirs.provenance.queries) == (mine.warnings, mine.provenance.queries)


@pytest.mark.parametrize("slo", ["availability", "latency-p95"])
@pytest.mark.parametrize("window", ["5m", "1h", "6h"])
def test_generated_rules_burn_as_the_study_says(
    servers: dict[str, PrometheusSource], lab: Context, slo: str, window: str
) -> None:
    """On a day on which one instance fails half a percent of its requests and the other's failures do not grow."""
    at = datetime(2026, 10, 29, 13, tzinfo=UTC)
    (text,) = slo_rules(lab, system=SYSTEM, slo=slo).files.values()
    rules = {rule["record"]: rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]
             if "record" in rule}  # fmt: skip
    span = TimeRange.last(window, until=at)
    row = slo_compliance(lab, system=SYSTEM, slo=slo, range=span, as_of=at).results["compliance"].frame.iloc[0]
    assert row["burn_rate"] > 0
    for source in (*servers.values(), lab.sources["demo"]):
        bad, total = (
            float(source.instant(rules[f"slo:{part}:increase{window}"], at).values[0, 0]) for part in ("bad", "total")
        )
        assert bad / total / (1 - row["target"]) == pytest.approx(row["burn_rate"], rel=1e-9)
        assert total == pytest.approx(row["total"], rel=0.002)
