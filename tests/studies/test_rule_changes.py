"""Proposed settings written into rule files as they stand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from workbench.cli.promtool import checked
from workbench.studies.authoring.rule_change_tests import changed_rule_tests
from workbench.studies.authoring.rule_changes import changed_rules

TEXT = """# Rules of the team
groups:
  - name: api
    rules:
      - alert: Errors  # pages
        expr: |
          sum(rate(errors_total[5m]))
            > 0.05
        for: 5m
        labels: {severity: page}
      - alert: Slow
        expr: latency_seconds > 2
        labels:
          severity: page
"""


def proposal(name: str, **changes: float) -> dict[str, object]:
    row = {"alertname": name, "outcome": "proposed", "for_ms": 300_000, "proposed_for_ms": 300_000, "keep_ms": 0,
           "proposed_keep_ms": 0, "threshold": float("nan"), "proposed_threshold": float("nan")}  # fmt: skip
    return {**row, **changes}


def test_settings_are_written_line_by_line_and_nothing_else_moves(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(TEXT)
    rows = [
        proposal("Errors", proposed_for_ms=600_000, proposed_keep_ms=900_000, threshold=0.05, proposed_threshold=0.075),
        proposal("Slow", for_ms=0, proposed_for_ms=120_000),
        proposal("Other", proposed_for_ms=600_000),
    ]
    changed = changed_rules(path, pd.DataFrame(rows))
    assert changed.notes == ("Other is not in rules.yml.",)
    lines = [line for line in changed.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert lines == [
        "-            > 0.05",
        "-        for: 5m",
        "+            > 0.075",
        "+        keep_firing_for: 15m",
        "+        for: 10m",
        "+        for: 2m",
    ]
    if shutil.which("promtool"):
        assert checked(changed.text) == ("promtool check rules accepts the changed file.",)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("expr", ["sum(rate(errors_total[5m]))\n            > 0.05", "latency_seconds > 2"])
def test_promtool_runs_a_unit_test_of_each_changed_rule_and_fails_it_on_another_for(expr: str) -> None:
    rows = pd.DataFrame([proposal("Errors", proposed_for_ms=600_000), proposal("Slow", proposed_for_ms=120_000)])
    tests, missing = changed_rule_tests(TEXT, rows, "rules.yml")
    assert (tests.count("- name:"), missing) == (2, ())
    assert checked(TEXT, tests=tests)[1] == "promtool test rules accepts the unit tests of the changed file."
    assert expr in TEXT
    for wrong in (TEXT.replace("for: 5m", "for: 15m"), TEXT.replace(expr, expr.replace(">", "<"))):
        assert "promtool test rules refuses" in checked(wrong, tests=tests)[1]


def test_one_alert_for_all_is_written_as_the_largest_of_its_series(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(TEXT + "        annotations: {summary: '{{ $labels.pod }} is slow'}\n")
    row = proposal("Slow", for_ms=0, proposed_for_ms=120_000, threshold=2.0, proposed_threshold=3.0)
    changed = changed_rules(path, pd.DataFrame([{**row, "proposed_without": "pod"}]))
    assert "max without (pod) (latency_seconds) > 3\n" in changed.text
    assert changed.notes == ("Slow: its texts use the label 'pod', which one alert for all does not have.",)
    tests, missing = changed_rule_tests(changed.text, pd.DataFrame([row]), "rules.yml")
    assert missing == ()
    if shutil.which("promtool"):
        assert [said.split()[3] for said in checked(changed.text, tests=tests)] == ["accepts", "accepts"]


def test_an_alert_for_which_no_series_can_be_made_up_is_named() -> None:
    text = "groups: [{name: a, rules: [{alert: A, expr: 'sum(a) > 1 and sum(a) < 1'}]}]"
    tests, missing = changed_rule_tests(text, pd.DataFrame([proposal("A")]), "rules.yml")
    assert (tests, len(missing)) == ("", 1)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_says_why_a_file_is_refused() -> None:
    (said,) = checked("groups: [{name: a, rules: [{alert: A, expr: 'up ==', severity: x}]}]")
    assert "refuses" in said
