"""Alerts on burn rates: what one says, and the policies that give the alerts of a period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from workbench.core.timerange import MINUTE_MS, SLICE_MS, duration_text

Severity = Literal["page", "ticket"]


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


def burn_factor(share: Decimal | Fraction, period_ms: int, window_ms: int) -> Fraction:
    """Burn rate that spends a share of a period's budget within a window. [x]

    Parameters
    ----------
    share : Decimal or Fraction
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


@dataclass(frozen=True)
class BurnStep:
    """One alert of a policy, for any period.

    Attributes
    ----------
    severity : {"page", "ticket"}
    budget : Fraction or None
        Share of the period's budget that is spent when it fires; None where ``factor`` is given. [ratio]
    factor : Fraction or None
        Burn rate. [x]
    long_ms, short_ms, held_ms : int
        Windows, and how long both must burn. [ms]
    long_part : Fraction or None
        Part of the period as long window, instead of both windows. [ratio]
    """

    severity: Severity
    budget: Fraction | None = None
    factor: Fraction | None = None
    long_ms: int = 0
    short_ms: int = 0
    held_ms: int = 0
    long_part: Fraction | None = None

    def alert(self, period_ms: int, *, times: Fraction = Fraction(1), scales_from_ms: int | None = None) -> BurnAlert:
        """Return the alert of a period of the budget.

        Parameters
        ----------
        period_ms : int
            [ms]
        times : Fraction
            Multiple of the share of the budget. [x]
        scales_from_ms : int, optional
            Period for which the windows are given; they follow other periods, to the minute, halves up. [ms]
        """

        def scaled(ms: int) -> int:
            if scales_from_ms is None or not ms:
                return ms
            minutes = (2 * ms * period_ms // MINUTE_MS + scales_from_ms) // (2 * scales_from_ms)
            return max(1, minutes) * MINUTE_MS

        if self.long_part is not None:
            long_ms = max(1, round(self.long_part * period_ms / SLICE_MS)) * SLICE_MS
            short_ms = max(1, round(Fraction(long_ms, 12 * SLICE_MS))) * SLICE_MS
        else:
            long_ms, short_ms = scaled(self.long_ms), scaled(self.short_ms)
        share = (self.budget or Fraction(0)) * times
        factor = self.factor if self.factor is not None else burn_factor(share, period_ms, long_ms)
        return BurnAlert(self.severity, long_ms, short_ms, factor, scaled(self.held_ms))


@dataclass(frozen=True)
class PeriodSteps:
    """The steps for periods of some length.

    Attributes
    ----------
    steps : tuple of BurnStep
    above_ms, at_least_ms : int
        Length of the periods; 0 for any. [ms]
    """

    steps: tuple[BurnStep, ...]
    above_ms: int = 0
    at_least_ms: int = 0


@dataclass(frozen=True)
class BurnPolicySteps:
    """A policy before the period is known.

    Attributes
    ----------
    name : str
    source : str
        Where its numbers are from.
    periods : tuple of PeriodSteps
        The first that fits is taken.
    times : Fraction
        Multiple of the shares of the budget. [x]
    scales_from_ms : int, optional
        Period for which the windows are given. [ms]
    """

    name: str
    source: str
    periods: tuple[PeriodSteps, ...]
    times: Fraction = Fraction(1)
    scales_from_ms: int | None = None

    def policy(self, period_ms: int) -> BurnPolicy:
        """Return the alerts of a period.

        A window longer than the period judges what the period does not, and is left out. So is a window in proportion
        whose factor is 1 or less: it alerts on a burn that never spends the budget.

        Parameters
        ----------
        period_ms : int
            Length of the period of the budget. [ms]

        Examples
        --------
        >>> hour = BurnStep("page", budget=Fraction(2, 100), long_ms=3_600_000, short_ms=300_000)
        >>> policy = BurnPolicySteps("mine", "me", (PeriodSteps((hour,)),))
        >>> [alert.text for alert in policy.policy(28 * 86_400_000).alerts], policy.policy(1_800_000).alerts
        (['page at 13.44x over 1h and 5m'], ())
        """
        return BurnPolicy(self.name, tuple(self._alerts(period_ms)))

    def _alerts(self, period_ms: int) -> Iterator[BurnAlert]:
        for part in self.periods:
            if period_ms > part.above_ms and period_ms >= part.at_least_ms:
                for step in part.steps:
                    alert = step.alert(period_ms, times=self.times, scales_from_ms=self.scales_from_ms)
                    if alert.long_ms <= period_ms and (step.long_part is None or alert.factor > 1):
                        yield alert
                return


def unreachable(alert: BurnAlert, target: Decimal) -> str:
    """Say why an alert can never fire at a target; empty when it can.

    Notes
    -----
    All events bad is a burn rate of 1 / (1 - target); nothing burns faster.

    Examples
    --------
    >>> alert = BurnAlert("page", 3_600_000, 300_000, Fraction("14.4"))
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
