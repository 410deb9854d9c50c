"""Forty mistakes in rules of ChoreoAI and the Lab, each found by the check that is named for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workbench.studies import Context, alert_lint
from workbench.studies.sources.unavailable import UnavailableSource

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ERRORS, REQUESTS = "choreoai_errors_total", "choreoai_requests_total"
BUCKETS = "choreoai_request_duration_seconds_bucket"

GOOD = f"""
groups:
  - name: choreo
    interval: 30s
    rules:
      - record: choreoai:requests:rate5m
        expr: sum by (provider) (rate({REQUESTS}[5m]))
      - alert: Good
        expr: sum by (provider) (rate({ERRORS}[5m])) / sum by (provider) (rate({REQUESTS}[5m])) > 0.05
        for: 5m
        labels: {{severity: warning}}
        annotations:
          summary: "{{{{ $labels.provider }}}} fails"
          runbook_url: https://example.org/runbook
"""


@pytest.fixture
def linted(context_over: Callable[..., Context], tmp_path: Path):
    context = context_over(UnavailableSource("none", "", "No server here."))

    def problems(text: str, system: str = "choreoai", name: str = "rules.yml"):
        path = tmp_path / name
        path.write_text(text)
        study = alert_lint(context, system=system, path=path, as_of=NOW, history=False)
        return study.results["problems"].frame

    return problems


def rule(expr: str, *, summary: str = "It fails", keys: str = "", severity: str = "warning") -> str:
    return f"""
