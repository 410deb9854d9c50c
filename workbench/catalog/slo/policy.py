"""Error-budget policies: steps with a condition and a consequence, read from YAML."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from workbench.catalog.faults import validated
from workbench.catalog.profile.words import Text
from workbench.catalog.yaml_lines import read_documents
from workbench.core.errors import ParameterError
from workbench.core.shipped import shipped


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PolicyStep(_Shape):
    """One step: exactly one condition, and what follows when it holds."""

    name: Text
    consequence: Text
    budget_left_below: Decimal | None = Field(default=None, le=1)
    incident_above: Decimal | None = Field(default=None, gt=0)
    burn_rate_above: Decimal | None = Field(default=None, gt=0)
    lookback: Literal["1h", "6h", "24h", "3d"] | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        given = [self.budget_left_below, self.incident_above, self.burn_rate_above]
        if sum(condition is not None for condition in given) != 1 or (self.lookback is None) != (
            self.burn_rate_above is None
        ):
            raise PydanticCustomError(
                "one_condition",
                "a step has one of budget_left_below, incident_above, burn_rate_above (with a lookback)",
                {},
            )
        return self


class BudgetPolicy(_Shape):
    """A policy: its steps in the order they are shown."""

    schema_: Literal[1] = Field(alias="schema")
    name: Text
    steps: tuple[PolicyStep, ...] = Field(min_length=1)


def read_policy(path: Path | None = None) -> BudgetPolicy:
    """Read a policy from a file, or the shipped one.

    Raises
    ------
    CatalogError
        Something in the file is wrong, with its line.
    ParameterError
        The file does not hold exactly one policy.
    """
    chosen = path or shipped("data", "policies", "error-budget.yaml")
    documents = read_documents(chosen)
    if len(documents) != 1:
        raise ParameterError(
            f"{chosen} holds {len(documents)} documents.", hint="A policy file holds one; see data/policies."
        )
    return validated(BudgetPolicy, documents[0])
