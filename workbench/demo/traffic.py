"""The block ``traffic`` of a scenario: which recorded volumes drive a system, at which prices. Format: docs/demo.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from workbench.core.errors import ParameterError
from workbench.core.timerange import DAY_MS, duration_ms


class Price(BaseModel):
    """Dollars for a million tokens, and where and on which day a catalogue said so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: Annotated[Decimal, Field(ge=0)]
    completion: Annotated[Decimal, Field(ge=0)]
    as_of: date
    source: Annotated[str, Field(min_length=1)]


class Pool(BaseModel):
    """How the clients of one pool of the dataset appear: under which model, since when, at which price."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Annotated[str, Field(min_length=1)]
    provider: Annotated[str, Field(min_length=1)]
    before: Annotated[str, Field(description="hour 0 of the pool lies this long before the anchor")]
    price: Price

    @field_validator("before")
    @classmethod
    def _whole_days(cls, text: str) -> str:
        try:
            length = duration_ms(text)
        except ParameterError as error:
            raise ValueError(f"{error.message} {error.hint}") from None
        if length % DAY_MS:
            raise ValueError(f"{text} is not whole days")
        return text


class Latency(BaseModel):
    """How long requests take: ``first_token_s`` and ``token_s`` for each token of the answer.

    ``tokens`` are equidistant quantiles of the tokens of an answer, up to the largest; they are scaled to the mean
    of a model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_token_s: Annotated[Decimal, Field(gt=0)]
    token_s: Annotated[Decimal, Field(gt=0)]
    tokens: Annotated[tuple[int, ...], Field(min_length=2)]

    def shares(self, edges: Sequence[float], mean_tokens: float) -> NDArray[np.float64]:
        """Share of the requests between the edges of a histogram [s]; the last is above all edges."""
        known = np.array([0, *self.tokens], np.float64)
        middles = (known[1:] + known[:-1]) / 2
        seconds = float(self.first_token_s) + float(self.token_s) * known * (mean_tokens / middles.mean())
        below = np.interp(edges, seconds, np.linspace(0, 1, len(known)), left=0.0, right=1.0)
        return np.diff(below, prepend=0.0, append=1.0)


class Traffic(BaseModel):
    """The block ``traffic`` of a scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: Literal["conduit"]
    dataset: Annotated[str, Field(min_length=1)]
    slice: Annotated[str, Field(description="folder beside the scenario, used without --from")]
    keys: Annotated[int, Field(ge=1, le=50, description="clients of a pool with a key of their own")]
    latency: Latency
    pools: Annotated[dict[str, Pool], Field(min_length=1)]
