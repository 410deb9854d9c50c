"""What there is in ChoreoAI: targets, providers and their models."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.series import Labels
from workbench.demo.engine.day import Target
from workbench.demo.engine.flows import price
from workbench.demo.engine.histogram import Buckets

SYSTEM = "choreoai"

#: The first instance talks to OpenAI, the second to Anthropic.
FIRST, SECOND = TARGETS = tuple(Target("choreoai", f"choreoai-{number}:8000") for number in (1, 2))
PROCESSES = tuple(target.instance for target in TARGETS)
ENDPOINT = "/v1/chat/completions"

BUCKETS = Buckets((0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 7.5, 10.0))


@dataclass(frozen=True)
class Model:
    """A model: prices of a token read and written in units of money, tokens of one request."""

    name: str
    read_price: int
    write_price: int
    read: float
    written: float


@dataclass(frozen=True)
class Provider:
    """A provider: the instance that talks to it, requests at load 1 [1/min], durations (median [s], sigma).

    ``usual`` is the model in use, ``dearer`` the one a ``model_switch`` goes to, if there is one.
    """

    name: str
    target: Target
    rate: float
    median: float
    sigma: float
    usual: Model
    dearer: Model | None = None


PROVIDERS = (
    Provider(
        "openai", FIRST, 21.0, 1.15, 0.62,
        Model("gpt-4o-mini", price(0.15e-6), price(0.60e-6), 720, 290),
        Model("gpt-4", price(30e-6), price(60e-6), 720, 290),
    ),
    Provider("anthropic", SECOND, 12.0, 1.4, 0.6, Model("claude-sonnet-4", price(3e-6), price(15e-6), 940, 380)),
)  # fmt: skip
MODELS = tuple(model for provider in PROVIDERS for model in (provider.usual, provider.dearer) if model)


def labels(target: Target, metric: str, /, **more: str) -> Labels:
    """Label set of a series of a target."""
    return {"__name__": metric, "system": SYSTEM, "job": target.job, "instance": target.instance, **more}
