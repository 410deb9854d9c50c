"""Prometheus rules of an objective: counts per window, burn rates made of them, and alerts on long and short windows.

Every rule carries ``system`` and ``slo``. Names say what is recorded:

============================= ==================================================================================
``slo:total:increase1h``      events of the hour (for slices of time: judged slices)
``slo:bad:increase1h``        bad ones among them
``slo:burn_rate:1h``          (bad / total) / (1 - target), without a value where nothing happened
``slo:budget_left:ratio``     1 - (bad / total) / (1 - target) over the whole period
============================= ==================================================================================

Counts are recorded and divided last: a mean of ratios would weigh a quiet minute like a busy one, and one 0/0 would
spoil a month.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from workbench.catalog.slo.burn_policies import read_burn_policies
from workbench.core.errors import ParameterError
from workbench.core.slo.burn_alerts import BurnAlert
from workbench.core.timerange import HOUR_MS, SLICE_MS, duration_text

#: Where an expression of a :class:`Counted` takes the length of its window.
WINDOW = "$window"


#: Windows up to this long are asked of the counters; longer ones add up the recorded five minutes. [ms]
DIRECT_MS = 6 * HOUR_MS


@dataclass(frozen=True)
class Counted:
    """How the events of an objective are counted in PromQL.

    Attributes
    ----------
    system, slo, title : str
    target : Decimal
        [ratio]
    period_ms : int
        Period of the budget; the usual length of a calendar one. [ms]
    total, bad : str
        PromQL of the counts. With ``slice_ms`` None they hold ``$window``; otherwise they count one slice, evaluated
        at its end. Where nothing was observed both have no value; ``bad`` has one wherever ``total`` has.
    slice_ms : int or None
        [ms]
    """

    system: str
    slo: str
    title: str
    target: Decimal
    period_ms: int
    total: str
    bad: str
    slice_ms: int | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Labels of all rules."""
        return {"slo": self.slo, "system": self.system}

    @property
    def budget(self) -> Fraction:
        """Share that may be bad, exact. [ratio]"""
        return 1 - Fraction(self.target)


def burn_alerts(period_ms: int) -> tuple[BurnAlert, ...]:
    """Return the alerts of a period, by the policy ``workbook`` of ``data/policies/burn-rates.yaml``.

    Parameters
    ----------
    period_ms : int
        Length of the period of the budget. [ms]

    Examples
    --------
    >>> [float(alert.factor) for alert in burn_alerts(30 * 86_400_000)]
    [14.4, 6.0, 3.0, 1.0]
    >>> [round(float(alert.factor), 4) for alert in burn_alerts(28 * 86_400_000)]
    [13.44, 5.6, 2.8, 0.9333]
    >>> [(alert.long_ms // 60_000, float(alert.factor)) for alert in burn_alerts(43_200_000)]
    [(30, 6.0), (120, 3.0), (360, 1.5)]
    """
    return read_burn_policies()["workbook"].policy(period_ms).alerts


def reachable(counted: Counted) -> tuple[tuple[BurnAlert, ...], tuple[str, ...]]:
    """Split the alerts of an objective into those that can fire and a sentence on each that never could.

    Raises
    ------
    ParameterError
        None of them can fire.
    """
    kept, refused = [], []
    for alert in burn_alerts(counted.period_ms):
        if alert.factor < 1 / counted.budget:
            kept.append(alert)
        else:
            refused.append(
                f"{counted.slo}: a burn rate above {float(alert.factor):g} over {duration_text(alert.long_ms)} can "
                f"never be: when everything fails it is 1 / (1 - {counted.target}) = {float(1 / counted.budget):g}."
            )
    if not kept:
        raise ParameterError("\n".join(refused), hint="Raise the target, or alert on the budget that is left.")
    return tuple(kept), tuple(refused)


def rule_groups(counted: Counted) -> list[dict[str, Any]]:
    """Return the recording and alerting rules of an objective as Prometheus rule groups of plain values.

    Raises
    ------
    ParameterError
        No alert could ever fire.
    """
    alerts, _ = reachable(counted)
    windows = sorted({SLICE_MS, *(ms for alert in alerts for ms in (alert.long_ms, alert.short_ms))})
    name = f"slo-{counted.system}-{counted.slo}"
    quick, slow = (
        [rule for window in windows if (window > HOUR_MS) == late for rule in _window(counted, window)]
        for late in (False, True)
    )
    left = f"1 - {_ratio(counted, counted.period_ms)} / {_decimal(counted.budget)}"
    period = [*_counts(counted, counted.period_ms), _recorded(counted, "slo:budget_left:ratio", left)]
    return [
        *_slices(counted, name),
        {"name": f"{name}-quick", "interval": "1m", "rules": quick},
        {"name": f"{name}-slow", "interval": "5m", "rules": [*slow, *period]},
        {"name": f"{name}-alerts", "interval": "1m", "rules": _alerts(counted, alerts)},
    ]


