"""Known exporters behind a real Prometheus: `workbench init` drafts them, and the questions get the right figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest

from tests.catalog.exposed import history_of, names, text_of
from tests.servers.fixtures import Omit, release_or_omit
from tests.servers.openmetrics import write_openmetrics
from tests.servers.programs import Server
from tests.servers.prometheus import load_blocks, prometheus
from workbench.core.series import SeriesSet
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange
from workbench.studies import open_context
from workbench.studies.authoring.draft import DraftedSystem, draft_system, server_settings
from workbench.studies.cost.spend import spend_and_tokens
from workbench.studies.performance.service import service_performance
from workbench.studies.slo.compliance import slo_compliance

pytestmark = [pytest.mark.live, pytest.mark.slow]

SLICE_MS = 300_000
RULES = """
groups:
- name: vllm
  rules:
  - {record: "model:requests:rate5m", expr: 'sum by (model_name) (rate(vllm:request_success_total[5m]))'}
  - {alert: QueueLong, expr: 'sum(vllm:num_requests_waiting) > 50', for: 5m, labels: {severity: page}}
  - {alert: NothingOfOurs, expr: 'some_other_metric > 1', labels: {severity: page}}
"""


@dataclass(frozen=True)
class Recorded:
    """A server that scraped every exposition, and the period in which the counters grew."""

    server: Server
    span: TimeRange


class _Exposed(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = text_of(self.path.strip("/")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[Recorded]:
    release, directory = release_or_omit("v3", omit), tmp_path_factory.mktemp("dialects")
    last_ms = int(time.time() - 20) * 1000
    end_ms = (last_ms // SLICE_MS - 1) * SLICE_MS
    start_ms = end_ms - 7_200_000
    parts = [history_of(text_of(name), start_ms, end_ms, last_ms, job=name, instance="a:1") for name in names()]
    write_openmetrics(SeriesSet.of([series for part in parts for series in part]), directory / "history.om")
    load_blocks(release, directory / "history.om", directory / "data")
    exposed = ThreadingHTTPServer(("127.0.0.1", 0), _Exposed)
    Thread(target=exposed.serve_forever, daemon=True).start()
    (directory / "rules.yml").write_text(RULES)
    lines = ["global: {scrape_interval: 2s, evaluation_interval: 5s}", "rule_files: [rules.yml]", "scrape_configs:"]
    for name in names():
        target = f"{{targets: ['127.0.0.1:{exposed.server_port}'], labels: {{instance: 'a:1'}}}}"
        lines.append(f"- {{job_name: {name}, metrics_path: /{name}, static_configs: [{target}]}}")
    with prometheus(release, directory, config="\n".join(lines) + "\n") as server:
        time.sleep(6)
        yield Recorded(server, TimeRange.from_ms(start_ms - SLICE_MS, end_ms + SLICE_MS))
    exposed.shutdown()
    exposed.server_close()


@pytest.fixture
def drafted(recorded: Recorded, tmp_path: Path) -> Callable[[str], tuple[DraftedSystem, Path]]:
    def make(job: str) -> tuple[DraftedSystem, Path]:
        settings = server_settings(recorded.server.url)
        made = draft_system(settings, name="mine", source="mine", jobs=[job], file=tmp_path / "workbench.toml")
        for name, text in made.files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        return made, tmp_path / "workbench.toml"

    return make


def figures(config: Path, span: TimeRange) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Flows, totals of spend and tokens, and compliance of a drafted system."""
    ctx = open_context(load_settings(config, home=str(config.parent / "home")))
    now = datetime.now(UTC)
    performance = service_performance(ctx, system="mine", range=span, as_of=now)
    spending = spend_and_tokens(ctx, system="mine", range=span, as_of=now)
    kept = slo_compliance(ctx, system="mine", range=span, as_of=now)
    assert {performance.status, spending.status, kept.status} & {"unavailable", "refused"} == set()
    flows = performance.results["flows"].frame
    whole = flows[(flows["dimension"] == "") | flows["dimension"].isna()].set_index("flow")
    return whole, spending.results["totals"].frame, kept.results["compliance"].frame


def test_the_rules_of_the_server_become_those_of_the_system(
    drafted: Callable[[str], tuple[DraftedSystem, Path]],
) -> None:
    made, config = drafted("vllm")
    profile = open_context(load_settings(config, home=str(config.parent / "home"))).catalog.profile("mine")
    assert [rule.name for rule in profile.recording_rules] == ["model:requests:rate5m"]
    assert [(rule.name, rule.severity, rule.for_ms) for rule in profile.alert_rules] == [
        ("QueueLong", "critical", 300_000)
    ]
    (threshold,) = profile.thresholds
    assert (threshold.expr, threshold.op, threshold.value) == ("sum(vllm:num_requests_waiting)", ">", 50.0)
    assert made.rules == 2


#: Exposition -> requests, failures, tokens, spend of its plain flow.
TRUTH = {
    "litellm-1.108.7": (120, 7, 4355, Decimal("0.00787475")),
    "fastapi-instrumentator": (240, 4, None, None),
    "vllm": (4400, 60, 1_300_000, None),
    "otel-genai-1": (180, 10, None, None),
    "otel-genai-2": (180, 10, None, None),
    "otel-genai-3": (180, 10, None, None),
    "otel-http-1": (160, 10, None, None),
    "otel-http-2": (160, 10, None, None),
    "starlette-exporter": (150, 10, None, None),
    "micrometer": (2000, 40, None, None),
    "envoy": (5000, 50, None, None),
    "istio": (3000, 60, None, None),
    "nginx": (3000, 30, None, None),
    "traefik": (3000, 60, None, None),
    "kong": (2000, 50, 400_000, Decimal("12.5")),
    "ray-serve": (3000, 60, None, None),
    "sglang": (2000, 20, 700_000, None),
    "tgi": (1000, 30, 291_000, None),
    "triton": (5050, 50, None, None),
    "redis": (50_000, 50, None, None),
}


@pytest.mark.parametrize("name", TRUTH)
def test_a_draft_answers_with_the_right_figures_without_an_edit(
    name: str, recorded: Recorded, drafted: Callable[[str], tuple[DraftedSystem, Path]]
) -> None:
    requests, failed, tokens, spend = TRUTH[name]
    made, config = drafted(name)
    assert [role.name for role in made.draft.roles if role.check and name not in ("sglang", "kong")] == []
    flows, totals, compliance = figures(config, recorded.span)
    assert flows.loc["requests", "requests"] == requests
    assert flows.loc["requests", "errors"] == failed
    amounts = {str(row.measure): row.amount for row in totals.itertuples()}
    assert amounts.get("tokens") == tokens or tokens is None
    assert amounts.get("cost") == spend or spend is None
    row = compliance.set_index("objective").loc["availability"]
    assert (row["total"], row["bad"]) == (requests, failed)
