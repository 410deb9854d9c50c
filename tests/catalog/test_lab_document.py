"""The Lab's profile holds all that the Lab's document names, heading by heading.

The literal lists below were written from the document. Where the document itself is present, beside the checkout, it is
walked too and compared text for text.
"""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from workbench.catalog import RatioIndicator, ThresholdIndicator, iter_queries, load_catalog
from workbench.core.errors import WorkbenchError
from workbench.promql import parse, scoped

CATALOG = load_catalog()
LAB = CATALOG.profile("counterfactual-lab")
OBJECTIVES = {objective.id: objective for objective in CATALOG.objectives["counterfactual-lab"]}
DOCUMENT = Path(__file__).parents[3] / "shared" / "systems" / "counterfactual-lab.md"

FAMILIES = [
    "http_requests_total",
    "http_request_duration_seconds",
    "counterfactual_generation_total",
    "counterfactual_generation_duration_seconds",
    "counterfactual_quality_score",
    "bias_evaluation_score",
    "node_cpu_seconds_total",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
    "container_cpu_usage_seconds_total",
    "container_memory_usage_bytes",
    "container_restart_count",
    "user_sessions_total",
    "api_requests_total",
    "api_costs_total",
    "storage_costs_total",
    "compute_costs_total",
    "up",
]

QUERIES = {
    "Request rate": "sum(rate(http_requests_total[5m])) by (method, status)",
    "Average response time": (
        "rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])"
    ),
    "Error rate": 'sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
    "Generation rate": "sum(rate(counterfactual_generation_total[5m])) by (method)",
    "Average generation time": (
        "rate(counterfactual_generation_duration_seconds_sum[5m]) / "
        "rate(counterfactual_generation_duration_seconds_count[5m])"
    ),
    "Success rate": (
        'sum(rate(counterfactual_generation_total{status="success"}[5m])) / '
        "sum(rate(counterfactual_generation_total[5m]))"
    ),
    "Average quality score": "avg_over_time(counterfactual_quality_score[5m])",
    "Bias score": "avg_over_time(bias_evaluation_score[5m])",
    "Model drift detection": (
        "abs(avg_over_time(counterfactual_quality_score[5m]) - "
        "avg_over_time(counterfactual_quality_score[5m] offset 24h))"
    ),
    "CPU utilization": '100 - (avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100)',
    "Memory utilization": "100 - ((node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) * 100)",
    "Disk utilization": "100 - ((node_filesystem_avail_bytes / node_filesystem_size_bytes) * 100)",
    "Container CPU usage": "rate(container_cpu_usage_seconds_total[5m])",
    "Container memory usage": "container_memory_usage_bytes",
    "Container restart count": "increase(container_restart_count[1h])",
    "Daily active users": "count(increase(user_sessions_total[24h]))",
    "API usage rate": "rate(api_requests_total[1h])",
    "Unique users per day": "count by (day) (increase(user_sessions_total[24h]))",
    "API costs": "sum(api_costs_total) by (service)",
    "Storage costs": "sum(storage_costs_total) by (type)",
    "Compute costs": "sum(compute_costs_total) by (instance_type)",
}

RULES = [
    "cf_lab:error_rate:rate5m",
    "cf_lab:memory_usage_bytes",
    "cf_lab:generation_duration_seconds:rate5m",
    "cf_lab:availability:rate5m",
    "cf_lab:latency_95th:5m",
    "cf_lab:latency_99th:5m",
    "cf_lab:generation_success_rate:rate5m",
    "cf_lab:quality_score:avg5m",
]

ALERTS = [
    ("ServiceDown", 'up{job="counterfactual-lab"} == 0', 60_000, "critical"),
    ("HighErrorRate", "cf_lab:error_rate:rate5m > 0.1", 120_000, "critical"),
    ("HighMemoryUsage", "cf_lab:memory_usage_bytes / 1024 / 1024 / 1024 > 3", 300_000, "warning"),
    ("ModelGenerationLatency", "cf_lab:generation_duration_seconds:rate5m > 30", 300_000, "warning"),
]

