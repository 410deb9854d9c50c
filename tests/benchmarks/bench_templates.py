"""Templates of a million lines against drain3, and what they mix: ``bench_templates.py [lines]``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workbench.analysis.logs.templates import templates

#: Messages as the demo and common servers write them; braces are drawn.
_SHAPES = (
    ("GET /api/v1/counterfactuals/{id} 200 in {number} s", "INFO", 40),
    ("GET /api/v1/counterfactuals/{id} 503 in {number} s: upstream unavailable, connection pool exhausted", "ERROR", 4),
    ("POST /v1/chat/completions 200", "INFO", 20),
    ("POST /v1/chat/completions 429: the rate limit of the provider is reached", "WARN", 2),
    ("Request completed", "INFO", 10),
    ("Request failed", "ERROR", 1),
    ("cache hit for key user:{id} in {number} ms", "DEBUG", 8),
    ("cache miss for key user:{id} in {number} ms", "DEBUG", 4),
    ("user {word} logged in from 10.0.{small}.{small}", "INFO", 6),
    ("job {id} of queue images finished after {number} s with {small} tokens", "INFO", 5),
)


def written(count: int) -> pd.DataFrame:
    """Draw lines; half of them hold values of their own."""
    draw = np.random.default_rng(20261129)
    weights = np.array([shape[2] for shape in _SHAPES], float)
    which = draw.choice(len(_SHAPES), count, p=weights / weights.sum())
    ids, numbers, small = draw.integers(0, 2**32, count), draw.random(count), draw.integers(0, 256, count)
    words = np.array(["ann", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"])[small % 8]
    messages = [
        _SHAPES[place][0].format(id=f"{identity:08x}", number=f"{number:.3f}", small=little, word=word)
        for place, identity, number, little, word in zip(which, ids, numbers, small, words, strict=True)
    ]
    levels = np.array([shape[1] for shape in _SHAPES])[which]
    held = {"message": messages, "severity": levels, "service": "web", "event_type": "", "time_ns": np.arange(count)}
    return pd.DataFrame(held).assign(shape=which)


def main(count: int) -> None:
    """Print times, the number of templates, and how many hold lines of several shapes."""
    lines = written(count)
    templates(lines.head(1000))
    started = time.perf_counter()
    index = templates(lines)
    ours = time.perf_counter() - started
    mixed = lines.groupby(index.of_line)["shape"].nunique().gt(1).sum()
    split = pd.Series(index.of_line).groupby(lines["shape"]).nunique().gt(1).sum()
    print(f"ours: {count:,} lines in {ours:.1f} s, {len(index.frame)} templates of {len(_SHAPES)} shapes; "
          f"{mixed} mix shapes, {split} shapes are split")  # fmt: skip
    try:
        from drain3 import TemplateMiner
        from drain3.template_miner_config import TemplateMinerConfig
    except ImportError:
        print("drain3 is not installed here")
        return
    part = lines.head(min(count, 100_000))
    miner = TemplateMiner(config=TemplateMinerConfig())
    started = time.perf_counter()
    found = [miner.add_log_message(text)["cluster_id"] for text in part["message"]]
    peer = (time.perf_counter() - started) * count / len(part)
    mixed = part.groupby(np.array(found))["shape"].nunique().gt(1).sum()
    print(f"drain3: {peer:.1f} s for as many lines, {len(set(found))} templates; {mixed} mix shapes; "
          f"ours takes {ours / peer:.2f} of its time")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
