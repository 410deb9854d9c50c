"""Alerting on burn rates: factors that follow the period, what they can see, and which can never fire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from workbench.core.errors import ParameterError
from workbench.core.timerange import duration_ms, duration_text

Severity = Literal["page", "ticket"]

#: Share of the budget, long and short window, severity: recommended in ch. 5 of The Site Reliability Workbook.
WORKBOOK = (
    (Decimal("0.02"), "1h", "5m", "page"),
    (Decimal("0.05"), "6h", "30m", "page"),
    (Decimal("0.10"), "1d", "2h", "ticket"),
    (Decimal("0.10"), "3d", "6h", "ticket"),
)


#: Part of the period as long window, share of the budget and severity, for periods of less than a week.
_BRIEF = (
    (Fraction(1, 24), Decimal("0.25"), "page"),
    (Fraction(1, 6), Decimal("0.5"), "page"),
    (Fraction(1, 2), Decimal("0.75"), "ticket"),
)
_BRIEF_MS, _TILE_MS = 7 * 86_400_000, 300_000


@dataclass(frozen=True)
class BurnAlert:
    """Fires while the burn rate over the long and over the short window is above the factor.

    Attributes
    ----------
    severity : {"page", "ticket"}
    long_ms, short_ms : int
        Windows; equal for an alert on one window. [ms]
    factor : Fraction
        Burn rate that must be exceeded; exactly the factor does not fire. [x]
    for_ms : int
        How long it must hold before the alert fires. [ms]
    """

    severity: Severity
    long_ms: int
    short_ms: int
    factor: Fraction
    for_ms: int = 0

    def budget_at_fire(self, period_ms: int) -> Fraction:
        """Share of the budget of a period that is spent when the alert fires at exactly its factor. [ratio]"""
        return self.factor * self.long_ms / period_ms

    def fires_after_s(self, target: Decimal, error_ratio: float) -> float | None:
        """Time from the start of an error ratio to the alert; None when it never fires. [s]

        Notes
        -----
        (1 - target) / error ratio * window * factor, the later of both windows.
        """
        needed = self.factor * (1 - Fraction(target))
        share = needed / Fraction(error_ratio) if error_ratio > 0 else Fraction(2)
        return None if share >= 1 else float(share * max(self.long_ms, self.short_ms)) / 1000 + self.for_ms / 1000

    def clears_after_s(self, target: Decimal, error_ratio: float) -> float | None:
        """Time from the end of an error ratio to the end of the alert, when it lasted at least a window. [s]"""
        needed = self.factor * (1 - Fraction(target))
        share = needed / Fraction(error_ratio) if error_ratio > 0 else Fraction(2)
        return None if share >= 1 else float((1 - share) * min(self.long_ms, self.short_ms)) / 1000

    @property
    def text(self) -> str:
        """The alert in words: ``page at 14.4x over 1h and 5m``."""
        windows = " and ".join(dict.fromkeys((duration_text(self.long_ms), duration_text(self.short_ms))))
        held = f", held for {duration_text(self.for_ms)}" if self.for_ms else ""
        return f"{self.severity} at {float(self.factor):.4g}x over {windows}{held}"


@dataclass(frozen=True)
class BurnPolicy:
    """Alerts on burn rates that belong together."""

    name: str
    alerts: tuple[BurnAlert, ...]


def burn_factor(share: Decimal, period_ms: int, window_ms: int) -> Fraction:
    """Burn rate that spends a share of a period's budget within a window. [x]

    Parameters
    ----------
    share : Decimal
        Of the budget. [ratio]
    period_ms, window_ms : int
        [ms]

    Notes
    -----
    factor = share * period / window: 2 % in an hour are 14.4 of 30 d, and 13.44 of 28 d.

    Examples
    --------
    >>> day = 86_400_000
    >>> [float(burn_factor(Decimal("0.02"), days * day, day // 24)) for days in (30, 28)]
    [14.4, 13.44]
    """
    return Fraction(share) * period_ms / window_ms


def workbook_policy(
    period_ms: int, steps: Sequence[tuple[Decimal, str, str, str]] = WORKBOOK, *, name: str = "workbook"
) -> BurnPolicy:
    """Multiwindow, multi-burn-rate alerts for a period.

    Parameters
    ----------
    period_ms : int
        Length of the period of the budget. [ms]
    steps : sequence
        Share of the budget, long window, short window, severity.
    name : str

    Raises
    ------
    ParameterError
        A long window is longer than the period, or a share is not inside (0, 1].

    References
    ----------
    .. [1] B. Beyer et al., The Site Reliability Workbook, O'Reilly, 2018, ch. 5, table 5-8.

    Examples
    --------
    >>> [alert.text for alert in workbook_policy(28 * 86_400_000).alerts][:2]
    ['page at 13.44x over 1h and 5m', 'page at 5.6x over 6h and 30m']
    """
    alerts = []
    for share, long, short, severity in steps:
        long_ms, short_ms = duration_ms(long), duration_ms(short)
        if long_ms > period_ms:
            raise ParameterError(
                f"A window of {long} is longer than the period of {duration_text(period_ms)}.",
                hint="Give windows that fit into the period.",
            )
        if not 0 < share <= 1:
            raise ParameterError(f"{share} is no share of a budget.", hint="Give a share inside (0, 1], e.g. 0.02.")
        chosen: Severity = "page" if severity == "page" else "ticket"
        alerts.append(BurnAlert(chosen, long_ms, short_ms, burn_factor(share, period_ms, long_ms)))
    return BurnPolicy(name, tuple(alerts))


@lru_cache(maxsize=4096)
def fitting_policy(period_ms: int, target: Decimal) -> tuple[BurnPolicy, tuple[str, ...]]:
    """Return what of the Workbook's policy fits a period and can fire at a target, and why the rest was left out."""
    policy = workbook_policy(period_ms, steps_for(period_ms))
    reasons = [unreachable(alert, target) for alert in policy.alerts]
    kept = tuple(alert for alert, why in zip(policy.alerts, reasons, strict=True) if not why)
    return BurnPolicy(policy.name, kept), tuple(why for why in reasons if why)


def steps_for(period_ms: int) -> tuple[tuple[Decimal, str, str, str], ...]:
    """Return the steps of the Workbook, or for less than a week steps in proportion, as the generated rules have.

    Examples
    --------
    >>> [(long, severity) for _, long, _, severity in steps_for(43_200_000)]
    [('30m', 'page'), ('2h', 'page'), ('6h', 'ticket')]
    """
    if period_ms >= _BRIEF_MS:
        return WORKBOOK
    steps = []
    for part, share, severity in _BRIEF:
        long_ms = max(1, round(part * period_ms / _TILE_MS)) * _TILE_MS
        short_ms = max(1, round(Fraction(long_ms, 12 * _TILE_MS))) * _TILE_MS
        if burn_factor(share, period_ms, long_ms) > 1:
            steps.append((share, duration_text(long_ms), duration_text(short_ms), severity))
    return tuple(steps)


def unreachable(alert: BurnAlert, target: Decimal) -> str:
    """Say why an alert can never fire at a target; empty when it can.

    Notes
    -----
    All events bad is a burn rate of 1 / (1 - target); nothing burns faster.

    Examples
    --------
    >>> alert = workbook_policy(30 * 86_400_000).alerts[0]
    >>> unreachable(alert, Decimal("0.9")).partition(" needs ")[2]
    'an error ratio above 14.4 x 0.1 = 1.44; the fastest burn at a target of 0.9 is 10x'
    >>> unreachable(alert, Decimal("0.999"))
    ''
    """
    budget = 1 - Fraction(target)
    needed = alert.factor * budget
    if needed < 1:
        return ""
    return (
        f"{alert.text} needs an error ratio above {float(alert.factor):.4g} x {float(budget):.4g} = "
        f"{float(needed):.4g}; the fastest burn at a target of {target} is {float(1 / budget):.4g}x"
    )


def named_policies(period_ms: int, target: Decimal) -> tuple[dict[str, BurnPolicy], tuple[str, ...]]:
    """Policies to compare for a period and a target, and why alerts of them were left out.

    ``workbook`` is the recommendation; ``sooner`` and ``later`` take half and twice its shares of the budget; ``pyrra``
    has constant factors 14, 7, 2, 1 over windows that follow the period, with ``for``; ``one-window`` is 2 % in an hour
    without a short window.
    """
    fitting = list(steps_for(period_ms))
    parts: dict[str, list[tuple[Decimal, str, str, str]]] = {
        "workbook": fitting,
        "sooner": [(share / 2, long, short, severity) for share, long, short, severity in fitting],
        "later": [(share * 2, long, short, severity) for share, long, short, severity in fitting],
        "one-window": [(Decimal("0.02"), "1h", "1h", "page")],
    }
    policies = {name: workbook_policy(period_ms, steps, name=name) for name, steps in parts.items()}
    policies["pyrra"] = pyrra_policy(period_ms)
    reasons = [(name, unreachable(alert, target)) for name, one in policies.items() for alert in one.alerts]
    left_out = dict.fromkeys(f"{name}: {why}" for name, why in reasons if why)
    kept = {
        name: BurnPolicy(name, tuple(alert for alert in one.alerts if not unreachable(alert, target)))
        for name, one in policies.items()
    }
    return {name: one for name, one in kept.items() if one.alerts}, tuple(left_out)


def pyrra_policy(period_ms: int) -> BurnPolicy:
    """Pyrra's four alerts: factors 14, 7, 2 and 1 whatever the period, windows and ``for`` in proportion to it.

    Windows are rounded to a minute, halves up.

    Examples
    --------
    >>> [alert.text for alert in pyrra_policy(28 * 86_400_000).alerts][1]
    'page at 7x over 6h and 30m, held for 15m'
    """
    minute, whole = 60_000, 28 * 86_400_000

    def scaled(ms: int) -> int:
        return max(1, (2 * ms * period_ms // minute + whole) // (2 * whole)) * minute

    steps = ((14, "1h", "5m", "2m", "page"), (7, "6h", "30m", "15m", "page"),
             (2, "1d", "2h", "1h", "ticket"), (1, "4d", "6h", "3h", "ticket"))  # fmt: skip
    return BurnPolicy(
        "pyrra",
        tuple(
            BurnAlert("page" if severity == "page" else "ticket", scaled(duration_ms(long)), scaled(duration_ms(short)),
                      Fraction(factor), scaled(duration_ms(held)))
            for factor, long, short, held, severity in steps
        ),
    )  # fmt: skip


def check_reachable(policy: BurnPolicy, target: Decimal) -> None:
    """Refuse a policy of which an alert can never fire.

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