- alert: Seeded
  expr: {expr}
  for: 5m
  labels: {{severity: {severity}}}
  annotations:
    summary: '{summary}'
    runbook_url: https://example.org/runbook
{keys}"""


SEEDED = [
    ("promql/unknown-metric", rule("rate(choreoai_eror_total[5m]) > 1")),
    ("promql/unknown-metric", rule("rate(choreoai_request_total[5m]) > 1")),
    ("promql/unknown-metric", rule("choreoai:requests:rate10m > 1")),
    ("promql/unknown-metric", rule("sum(rate(choreoai_request_duration_seconds_buckets[5m])) > 1")),
    ("promql/no-series", rule(f'rate({REQUESTS}{{provder="openai"}}[5m]) > 1')),
    ("promql/no-series", rule(f'rate({REQUESTS}{{provider="opnai"}}[5m]) > 1')),
    ("promql/no-series", rule(f'rate({REQUESTS}{{status=~"6.."}}[5m]) > 1')),
    ("promql/no-series", rule(f'rate({BUCKETS}{{status="500"}}[5m]) > 1')),
    ("promql/join", rule(f"sum by (provider) (rate({ERRORS}[5m])) / sum(rate({REQUESTS}[5m])) > 0.05")),
    ("promql/join", rule(f"sum by (provider) (rate({ERRORS}[5m])) / sum by (model) (rate({REQUESTS}[5m])) > 0.05")),
    ("promql/join", rule(f"rate({ERRORS}[5m]) / rate({REQUESTS}[5m]) > 0.05")),
    (
        "promql/join",
        rule(f"sum by (provider) (rate({ERRORS}[5m])) / on(model) sum by (model) (rate({REQUESTS}[5m])) > 1"),
    ),
    ("promql/join", rule(f"sum(rate({REQUESTS}[5m])) > 1 and sum by (provider) (rate({ERRORS}[5m])) > 1")),
    ("promql/ratio-of-itself", rule(f'rate({REQUESTS}{{status=~"5.."}}[5m]) / rate({REQUESTS}[5m]) > 0.05')),
    ("promql/short-window", rule(f"rate({REQUESTS}[30s]) > 1")),
    ("promql/short-window", rule(f"sum(increase({ERRORS}[45s])) > 1")),
    ("promql/grouping", rule(f"sum by (tenant) (rate({REQUESTS}[5m])) > 1")),
    ("promql/no-buckets", rule(f"histogram_quantile(0.95, sum by (provider) (rate({BUCKETS}[5m]))) > 5")),
    ("promql/raw-counter", rule(f"{ERRORS} > 100")),
    ("promql/raw-counter", rule(f"sum({REQUESTS}) > 100")),
    ("promql/rate-of-gauge", rule("rate(up[5m]) > 0")),
    ("promql/syntax", rule(f"rate({REQUESTS}[5m] > 1")),
    ("alerts/template", rule(f"sum(rate({REQUESTS}[5m])) > 1", summary="{{ $labels.provider }} fails")),
    ("alerts/severity", "- {alert: A, expr: up == 0, for: 5m}"),
    ("alerts/unrouted-severity", rule("up == 0", severity="page")),
    ("alerts/runbook", "- {alert: A, expr: up == 0, for: 5m, labels: {severity: critical}}"),
    ("alerts/for", "- {alert: A, expr: up == 0, labels: {severity: critical}}"),
    ("alerts/always-firing", rule("vector(1)")),
    ("alerts/always-firing", rule(f"sum(rate({REQUESTS}[5m]))")),
    ("alerts/always-firing", rule(f"sum(rate({REQUESTS}[5m])) >= 0")),
    ("alerts/always-firing", rule("up >bool 0")),
    ("alerts/never-firing", rule("up > 1")),
    ("alerts/never-firing", rule("up < 0")),
    ("alerts/never-firing", rule(f"histogram_quantile(0.95, sum by (le) (rate({BUCKETS}[5m]))) > 60")),
    ("alerts/never-firing", rule("up > 0 and up < 0")),
    (
        "alerts/never-firing",
        rule(f'100 * sum(rate({REQUESTS}{{status=~"5.."}}[5m])) / sum(rate({REQUESTS}[5m])) > 500'),
    ),
    (
        "alerts/never-firing",
        rule(f'sum(rate({REQUESTS}{{status=~"5.."}}[5m])) / sum(rate({REQUESTS}[5m])) > 5'),
    ),
    ("rule/refused", rule("up == 0", keys="  severity: critical")),
    ("rule/duplicate", rule("up == 0") + rule("up == 0")),
]


@pytest.mark.parametrize(("check", "text"), SEEDED)
def test_a_seeded_mistake_is_found_where_it_stands(check: str, text: str, linted) -> None:
    frame = linted(text)
    own = frame[frame["check"] == check]
    assert len(own) == 1, frame[["check", "text"]].to_string()
    row = own.iloc[0]
    assert row["source"] == text.splitlines()[row["line"] - 1]
    assert 1 <= row["column"] <= len(row["source"])


def test_a_rule_without_a_mistake_has_no_problem(linted) -> None:
    assert linted(GOOD).empty


def test_a_caret_stands_under_the_word_that_is_wrong(linted) -> None:
    head = "groups:\n  - name: a\n    rules:\n      - alert: A\n"
    text = f"{head}        expr: |\n          rate(choreoai_eror_total[5m]) > 1\n"
    row = linted(text).query("check == 'promql/unknown-metric'").iloc[0]
    assert (row["line"], row["column"]) == (6, 16)
    assert "choreoai_errors_total" in row["text"]


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ("groups: [{{name: g, rules: [{rule}]}}]\n", "rules.yml"),
        ("- {rule}", "rules.yaml"),
        ("# Title\n\n```yaml\n- {rule}\n```\n\n```yaml\nother: [1\n```\n", "document.md"),
    ],
)
def test_the_three_shapes_of_the_documents_are_read(shape: str, name: str, linted) -> None:
    text = shape.format(rule='{alert: A, expr: "rate(choreoai_eror_total[5m]) > 1", severity: critical}')
    checks = set(linted(text, name=name)["check"])
    assert {"promql/unknown-metric", "rule/refused"} <= checks
    assert "alerts/severity" not in checks


@pytest.mark.slow
@pytest.mark.parametrize("system", ["choreoai", "conduit", "counterfactual-lab"])
def test_the_documents_have_their_known_errata_only(system: str, linted, omit) -> None:
    path = Path(__file__).parents[3] / "shared" / "systems" / f"{system}.md"
    if not path.exists():
        omit("the documents are not beside the project")
    frame = linted(path.read_text(), system=system, name=f"{system}.md")
    wrong = frame[frame["level"] != "info"]
    assert set(wrong["check"]) == ({"rule/refused"} if system == "conduit" else set())
    assert len(wrong) == (3 if system == "conduit" else 0)
