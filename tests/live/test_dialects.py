"""Known exporters behind a real Prometheus: `workbench init` drafts them, and the questions get the right figures."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
import urllib.request
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
from workbench.cli.main import main
from workbench.core.series import SeriesSet
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange
from workbench.studies import open_context
from workbench.studies.alerts.load import alert_load
from workbench.studies.authoring.draft import DraftedSystem, draft_system, server_settings
from workbench.studies.cost.spend import spend_and_tokens
from workbench.studies.overview.board import overview
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
  - {alert: Running, expr: 'sum(vllm:num_requests_running) > 1', labels: {severity: ticket}}
  - {alert: Orphan, expr: 'vector(1)', labels: {severity: info}}
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
        until = time.monotonic() + 60
        while firing(server) < 2:
            assert time.monotonic() < until, server.log
            time.sleep(0.5)
        time.sleep(3)
        yield Recorded(server, TimeRange.from_ms(start_ms - SLICE_MS, end_ms + SLICE_MS))
    exposed.shutdown()
    exposed.server_close()


def firing(server: Server) -> int:
    """Number of alerts that fire on the server."""
    url = f"{server.url}/api/v1/query?query=count(ALERTS%7Balertstate=%22firing%22%7D)"
    with urllib.request.urlopen(url, timeout=10) as answer:
        result = json.load(answer)["data"]["result"]
    return int(result[0]["value"][1]) if result else 0


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
        ("QueueLong", "critical", 300_000),
        ("Running", "warning", 0),
    ]
    threshold = profile.thresholds[0]
    assert (threshold.expr, threshold.op, threshold.value) == ("sum(vllm:num_requests_waiting)", ">", 50.0)
    assert made.rules == 3


def test_alerts_that_lost_the_scopes_label_are_the_systems(
    drafted: Callable[[str], tuple[DraftedSystem, Path]],
) -> None:
    _, config = drafted("vllm")
    ctx = open_context(load_settings(config, home=str(config.parent / "home")))
    assert ctx.catalog.profile("mine").scope == {"job": "vllm"}
    now = datetime.now(UTC)
    load = alert_load(ctx, system="mine", range=TimeRange.last("1h", until=now), as_of=now)
    assert list(load.results["episodes"].frame["alertname"]) == ["Running"]
    assert [text for text in load.warnings if "labels that belong to no system: Orphan" in text]
    board = overview(ctx, as_of=now)
    assert list(board.results["alerts"].frame["alertname"]) == ["Running"]
    looked = board.results["evidence"].frame.set_index("clause")
    assert looked.loc["alert", ["known", "read"]].tolist() == [2, 2]
    assert looked.loc["limit", ["known", "read"]].tolist() == [2, 2]


def test_the_tutorial_reaches_true_figures_in_ten_commands(recorded: Recorded, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "first-steps.md").read_text()
    commands = text.partition("```sh\n")[2].partition("```")[0].strip().splitlines()
    assert len(commands) <= 10
    assert commands[-1] == "workbench dashboard"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    said = {}
    for command in commands[1:-1]:
        words = command.replace("http://prometheus:9090", recorded.server.url).split()
        words = [word.replace("litellm", "litellm-1.108.7") for word in words]
        done = subprocess.run(
            [sys.executable, "-c", "from workbench.cli.main import main; main()", *words[1:], "--format", "csv"]
            if "status" in words
            else [sys.executable, "-c", "from workbench.cli.main import main; main()", *words[1:]],
            cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stderr)
        said[words[1]] = done.stdout
    (objective,) = csv.DictReader(said["slo"].splitlines())
    assert (float(objective["total"]), float(objective["bad"])) == (120, 7)
    flows = list(csv.DictReader(said["performance"].splitlines()))
    assert any(row.get("requests") == "120.0" for row in flows)


def test_the_notebooks_run_on_a_drafted_system(
    recorded: Recorded,
    drafted: Callable[[str], tuple[DraftedSystem, Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, config = drafted("vllm")
    monkeypatch.setenv("WORKBENCH_CONFIG", str(config))
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["notebook", "open", "--system", "mine", "--no-lab"])
    assert ended.value.code == 0
    paths = sorted((tmp_path / "notebooks-mine").glob("*.ipynb"))
    assert len(paths) == 8
    for path in paths:
        cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
        code = "\n".join("".join(cell["source"]) for cell in cells).replace('period: str = "30d"', 'period: str = "6h"')
        assert 'system: str = "mine"' in code
        exec(compile(code, path.name, "exec"), {})


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
    "micrometer": (105, 6, None, None),
    "micrometer-summary": (105, 6, None, None),
    "otel-http-fastapi-1": (54, 7, None, None),
    "otel-http-fastapi-2": (54, 7, None, None),
    "envoy": (5000, 50, None, None),
    "istio": (3000, 60, None, None),
    "nginx": (3000, 30, None, None),
    "traefik": (3000, 60, None, None),
    "kong": (2000, 50, 400_000, Decimal("12.5")),
    "ray-serve": (3000, 60, None, None),
    "sglang": (2000, 20, 700_000, None),
    "tgi": (1000, 30, 291_000, None),
    "triton": (5050, 50, None, None),
    "redis": (93, 5, None, None),
    "haproxy": (2000, 50, None, None),
    "caddy": (500, 20, None, None),
    "grpc": (1000, 30, None, None),
    "django": (1000, 70, None, None),
}


def test_litellms_limits_latency_budgets_and_providers_are_right(
    recorded: Recorded, drafted: Callable[[str], tuple[DraftedSystem, Path]]
) -> None:
    _, config = drafted("litellm-1.108.7")
    ctx, now = open_context(load_settings(config, home=str(config.parent / "home"))), datetime.now(UTC)
    flows = service_performance(ctx, system="mine", range=recorded.span, as_of=now).results["flows"].frame
    whole = flows[flows["dimension"] == ""].set_index("flow").loc["requests"]
    assert whole["limited"] == 12
    window = f"{round(recorded.span.seconds)}s"
    job = '{job="litellm-1.108.7"}'
    asked = f"histogram_quantile(0.95, sum by (le) (rate(litellm_request_total_latency_metric_bucket{job}[{window}])))"
    answer = ctx.source_for("mine").instant(asked, recorded.span.end)
    assert whole["p95"] == pytest.approx(float(answer.values[0, 0]), rel=1e-12)
    providers = flows[(flows["dimension"] == "provider") & (flows["flow"] == "requests")].set_index("group")["requests"]
    assert providers.to_dict() == {"anthropic": 26, "openai": 94}
    study = spend_and_tokens(ctx, system="mine", range=recorded.span, as_of=now)
    budgets = study.results["budgets"].frame
    keys = budgets[budgets["dimension"] == "key"].set_index("group")
    assert keys["limit"].to_dict() == dict.fromkeys(("alpha-key", "beta-key", "gamma-key"), 100.0)
    assert keys["left"].sum() == pytest.approx(299.999973, abs=1e-6)
    assert set(keys["status"]) == {"ok"}


@pytest.mark.parametrize("name", TRUTH)
def test_a_draft_answers_with_the_right_figures_without_an_edit(
    name: str, recorded: Recorded, drafted: Callable[[str], tuple[DraftedSystem, Path]]
) -> None:
    requests, failed, tokens, spend = TRUTH[name]
    made, config = drafted(name)
    assert [role.name for role in made.draft.roles if role.check and name not in ("sglang", "kong", "caddy")] == []
    flows, totals, compliance = figures(config, recorded.span)
    assert flows.loc["requests", "requests"] == requests
    assert flows.loc["requests", "errors"] == failed
    amounts = {str(row.measure): row.amount for row in totals.itertuples()}
    assert amounts.get("tokens") == tokens or tokens is None
    assert amounts.get("cost") == spend or spend is None
    row = compliance.set_index("objective").loc["availability"]
    assert (row["total"], row["bad"]) == (requests, failed)
