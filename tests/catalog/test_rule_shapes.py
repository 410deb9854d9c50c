"""Rule files as they are kept: plain, as resources of the Prometheus operator, in lists, with labels of the group."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from workbench.catalog.rules.rule_file import read_rule_file
from workbench.catalog.rules.written import read_written_rules

GROUPS = """\
groups:
  - name: shop
    labels: {severity: critical, team: shop}
    rules:
      - {record: "shop:errors:rate5m", expr: "sum(rate(e_total[5m]))"}
      - {alert: Errors, expr: "shop:errors:rate5m > 1", for: 5m}
      - {alert: Slow, expr: "slow > 1", labels: {severity: warning}}
"""
RESOURCE = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: shop}\nspec:\n"
RESOURCE += textwrap.indent(GROUPS, "  ")
LISTED = "apiVersion: v1\nkind: List\nitems:\n- " + textwrap.indent(RESOURCE, "  ").lstrip()
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata:\n  notes.txt: x\n  shop.yaml: |\n"
CONFIG += textwrap.indent(GROUPS, "    ")
CONFIGS = "apiVersion: v1\nkind: List\nitems:\n- " + textwrap.indent(CONFIG, "  ").lstrip()
OTHER = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"


@pytest.mark.parametrize(
    "text",
    [GROUPS, RESOURCE, LISTED, CONFIG, CONFIGS, f"{OTHER}---\n{RESOURCE}",
     "prometheusAlerts:\n" + textwrap.indent(GROUPS, "  ")],
)  # fmt: skip
def test_rules_are_found_wherever_they_are_kept_and_have_the_labels_of_their_group(tmp_path: Path, text: str) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    written = read_written_rules(tmp_path / "rules.yaml")
    assert [(rule.name, rule.labels["severity"]) for rule in written.rules] == [
        ("shop:errors:rate5m", "critical"), ("Errors", "critical"), ("Slow", "warning")]  # fmt: skip
    assert [text.splitlines()[rule.line - 1].strip()[:10] for rule in written.rules[1:]] == ["- {alert: "] * 2
    if OTHER in text:
        return
    read = read_rule_file(tmp_path / "rules.yaml")
    assert [(rule.name, rule.severity, rule.labels["team"]) for rule in read.alerting] == [
        ("Errors", "page", "shop"), ("Slow", "ticket", "shop")]  # fmt: skip
    assert [rule.name for rule in read.recorded] == ["shop:errors:rate5m"]
