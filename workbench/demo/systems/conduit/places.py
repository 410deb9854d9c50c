"""What there is in Conduit: targets, models with their prices, virtual keys and what they use."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.series import Labels
from workbench.demo.engine.day import Target
from workbench.demo.engine.flows import price

SYSTEM = "conduit"
_STARTED = "conduit_process_start_time_seconds"

#: The first instance answers chats, the second embeddings, the third works off tasks and holds the connections.
CHAT, EMBEDDINGS, WORKER = API = tuple(Target("conduit-api", f"api-{number}:80", _STARTED) for number in (1, 2, 3))
ADMIN = Target("conduit-admin", "admin-1:80", _STARTED)
PROMETHEUS = Target("prometheus", "prometheus:9090")
ALERTMANAGER = Target("alertmanager", "alertmanager:9093")
GRAFANA = Target("grafana", "grafana:3000")
TARGETS = (*API, ADMIN, PROMETHEUS, ALERTMANAGER, GRAFANA)
PROCESSES = tuple(target.instance for target in (*API, ADMIN))


@dataclass(frozen=True)
class Priced:
    """A model: who serves it, what it does, prices in units of money for a token or picture."""

    provider: str
    operation: str
    prompt: int
    completion: int


MODELS = {
    "gpt-4o-mini": Priced("openai", "completion", price(0.15e-6), price(0.60e-6)),
    "gpt-4o": Priced("openai", "completion", price(2.50e-6), price(10e-6)),
    "claude-sonnet-4": Priced("anthropic", "completion", price(3e-6), price(15e-6)),
    "text-embedding-3-small": Priced("openai", "embedding", price(0.02e-6), 0),
    "dall-e-3": Priced("openai", "image", price(0.04), 0),
}
#: The model a ``model_switch`` goes to.
DEARER = {"gpt-4o-mini": "gpt-4o"}


@dataclass(frozen=True)
class Use:
    """A virtual key and its usual model.

    Attributes
    ----------
    rate : float
        Requests at load 1. [1/min]
    prompt, completion : float
        Tokens of a request; for pictures, the pictures. [1]
    budget : float
        Of a calendar month in UTC. [USD]
    connections : float
        Open connections at load 1. [1]
    """

    key: str
    model: str
    endpoint: str
    target: Target
    rate: float
    prompt: float
    completion: float
    budget: float
    connections: float


_CHAT, _EMBED = "/v1/chat/completions", "/v1/embeddings"
ENDPOINTS = {_CHAT: CHAT, _EMBED: EMBEDDINGS}
USES = (
    Use("vk-001", "gpt-4o-mini", _CHAT, CHAT, 34.0, 900, 240, 900, 24),
    Use("vk-002", "gpt-4o-mini", _CHAT, CHAT, 52.0, 420, 120, 600, 31),
    Use("vk-003", "claude-sonnet-4", _CHAT, CHAT, 9.0, 2400, 520, 12_000, 12),
    Use("vk-004", "gpt-4o", _CHAT, CHAT, 8.0, 3000, 420, 6000, 16),
    Use("vk-005", "text-embedding-3-small", _EMBED, EMBEDDINGS, 44.0, 600, 0, 60, 4),
    Use("vk-006", "dall-e-3", "", WORKER, 3.0, 1, 0, 10_000, 19),
)
KEYS = tuple(use.key for use in USES)
QUEUE = "image-generation"


def labels(target: Target, metric: str, /, **more: str) -> Labels:
    """Label set of a series of a target."""
    return {"__name__": metric, "system": SYSTEM, "job": target.job, "instance": target.instance, **more}
