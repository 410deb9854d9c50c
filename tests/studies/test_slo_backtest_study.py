"""Policies and rule files replayed on a simulated history of three days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.demo_home import END
from workbench.catalog.rules.rule_file import read_rule_file
from workbench.core.errors import CatalogError, ParameterError
from workbench.core.timerange import TimeRange
from workbench.studies import Context, slo_backtest, slo_what_if
from workbench.studies.decisions.exclusions import add_exclusion

RULES = """
groups:
  - name: lab
    rules:
      - record: lab:errors:ratio_rate5m
        expr: sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))
        labels: {slo: availability}
      - alert: LabErrors
        expr: lab:errors:ratio_rate5m{slo="availability"} > 0.002
        for: 2m
        labels: {severity: critical}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "lab.yml"
    path.write_text(RULES)
    return path


@pytest.mark.slow
def test_a_rule_file_is_replayed_beside_the_policies(lab: Context, rules: Path) -> None:
    whole = TimeRange.last("3d", until=END)
    study = slo_backtest(
        lab, system="counterfactual-lab", slo="availability", range=whole, as_of=END, rules=read_rule_file(rules)
    )
    frame = study.results["backtest"].frame
    assert {"workbook", "sooner", "later", "pyrra", "one-window", "document", "rules"} == set(frame["policy"])
    row = frame[(frame["policy"] == "rules") & (frame["severity"] == "page")].iloc[0]
    assert row["alerts"] >= 1
    assert row["caught"] >= 1
    assert row["precision"] == 1
    assert row["detection_s"] <= 600
    assert frame["suggested"].any()


@pytest.mark.slow
def test_rules_are_mute_in_what_is_excluded(lab: Context, rules: Path) -> None:
    """The rule fires all the time. One window takes its time with it, the other ends the alert, which comes back."""
    whole = TimeRange.last("3d", until=END)

    def replayed() -> tuple[int, float]:
        study = slo_backtest(
            lab, system="counterfactual-lab", slo="availability", range=whole, as_of=END, rules=read_rule_file(rules)
        )
        assert study.warnings == ()
        frame = study.results["backtest"].frame.set_index(["policy", "severity"])
        return frame.loc[("rules", "page"), "alerts"], frame.loc[("rules", "page"), "firing_share"]

    alerts, share = replayed()
    for start, semantics in ((END - timedelta(hours=10), "remove_time"), (END - timedelta(hours=5), "count_good")):
        add_exclusion(
            lab, system="counterfactual-lab", start=start, duration="2h", reason="Move", semantics=semantics
        )  # fmt: skip
    again, less = replayed()
    assert again == alerts + 1
    assert (share - less) * 72 * 60 == pytest.approx(120 + 5 + 2, abs=1)  # the window, [5m] after it, and `for: 2m`


def test_rules_need_an_objective(lab: Context, rules: Path) -> None:
    with pytest.raises(ParameterError, match="one objective"):
        slo_backtest(lab, system="counterfactual-lab", range=TimeRange.last("1d", until=END), as_of=END,
                     rules=read_rule_file(rules))  # fmt: skip


@pytest.mark.parametrize(("text", "why"), [
    ("groups: []", "at least 1 item"), ("groups: [{name: a, rules: [{expr: up}]}]", "record or alert"),
    ("groups: [{name: a, rules: [{alert: A, expr: up, for: soon}]}]", "not a duration"),
    ("groups: [{name: a, rules: [{record: 'a:b', expr: up}]}]", "no alerting rule"),
])  # fmt: skip
def test_a_wrong_rule_file_is_refused_with_its_line(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(text)
    with pytest.raises(CatalogError, match=why):
        read_rule_file(path)


@pytest.mark.slow
def test_a_threshold_can_be_moved_and_a_ratio_has_none(lab: Context) -> None:
    from decimal import Decimal

    whole = TimeRange.last("3d", until=END)
    asked = {"system": "counterfactual-lab", "range": whole, "as_of": END}
    study = slo_what_if(lab, slo="quality", thresholds=[Decimal("0.1"), Decimal("0.99")], **asked)
    rows = study.results["what_if"].frame
    assert set(rows["threshold"]) == {"", "0.1", "0.99"}
    assert rows.loc[rows["threshold"] == "0.1", "bad"].max() == 0
    assert (rows.loc[rows["threshold"] == "0.99", "status"] == "spent").all()
    with pytest.raises(ParameterError, match="no threshold"):
        slo_what_if(lab, slo="availability", thresholds=[Decimal(1)], **asked)
