"""Scenarios drawn by chance: what spends budgets, when and how strongly, is another in each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

#: kind -> (systems and what may narrow it there, least and largest magnitude, shortest and longest duration [min])
KINDS: dict[str, tuple[dict[str, dict[str, list[str]]], tuple[float, float], tuple[int, int]]] = {
    "outage": (
        {
            "counterfactual-lab": {"method": ["GET", "POST"]},
            "conduit": {"endpoint": ["/v1/chat/completions", "/v1/embeddings"]},
            "llm-ab-testing": {},
            "choreoai": {},
        },
        (0.1, 0.95),
        (6, 70),
    ),
    "slow_burn": (
        {"counterfactual-lab": {"method": ["GET", "POST"]}, "conduit": {}, "llm-ab-testing": {}, "choreoai": {}},
        (0.0025, 0.012),
        (360, 3600),
    ),
    "provider_outage": (
        {
            "conduit": {"provider": ["anthropic", "openai"]},
            "llm-ab-testing": {"provider": ["anthropic", "openai"]},
            "choreoai": {"provider": ["anthropic", "openai"]},
        },
        (0.4, 0.95),
        (20, 150),
    ),
    "provider_limit": (
        {"conduit": {"provider": ["openai"]}, "llm-ab-testing": {"provider": ["anthropic"]}, "choreoai": {}},
        (0.25, 0.6),
        (60, 300),
    ),
    "latency_regression": (
        {"counterfactual-lab": {"method": ["POST"]}, "conduit": {"endpoint": ["/v1/chat/completions"]}, "choreoai": {}},
        (0.3, 0.7),
        (180, 1500),
    ),
    "generation_failures": ({"counterfactual-lab": {"generator": ["icg", "modicf"]}}, (0.1, 0.4), (180, 1500)),
}

#: Slow burns need this much more where a slice holds fewer requests. [x]
QUIET = {"counterfactual-lab": 1.0, "conduit": 1.5, "choreoai": 5.0, "llm-ab-testing": 8.0}

#: Days of history, one event of a system in each from the second on.
DAYS = 24


def write_scenario(path: Path, seed: int, days: int = DAYS) -> Path:
    """Write a scenario of so many days; events of one system never touch each other."""
    rng = np.random.default_rng(seed)
    lines = ["schema: 1", f"name: drawn-{seed}", f"days: {days}", "events:"]
    for system in ("counterfactual-lab", "conduit", "llm-ab-testing", "choreoai"):
        minute, number = (days - 2) * 1440, 0
        while minute > 4200:
            kind = str(rng.choice([name for name, (systems, _, _) in KINDS.items() if system in systems]))
            systems, (low, high), (shortest, longest) = KINDS[kind]
            factor = QUIET[system] if kind == "slow_burn" else 1.0
            magnitude = float(np.exp(rng.uniform(np.log(low), np.log(high)))) * factor
            duration = int(np.exp(rng.uniform(np.log(shortest), np.log(longest))))
            where = {name: str(rng.choice(values)) for name, values in systems[system].items() if rng.random() < 0.7}
            begin = minute - int(rng.integers(0, 600))
            narrowed = f", where: {{{', '.join(f'{name}: {value}' for name, value in where.items())}}}" if where else ""
            lines.append(
                f"  - {{id: {system}-{number}, kind: {kind}, system: {system}, start: -{begin}m, "
                f"duration: {duration}m, magnitude: {magnitude:.5f}{narrowed}}}"
            )
            minute = begin - duration - int(rng.integers(900, 2400))
            number += 1
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