def _slices(counted: Counted, name: str) -> list[dict[str, Any]]:
    if counted.slice_ms is None:
        return []
    rules = [_recorded(counted, f"slo:{part}:slice", getattr(counted, part)) for part in ("total", "bad")]
    return [{"name": f"{name}-slices", "interval": duration_text(counted.slice_ms), "rules": rules}]


def _counts(counted: Counted, window_ms: int) -> list[dict[str, Any]]:
    rules = []
    for part in ("total", "bad"):
        if counted.slice_ms is not None:
            window = duration_text(max(window_ms, counted.slice_ms))
            expr = f"sum_over_time({_selector(counted, f'slo:{part}:slice')}[{window}])"
        elif window_ms <= DIRECT_MS:
            expr = getattr(counted, part).replace(WINDOW, duration_text(window_ms))
        else:
            tile = duration_text(SLICE_MS)
            recorded = _selector(counted, f"slo:{part}:increase{tile}")
            expr = f"sum_over_time({recorded}[{duration_text(window_ms)}:{tile}])"
        rules.append(_recorded(counted, f"slo:{part}:increase{duration_text(window_ms)}", expr))
    return rules


def _window(counted: Counted, window_ms: int) -> list[dict[str, Any]]:
    burn = f"{_ratio(counted, window_ms)} / {_decimal(counted.budget)}"
    return [
        *_counts(counted, window_ms),
        _recorded(counted, f"slo:burn_rate:{duration_text(window_ms)}", burn),
    ]


def _ratio(counted: Counted, window_ms: int) -> str:
    window = duration_text(window_ms)
    bad, total = (_selector(counted, f"slo:{part}:increase{window}") for part in ("bad", "total"))
    return f"{bad} / ({total} > 0)"


def _alerts(counted: Counted, alerts: Sequence[BurnAlert]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    for severity in ("page", "ticket"):
        pairs = [alert for alert in alerts if alert.severity == severity]
        if pairs:
            rules.append(
                {
                    "alert": "SloBudgetBurn",
                    "expr": " or ".join(_both(counted, pair) for pair in pairs),
                    "labels": {**counted.labels, "severity": severity},
                    "annotations": burn_annotations(counted, '{{ $value | printf "%.1f" }}'),
                }
            )
    total = _selector(counted, f"slo:total:increase{duration_text(SLICE_MS)}")
    rules.append(
        {
            "alert": "SloNoData",
            "expr": f"absent({total})",
            "for": "15m",
            "labels": {**counted.labels, "severity": "ticket"},
            "annotations": silence_annotations(counted),
        }
    )
    return rules


def burn_annotations(counted: Counted, burn: str) -> dict[str, str]:
    """Words of an alert on a burn rate."""
    return {
        "summary": f"{_plain(counted.title)} of {counted.system} spends its error budget too fast",
        "description": f"Burn rate {burn} of an objective of {float(100 * counted.target):g} %; "
        "1 spends the budget exactly by the end of the period.",
    }


def silence_annotations(counted: Counted) -> dict[str, str]:
    """Words of the alert on missing counts."""
    return {"summary": f"{_plain(counted.title)} of {counted.system} is not measured"}


def _both(counted: Counted, alert: BurnAlert) -> str:
    long, short = (
        f"{_selector(counted, f'slo:burn_rate:{duration_text(window)}')} > {_decimal(alert.factor)}"
        for window in (alert.long_ms, alert.short_ms)
    )
    return f"({long} and {short})"


def _recorded(counted: Counted, name: str, expr: str) -> dict[str, Any]:
    return {"record": name, "expr": expr, "labels": counted.labels}


def _selector(counted: Counted, name: str) -> str:
    return f"{name}{matching(counted.labels)}"


def matching(labels: Mapping[str, str]) -> str:
    """Write labels as matchers, or as the labels of a series."""
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for name, value in labels.items()
    }
    return "{" + ", ".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"


def _decimal(value: Fraction) -> str:
    """Shortest decimal that reads back as this number; a budget of 0.001 is not 0.0010000000000000009."""
    return repr(float(value))


def _plain(text: str) -> str:
    """Text without what Prometheus' templates would run."""
    return text.replace("{{", "{ {").replace("}}", "} }")
