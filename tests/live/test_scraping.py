"""A real Prometheus scrapes itself, this machine and the workbench; `workbench init` makes a system of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.servers.fixtures import Omit, release_or_omit
from tests.servers.openmetrics import write_openmetrics
from tests.servers.programs import Server, running
from tests.servers.prometheus import load_blocks, prometheus
from workbench.core.series import SeriesSet

pytestmark = [pytest.mark.live, pytest.mark.slow]

WORKBENCH = Path(sys.executable).with_name("workbench")


@contextmanager
def dashboard(directory: Path, *options: str) -> Iterator[Server]:
    directory.mkdir(exist_ok=True)
    with running(
        lambda port: [WORKBENCH, *options, "dashboard", "--no-open", "--port", str(port)],
        directory,
        ready="/_stcore/health",
    ) as server:
        yield server


def earlier(until_ms: int) -> SeriesSet:
    """Three hours of a replica that was there before: overviews count whole slices of five minutes."""
    times = np.arange(until_ms - 3 * 3_600_000, until_ms, 15_000)
    target = {"job": "prometheus", "instance": "earlier:9090"}
    counted = target | {"__name__": "prometheus_http_requests_total", "handler": "/metrics"}
    requests = np.arange(len(times), dtype=float)
    return SeriesSet.of(
        [
            (target | {"__name__": "up"}, times, np.ones(len(times))),
            (counted | {"code": "200"}, times, requests * 4),
            (counted | {"code": "503"}, times, np.floor(requests / 60)),
        ]
    )


@pytest.fixture(scope="module")
def scraping(node_exporter: Server, tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[Server]:
    """Prometheus 3 with a few seconds of scrapes, one a second, of three targets."""
    directory, release = tmp_path_factory.mktemp("scraping"), release_or_omit("v3", omit)
    write_openmetrics(earlier(int(time.time() - 30) * 1000), directory / "earlier.om")
    load_blocks(release, directory / "earlier.om", directory / "data")
    with (
        dashboard(directory / "dashboard", "--home", str(directory / "home")) as workbench,
        prometheus(release, directory) as server,
    ):
        targets = {"prometheus": server.port, "node": node_exporter.port, "workbench": workbench.port}
        lines = ["global: {scrape_interval: 1s, scrape_timeout: 1s}", "scrape_configs:"]
        for job, port in targets.items():
            lines.append(f"- {{job_name: {job}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}")
        lines[-1] = lines[-1].replace("{job_name", "{metrics_path: /_stcore/metrics, job_name")
        (directory / "prometheus.yml").write_text("\n".join(lines) + "\n")
        os.kill(server.pid, signal.SIGHUP)
        until = time.monotonic() + 60
        while scraped(server) < len(targets):
            assert time.monotonic() < until, server.log
            time.sleep(0.5)
        time.sleep(5)
        yield server


def scraped(server: Server) -> int:
    """Number of targets that are up."""
    with urllib.request.urlopen(
        f"{server.url}/api/v1/query?query=sum(up)%20-%20count(up%7Binstance=%22earlier:9090%22%7D)", timeout=10
    ) as answer:
        result = json.load(answer)["data"]["result"]
    return int(result[0]["value"][1]) if result else 0


@pytest.fixture(scope="module")
def drafted(scraping: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the files that `workbench init` wrote."""
    directory = tmp_path_factory.mktemp("drafted")
    jobs = ("--job", "prometheus", "--job", "node", "--job", "workbench")
    run(directory, "init", "--url", scraping.url, "--name", "mine", *jobs, "--yes")
    return directory


def run(directory: Path, *arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    done = subprocess.run([WORKBENCH, *arguments], cwd=directory, env=kept, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_init_drafts_a_profile_that_holds_and_names_the_targets_metrics(drafted: Path) -> None:
    run(drafted, "catalog", "check")
    profile = (drafted / "profiles" / "mine.yaml").read_text()
    for name in ("prometheus_http_requests_total", "node_cpu_seconds_total", "active_sessions"):
        assert name in profile


def test_the_source_is_found_fit(drafted: Path) -> None:
    assert "mine" in run(drafted, "sources", "check", "mine")


def test_the_drafted_goals_are_judged_on_the_servers_own_requests(drafted: Path) -> None:
    end = datetime.fromtimestamp(int(time.time() - 1800) // 300 * 300, UTC)
    hour = ("--from", (end - timedelta(hours=1)).isoformat(), "--to", end.isoformat())
    told = json.loads(run(drafted, "slo", "status", "mine", *hour, "--format", "json"))
    (row,) = told["results"]["compliance"]["rows"]
    assert (row["good"], row["total"], row["method"], row["coverage"]) == (960, 964, "exact", 1.0)


def test_the_overview_shows_the_new_system(drafted: Path, chromium) -> None:
    config = drafted / "workbench.toml"
    with dashboard(drafted / "dashboard", "--config", str(config)) as server:
        page = chromium.new_page(viewport={"width": 1440, "height": 1600})
        page.goto(server.url)
        page.get_by_text("All SLOs").wait_for(timeout=60_000)
        page.get_by_text("source mine").wait_for(timeout=60_000)
        page.get_by_text("1 of 1 met").wait_for(timeout=60_000)
        assert page.get_by_text("counterfactual-lab").count() == 0
        assert page.get_by_text("Traceback").count() == 0
        page.close()
