"""Alerts of policies on burn rates that can fire at a target, and which can never."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from workbench.core.errors import ParameterError
from workbench.core.slo.burn_alerts import BurnPolicy, BurnPolicySteps, unreachable


@lru_cache(maxsize=4096)
def fitting_policy(steps: BurnPolicySteps, period_ms: int, target: Decimal) -> tuple[BurnPolicy, tuple[str, ...]]:
    """Return the alerts of a policy that can fire at a target, and why the others cannot.

    Parameters
    ----------
    steps : BurnPolicySteps
        The policy, see ``data/policies/burn-rates.yaml``.
    period_ms : int
        Length of the period of the budget. [ms]
    target : Decimal
        Of the objective. [ratio]
    """
    policy = steps.policy(period_ms)
    reasons = [unreachable(alert, target) for alert in policy.alerts]
    kept = tuple(alert for alert, why in zip(policy.alerts, reasons, strict=True) if not why)
    return BurnPolicy(policy.name, kept), tuple(why for why in reasons if why)


def named_policies(
    policies: Mapping[str, BurnPolicySteps], period_ms: int, target: Decimal
) -> tuple[dict[str, BurnPolicy], tuple[str, ...]]:
    """Return policies to compare for a period and a target, and why alerts of them were left out.

    Parameters
    ----------
    policies : mapping of str to BurnPolicySteps
        Burn rates and look-backs by the name of the policy.
    period_ms : int
        Length of the period of the budget. [ms]
    target : Decimal
        Of the objective. [ratio]
    """
    fitting = {name: fitting_policy(steps, period_ms, target) for name, steps in policies.items()}
    left_out = dict.fromkeys(f"{name}: {why}" for name, (_, reasons) in fitting.items() for why in reasons)
    return {name: policy for name, (policy, _) in fitting.items() if policy.alerts}, tuple(left_out)


def check_reachable(policy: BurnPolicy, target: Decimal) -> None:
    """Refuse a policy of which an alert can never fire.

    Parameters
    ----------
    policy : BurnPolicy
        Burn rates and look-backs of the alerts.
    target : Decimal
        Of the objective. [ratio]

    Raises
    ------
    ParameterError
        With the arithmetic of each such alert.
    """
    reasons = [why for alert in policy.alerts if (why := unreachable(alert, target))]
    if reasons:
        raise ParameterError(
            f"The policy {policy.name!r} has alerts that can never fire: {'; '.join(reasons)}.",
            hint="Lower the share of budget, or take a longer window: the factor is share x period / window.",
        )
