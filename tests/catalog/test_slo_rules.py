"""Generated rules: factors follow the period, nothing that cannot fire, and promtool runs their tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers.programs import PROMETHEUS_3
from workbench.analysis.slo.burn_policy import fitting_policy
from workbench.catalog import load_catalog
from workbench.catalog.rules.generated import Counted, burn_alerts, reachable, rule_groups
from workbench.catalog.slo.burn_policies import read_burn_policies
from workbench.core.errors import ParameterError
from workbench.promql import parse
from workbench.studies.authoring.rules import slo_rules
from workbench.studies.sources.context import Context

CATALOG = load_catalog()
DAY_MS = 86_400_000
API = Counted(
    "shop", "api", "API", Decimal("0.999"), 30 * DAY_MS, "sum(increase(a[$window]))", "sum(increase(b[$window]))"
)


@pytest.mark.parametrize(
    ("days", "factors"),
    [
        (30, [14.4, 6, 3, 1]),  # Workbook, table 5-8
        (28, [13.44, 5.6, 2.8, 0.9333]),  # sloth, internal/alert/alert_test.go
        (7, [13.44, 3.5, 1.4, 0.98]),  # sloth, windows of 7 days
    ],
)
def test_factors_follow_the_period(days, factors):
    assert [round(float(one.factor), 4) for one in burn_alerts(days * DAY_MS)] == factors


def test_an_alert_that_can_never_fire_is_left_out_with_the_arithmetic():
    kept, refused = reachable(replace(API, target=Decimal("0.9")))
    assert [float(one.factor) for one in kept] == [6, 3, 1]
    assert refused == (
        "api: a burn rate above 14.4 over 1h can never be: when everything fails it is 1 / (1 - 0.9) = 10.",
    )
    with pytest.raises(ParameterError, match="can never be"):
        rule_groups(replace(API, target=Decimal("0.05"), period_ms=90 * DAY_MS))


def test_a_budget_is_written_without_the_noise_of_floats():
    (expr,) = {rule["expr"] for group in rule_groups(API) for rule in group["rules"]
               if rule.get("record") == "slo:burn_rate:1h"}  # fmt: skip
    assert expr.endswith("/ 0.001")
    assert API.budget == Fraction(1, 1000)


def test_labels_and_titles_cannot_break_out_of_a_rule():
    hostile = replace(API, slo='x"} or vector(1) #', title="{{ query `up` }}")
    groups = rule_groups(hostile)
    for group in groups:
        for rule in group["rules"]:
            parse(rule["expr"])
            assert "{{ query" not in str(rule.get("annotations", ""))


@pytest.mark.live
@pytest.mark.parametrize("release", ["2", "3"])
def test_promtool_accepts_the_rules_of_every_objective(release, tmp_path, omit: Callable[[str], NoReturn]) -> None:
    files = written(tmp_path, list(CATALOG.profiles))
    done = run(promtool(release, omit), "check", files[0])
    assert "SUCCESS: 0 rules" not in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.live
@pytest.mark.slow
def test_promtool_runs_the_generated_tests(tmp_path, omit: Callable[[str], NoReturn]) -> None:
    """One objective of each kind: errors, buckets of latency, two counters by pattern, a gauge over a threshold."""
    chosen = {
        "counterfactual-lab": ["availability", "latency-p95", "quality"],
        "choreoai": ["success", "provider-success"],
    }
    _, tests = written(tmp_path, list(chosen), chosen)
    assert len(tests) == 5
    done = run(promtool("3", omit), "test", tests)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(tests)
    broken = tests[0]
    broken.write_text(broken.read_text().replace("value: 0.0", "value: 1.0"))
    assert run(promtool("3", omit), "test", [broken]).returncode != 0


def written(
    folder: Path, systems: list[str], chosen: dict[str, list[str]] | None = None
) -> tuple[list[Path], list[Path]]:
    context = Context(sources={}, catalog=CATALOG)
    files: dict[str, str] = {}
    tests: dict[str, str] = {}
    for system in systems:
        for slo in (chosen or {}).get(system) or [one.id for one in CATALOG.objectives[system]]:
            made = slo_rules(context, system=system, slo=slo)
            files |= made.files
            tests |= made.tests
    for name, text in {**files, **tests}.items():
        (folder / name).write_text(text)
    return [folder / name for name in files], [folder / name for name in tests]


def promtool(release: str, omit: Callable[[str], NoReturn]) -> Path:
    found = shutil.which("promtool") if release == "2" else PROMETHEUS_3 / "promtool"
    if found is None or not Path(found).exists():
        omit(f"promtool of Prometheus {release} is not installed")
    return Path(found)


def run(tool: Path, verb: str, files: list[Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool, verb, "rules", *files], capture_output=True, text=True, check=False, timeout=300)


@settings(max_examples=100, deadline=None)
@given(st.integers(3, 6 * 24 * 12 + 11))
def test_rules_of_a_brief_period_fit_into_it_and_fire_only_for_burns_that_spend_it(tiles):
    period_ms = tiles * 300_000
    ours = burn_alerts(period_ms)
    for alert in ours:
        assert alert.short_ms <= alert.long_ms <= period_ms
        assert alert.factor > 1
    shown = fitting_policy(read_burn_policies()["workbook"], period_ms, Decimal("0.999"))[0].alerts
    assert [(one.long_ms, one.short_ms, one.factor) for one in shown] == [
        (one.long_ms, one.short_ms, one.factor) for one in ours
    ]