CHECKLISTS = {
    ("Daily Monitoring Checklist", "daily"): [
        "Check overnight alerts",
        "Verify all services healthy",
        "Review performance trends",
        "Check error rate patterns",
        "Validate backup completion",
        "Review security alerts",
    ],
    ("Weekly Monitoring Tasks", "weekly"): [
        "Review SLO compliance",
        "Analyze capacity trends",
        "Update alert thresholds",
        "Review dashboard effectiveness",
        "Plan capacity upgrades",
        "Test disaster recovery",
    ],
    ("Monthly Monitoring Tasks", "monthly"): [
        "Review and update SLOs",
        "Analyze cost trends",
        "Update monitoring documentation",
        "Review alert fatigue",
        "Plan monitoring improvements",
        "Security review",
    ],
}

DASHBOARDS = {
    "monitoring/grafana/dashboards/application.json": [
        "Request rate and latency",
        "Error rate trends",
        "Generation performance",
        "Quality scores",
        "Resource utilization",
    ],
    "monitoring/grafana/dashboards/infrastructure.json": [
        "System resource usage",
        "Container metrics",
        "Network traffic",
        "Disk I/O",
    ],
    "monitoring/grafana/dashboards/business.json": [
        "User activity",
        "API usage",
        "Cost tracking",
        "Feature adoption",
    ],
    "monitoring/grafana/dashboards/models.json": [
        "Inference latency",
        "Model accuracy",
        "Cache performance",
        "GPU utilization",
    ],
}


def test_every_metric_family_is_listed_and_used_by_a_role() -> None:
    assert set(FAMILIES) == set(LAB.metrics) - {"process_start_time_seconds"}
    assert set(LAB.metrics) == {role.metric for role in LAB.roles.values()}


def test_every_query_is_kept_word_for_word() -> None:
    assert {query.title: query.documented for query in LAB.queries} == QUERIES


def test_every_recording_rule_is_named_and_marked_derived() -> None:
    assert [rule.name for rule in LAB.recording_rules] == RULES
    assert all(rule.derived and rule.labels == LAB.scope for rule in LAB.recording_rules)


def test_every_alert_rule_keeps_its_text_duration_and_severity() -> None:
    documented = [
        (rule.name, rule.documented, rule.for_ms, rule.severity) for rule in LAB.alert_rules if not rule.derived
    ]
    assert documented == ALERTS
    assert all(rule.expr == rule.documented for rule in LAB.alert_rules if not rule.derived)


def test_the_alerts_described_under_the_goals_are_there() -> None:
    derived = {rule.name: (rule.expr, rule.for_ms) for rule in LAB.alert_rules if rule.derived}
    assert derived["LatencyP95Violation"] == ("cf_lab:latency_95th:5m > 2", 300_000)
    assert derived["LatencyP99Violation"] == ("cf_lab:latency_99th:5m > 5", 300_000)
    assert derived["GenerationSuccessLow"] == ("cf_lab:generation_success_rate:rate5m < 0.95", 300_000)
    assert derived["QualityScoreLow"] == ("cf_lab:quality_score:avg5m < 0.8", 600_000)
    assert {"AvailabilityBudgetBurnFast", "AvailabilityBudgetBurnSlow"} < set(derived)


def test_every_alert_tells_what_happened_and_what_to_do() -> None:
    for rule in LAB.alert_rules:
        assert set(rule.annotations) == {"summary", "description"}, rule.name
        assert rule.labels == LAB.scope


