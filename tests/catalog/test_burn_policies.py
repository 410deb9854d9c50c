"""Policies of alerts on burn rates are data: read as written, with their source, refused with file and line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from workbench.catalog.rules.generated import burn_alerts
from workbench.catalog.slo.burn_policies import read_burn_policies
from workbench.core.errors import CatalogError
from workbench.core.timerange import duration_ms

DAY = 86_400_000


def test_every_shipped_policy_names_its_source() -> None:
    policies = read_burn_policies()
    assert list(policies) == ["workbook", "sooner", "later", "one-window", "pyrra"]
    assert all(policy.source for policy in policies.values())


@pytest.mark.parametrize("days", [1, 6.9, 7, 14, 15, 30, 90])
def test_rules_and_pages_take_the_same_alerts(days) -> None:
    period_ms = int(days * DAY)
    assert burn_alerts(period_ms) == read_burn_policies()["workbook"].policy(period_ms).alerts


def test_half_and_twice_a_policy_change_its_shares_only() -> None:
    policies = read_burn_policies()
    workbook, sooner, later = (policies[name].policy(30 * DAY).alerts for name in ("workbook", "sooner", "later"))
    assert [alert.factor for alert in sooner] == [alert.factor / 2 for alert in workbook]
    assert [alert.factor for alert in later] == [alert.factor * 2 for alert in workbook]
    assert [alert.long_ms for alert in sooner] == [alert.long_ms for alert in workbook]


def test_a_period_shorter_than_a_window_has_no_such_alert() -> None:
    assert read_burn_policies()["one-window"].policy(duration_ms("30m")).alerts == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"budget: 0.02": "budget: 2"}, "less than or equal to 1"),
        ({"budget: 0.02, ": ""}, "a budget or a factor"),
        ({"long: 1h": "long: 1 hour"}, "hour"),
        ({"long: 1h, short: 5m": "long: 5m, short: 1h"}, "longer than the long one"),
        ({"like: workbook": "like: workbok"}, "names a policy"),
        ({"severity: page": "severity: loud"}, "page"),
        ({"    source: Pyrra, slo/rules.go, windows of 28 days (Apache-2.0)\n": ""}, "source"),
    ],
)
def test_a_mistake_is_refused_with_its_line(tmp_path: Path, change: dict[str, str], said: str) -> None:
    text = Path("data/policies/burn-rates.yaml").read_text()
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new, 1)
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(CatalogError) as caught:
        read_burn_policies(file)
    assert said in str(caught.value)
    assert "mine.yaml:" in str(caught.value)


def test_shares_are_read_exactly() -> None:
    step = read_burn_policies()["workbook"].periods[2].steps[0]
    assert (step.long_part, step.budget) == (Fraction(1, 24), Fraction(1, 4))
