"""Unit tests of generated rules, as `promtool test rules` reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.catalog.rules.generated import Counted, burn_annotations, matching, reachable, silence_annotations
from workbench.core.timerange import MINUTE_MS, duration_text

_MINUTES = 7 * 60


@dataclass(frozen=True)
class Example:
    """Series that make events of an objective, as samples a minute.

    Attributes
    ----------
    failing, healthy : mapping of str to str
        Series to its values in promtool's notation (``0+10x720``), while every event is bad, and while none is.
    """

    failing: Mapping[str, str]
    healthy: Mapping[str, str]


def recorded_example(counted: Counted) -> Example:
    """Make an example out of recorded slices, for an objective whose own series cannot be made up."""
    total, bad = (f"slo:{part}:slice{matching(counted.labels)}" for part in ("total", "bad"))
    ones, zeros = f"1+0x{_MINUTES}", f"0+0x{_MINUTES}"
    return Example(failing={total: ones, bad: ones}, healthy={total: ones, bad: zeros})


def rule_tests(counted: Counted, example: Example, rule_file: str) -> dict[str, Any]:
    """Return a promtool test file: an outage is paged, health is not, and silence is told from health.

    Parameters
    ----------
    counted : Counted
        The counted indicator.
    example : Example
        Samples of which the right result is known.
    rule_file : str
        Name of the rule file, beside the test file.
    """
    alerts, _ = reachable(counted)
    fired = [severity for severity in ("page", "ticket") if any(alert.severity == severity for alert in alerts)]
    shown = max(alert.long_ms for alert in alerts if alert.long_ms <= _MINUTES * MINUTE_MS)
    burn = float(1 / counted.budget)
    return {
        "rule_files": [rule_file],
        "evaluation_interval": "1m",
        "tests": [
            _test("an outage burns the budget at full speed", example.failing, counted, shown, burn, fired),
            _test("health burns nothing", example.healthy, counted, shown, 0.0, ()),
            _silence(counted),
        ],
    }


def _test(
    name: str, series: Mapping[str, str], counted: Counted, long_ms: int, burn: float, fired: Sequence[str]
) -> dict[str, Any]:
    at = duration_text(_MINUTES * MINUTE_MS)
    metric = f"slo:burn_rate:{duration_text(long_ms)}{matching(counted.labels)}"
    expected = {"labels": matching(counted.labels), "value": round(burn, 6)}
    alerts = [
        {
            "exp_labels": {**counted.labels, "severity": severity},
            "exp_annotations": burn_annotations(counted, f"{burn:.1f}"),
        }
        for severity in fired
    ]
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": text, "values": values} for text, values in series.items()],
        "promql_expr_test": [{"expr": f"round({metric}, 1e-6)", "eval_time": at, "exp_samples": [expected]}],
        "alert_rule_test": [
            {"alertname": "SloNoData", "eval_time": at, "exp_alerts": []},
            {"alertname": "SloBudgetBurn", "eval_time": at, "exp_alerts": alerts},
        ],
    }


def _silence(counted: Counted) -> dict[str, Any]:
    expected = {"exp_labels": {**counted.labels, "severity": "ticket"}, "exp_annotations": silence_annotations(counted)}
    return {
        "name": "silence is not health",
        "interval": "1m",
        "input_series": [],
        "alert_rule_test": [
            {"alertname": "SloNoData", "eval_time": "20m", "exp_alerts": [expected]},
            {"alertname": "SloBudgetBurn", "eval_time": "20m", "exp_alerts": []},
        ],
    }