def test_the_goals_are_those_of_the_document() -> None:
    targets = {id: (objective.target, objective.window_days) for id, objective in OBJECTIVES.items()}
    assert targets == {
        "availability": (Decimal("0.999"), 30),
        "latency-p95": (Decimal("0.95"), 30),
        "latency-p99": (Decimal("0.99"), 30),
        "generation-success": (Decimal("0.95"), 30),
        "quality": (Decimal("0.99"), 30),
    }
    assert [slo.title for slo in LAB.slos] == [
        "Availability SLO: 99.9%",
        "Latency SLO: 95% < 2s, 99% < 5s",
        "Generation Success Rate SLO: 95%",
        "Quality Score SLO: Average > 0.8",
    ]
    assert {name for slo in LAB.slos for name in slo.objectives} == set(OBJECTIVES)
    quality = OBJECTIVES["quality"].indicator
    assert isinstance(quality, ThresholdIndicator)
    assert (quality.op, quality.value, quality.slice_ms) == (">", Decimal("0.8"), 300_000)
    assert OBJECTIVES["quality"].assumptions


def test_latency_counts_the_bucket_in_both_spellings_of_its_bound() -> None:
    for id, bound in (("latency-p95", "2"), ("latency-p99", "5")):
        indicator = OBJECTIVES[id].indicator
        assert isinstance(indicator, RatioIndicator)
        assert indicator.good is not None
        found = re.search(r'le=~"([^"]+)"', indicator.good)
        assert found is not None
        pattern = found[1].replace("\\\\", "\\")
        assert all(re.fullmatch(pattern, text) for text in (bound, f"{bound}.0"))
        assert not any(re.fullmatch(pattern, text) for text in (f"{bound}0", f"{bound}x0", "0.5", "+Inf"))
        assert float(bound) in LAB.metrics["http_request_duration_seconds"].buckets


def test_the_budget_in_minutes_holds_for_thirty_days_only() -> None:
    budget = LAB.slos[0].budget
    assert budget is not None
    assert budget.documented == "43.2 minutes/month"
    allowed = 1 - OBJECTIVES["availability"].target
    minutes = {days: f"{allowed * days * 24 * 60:.1f}" for days in (28, 29, 30, 31)}
    assert minutes[30] == "43.2"
    assert all(text in (budget.corrected or "") for text in minutes.values())


def test_every_checklist_item_is_there_and_answered_or_left_to_people() -> None:
    assert {
        (checklist.title, checklist.cadence): [item.text for item in checklist.items] for checklist in LAB.checklists
    } == CHECKLISTS


def test_every_dashboard_panel_shows_something_or_says_what_is_not_measured() -> None:
    assert {dashboard.file: [panel.title for panel in dashboard.panels] for dashboard in LAB.dashboards} == DASHBOARDS
    for dashboard in LAB.dashboards:
        for panel in dashboard.panels:
            assert bool(panel.shows) != bool(panel.not_measured), panel.title


def test_components_ports_and_retention() -> None:
    assert {component.title: component.port for component in LAB.components} == {
        "Prometheus": 9090,
        "Grafana": 3000,
        "AlertManager": 9093,
        "Node Exporter": 9100,
        "cAdvisor": 8080,
        "Blackbox Exporter": 9115,
        "Redis Exporter": 9121,
        "Postgres Exporter": 9187,
    }
    assert LAB.components[0].retention == "30d"
    assert {"node", "cadvisor", "blackbox", "redis", "postgres"} == {item.job for item in LAB.components} - {""}


def test_severities_channels_health_and_guides() -> None:
    assert [level.severity for level in LAB.severities] == ["critical", "warning", "info"]
    assert [(channel.name, channel.kind) for channel in LAB.channels] == [
        ("slack-alerts", "slack"),
        ("pagerduty", "pagerduty"),
    ]
    assert [endpoint.url for endpoint in LAB.health] == [
        "http://prometheus:9090/-/healthy",
        "http://prometheus:9090/api/v1/status/config",
        "http://prometheus:9090/api/v1/targets",
        "http://grafana:3000/api/health",
        "http://grafana:3000/api/datasources/proxy/1/api/v1/query?query=up",
    ]
    assert [guide.title for guide in LAB.guides] == ["High Memory Usage", "High Error Rate", "Slow Response Times"]


def test_questions_without_a_signal_are_not_measured() -> None:
    asked = {entry.name for entry in LAB.not_measured}
    assert {"gpu", "cache-hits", "backups", "vulnerabilities", "certificates", "access", "network", "disk-io"} <= asked


