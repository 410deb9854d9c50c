"""Policies of alerts on burn rates, read from YAML with the source of their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from workbench.catalog.faults import validated
from workbench.catalog.profile.words import Text
from workbench.catalog.yaml_lines import read_documents
from workbench.core.errors import ParameterError
from workbench.core.shipped import shipped
from workbench.core.slo.burn_alerts import BurnPolicySteps, BurnStep, PeriodSteps, Severity
from workbench.core.timerange import duration_ms


def _fraction(value: object) -> Fraction:
    """Read a decimal or a fraction, exactly as written."""
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise PydanticCustomError("fraction", "{text} is no number", {"text": repr(value)}) from None


def _duration(value: object) -> int:
    try:
        return duration_ms(str(value))
    except ParameterError as error:
        raise PydanticCustomError("duration", "{text}", {"text": str(error)}) from None


Share = Annotated[Fraction, BeforeValidator(_fraction), Field(gt=0, le=1)]
Multiple = Annotated[Fraction, BeforeValidator(_fraction), Field(gt=0)]
Duration = Annotated[int, BeforeValidator(_duration), Field(gt=0)]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Alert(_Shape):
    severity: Severity
    budget: Share | None = None
    factor: Multiple | None = None
    long: Duration | None = None
    short: Duration | None = None
    held: Duration | None = None
    long_part: Share | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        windows = [self.long is not None and self.short is not None, self.long_part is not None]
        if (self.budget is None) == (self.factor is None) or sum(windows) != 1:
            raise PydanticCustomError(
                "one_of_each", "an alert has a budget or a factor, and both long and short or a long_part", {}
            )
        if (self.short or 0) > (self.long or 0):
            raise PydanticCustomError("windows", "the short window is longer than the long one", {})
        return self

    def step(self) -> BurnStep:
        return BurnStep(
            self.severity, self.budget, self.factor, self.long or 0, self.short or 0, self.held or 0, self.long_part
        )


class _Period(_Shape):
    above: Duration | None = None
    at_least: Duration | None = None
    source: Text | None = None
    alerts: tuple[_Alert, ...] = Field(min_length=1)

    def steps(self) -> PeriodSteps:
        return PeriodSteps(tuple(alert.step() for alert in self.alerts), self.above or 0, self.at_least or 0)


class _Policy(_Shape):
    name: Text
    source: Text
    url: Text | None = None
    periods: tuple[_Period, ...] = ()
    like: Text | None = None
    times: Multiple = Fraction(1)
    scales_from: Duration | None = None

    @model_validator(mode="after")
    def _alerts_or_another(self) -> Self:
        if bool(self.periods) == bool(self.like):
            raise PydanticCustomError("alerts_or_another", "a policy has periods, or is like another one", {})
        return self


class _Policies(_Shape):
    schema_: Literal[1] = Field(alias="schema")
    policies: tuple[_Policy, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> Self:
        names = [policy.name for policy in self.policies]
        whole = {policy.name for policy in self.policies if policy.periods}
        unknown = [policy.like for policy in self.policies if policy.like and policy.like not in whole]
        if len(set(names)) < len(names) or unknown:
            raise PydanticCustomError("known", "names are unique, and `like` names a policy with periods", {})
        return self


@lru_cache(maxsize=8)
def read_burn_policies(path: Path | None = None) -> Mapping[str, BurnPolicySteps]:
    """Read policies of alerts on burn rates from a file, or the shipped ones (``data/policies/burn-rates.yaml``).

    Parameters
    ----------
    path : Path, optional
        File to read; by default the shipped one.

    Returns
    -------
    mapping of str to BurnPolicySteps
        By name, in the order of the file.

    Raises
    ------
    CatalogError
        Something in the file is wrong, with its line.
    ParameterError
        The file does not hold exactly one document.

    Examples
    --------
    >>> workbook = read_burn_policies()["workbook"]
    >>> [alert.text for alert in workbook.policy(30 * 86_400_000).alerts][:2]
    ['page at 14.4x over 1h and 5m', 'page at 6x over 6h and 30m']
    """
    chosen = path or shipped("data", "policies", "burn-rates.yaml")
    documents = read_documents(chosen)
    if len(documents) != 1:
        raise ParameterError(f"{chosen} holds {len(documents)} documents.", hint="A file of policies holds one.")
    read = validated(_Policies, documents[0])
    periods = {policy.name: policy for policy in read.policies if policy.periods}
    return {
        policy.name: BurnPolicySteps(
            policy.name,
            policy.source,
            tuple(period.steps() for period in periods[policy.like or policy.name].periods),
            policy.times,
            policy.scales_from,
        )
        for policy in read.policies
    }