def test_every_limit_of_an_alert_is_a_threshold_too() -> None:
    limits = {(threshold.expr, threshold.op, threshold.value) for threshold in LAB.thresholds}
    assert ("cf_lab:memory_usage_bytes", ">", 3 * 1024**3) in limits
    assert ("cf_lab:error_rate:rate5m", ">", 0.1) in limits
    assert ("cf_lab:quality_score:avg5m", "<", 0.8) in limits
    assert len(limits) == 7


def test_every_query_of_the_catalog_parses_and_takes_the_scope() -> None:
    wrong = []
    for query in iter_queries(CATALOG):
        try:
            parse(scoped(query.text, {"system": "x"}))
        except WorkbenchError as error:
            wrong.append(f"{query.file}:{query.line}: {query.where}: {error}")
    assert not wrong


def test_every_query_is_placed_in_its_file() -> None:
    placed = list(iter_queries(CATALOG))
    assert len(placed) > 90
    for query in placed:
        line = Path(query.file).read_text(encoding="utf-8").splitlines()[query.line - 1]
        start = query.text.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")[:25]
        assert line.rstrip().endswith(">-") or start in line, query


@pytest.fixture
def document() -> str:
    if not DOCUMENT.exists():
        pytest.skip("the Lab's document does not stand beside the checkout; no installation could bring it")
    return DOCUMENT.read_text(encoding="utf-8")


def test_the_document_itself_says_nothing_else(document: str) -> None:
    text = document
    blocks = re.findall(r"```promql\n(.*?)```", text, re.S)
    assert len(blocks) == 7
    found: dict[str, str] = {}
    for block in blocks:
        for part in re.split(r"^# ", block, flags=re.M)[1:]:
            title, _, query = part.partition("\n")
            found[title.strip()] = query.strip()
    assert {query.title: query.documented for query in LAB.queries} == found

    alerts = re.findall(r"- alert: (\w+)\n  expr: (.+)\n  for: (\w+)\n  labels:\n    severity: (\w+)", text)
    assert [(name, expr, severity) for name, expr, _, severity in alerts] == [
        (rule.name, rule.documented, rule.severity) for rule in LAB.alert_rules if not rule.derived
    ]
    assert re.findall(r"- \[ \] (.+)", text) == [item.text for entry in LAB.checklists for item in entry.items]
    assert set(re.findall(r"cf_lab:[\w:]+", text)) == {rule.name for rule in LAB.recording_rules}
    assert re.findall(r"`(monitoring/grafana/dashboards/\w+\.json)`", text) == [item.file for item in LAB.dashboards]
    assert re.findall(r"^  - (.+)$", text.split("## Dashboards")[1].split("## Alerting")[0], re.M) == [
        panel.title for dashboard in LAB.dashboards for panel in dashboard.panels
    ]
    assert [title.strip() for title in re.findall(r"^### (.+ SLO: .+)$", text, re.M)] == [slo.title for slo in LAB.slos]
    steps = re.findall(r"^\d\. (?!\*\*)(.+)$", text.split("### Common Issues")[1].split("### Monitoring the")[0], re.M)
    assert steps == [step for guide in LAB.guides for step in guide.steps]
    assert [int(port) for port in re.findall(r"\(port (\d+)\)|\*\*Port\*\*: (\d+)", text) for port in port if port] == [
        component.port for component in LAB.components
    ]


def test_every_heading_of_an_entry_is_one_of_the_document(document: str) -> None:
    open_at: dict[int, str] = {}
    known = set()
    fenced = False
    for line in document.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and (mark := re.match(r"(#{2,5}) (.+)", line)):
            open_at = {level: title for level, title in open_at.items() if level < len(mark[1])}
            open_at[len(mark[1])] = mark[2].strip()
            known.add(" / ".join(open_at[level] for level in sorted(open_at)))
    given = set(re.findall(r"heading: \"?([^\"}\n]+)\"?", Path(LAB.file).read_text(encoding="utf-8")))
    assert given <= known
