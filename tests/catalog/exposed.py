"""Recorded expositions: their metadata, and a history in which every counter grows from 0 to what was recorded."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from workbench.core.series import Labels, SeriesSet

FOLDER = Path(__file__).with_name("expositions")

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_PAIR = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def text_of(name: str) -> str:
    """Exposition of one name, e.g. ``vllm``."""
    packed = FOLDER / f"{name}.txt.gz"
    return gzip.decompress(packed.read_bytes()).decode() if packed.exists() else (FOLDER / f"{name}.txt").read_text()


def names() -> list[str]:
    """Names of all expositions."""
    return sorted(path.name.removesuffix(".gz").removesuffix(".txt") for path in FOLDER.glob("*.txt*"))


def metadata_of(text: str) -> dict[str, dict[str, str]]:
    """What ``/api/v1/metadata`` says of it."""
    metadata: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        words = line.split(" ", 3)
        if line.startswith(("# TYPE ", "# HELP ")):
            key = "type" if words[1] == "TYPE" else "help"
            metadata.setdefault(words[2], {"type": "unknown", "help": ""})[key] = words[3] if len(words) > 3 else ""
    return metadata


def samples_of(text: str, **target: str) -> list[tuple[Labels, float]]:
    """Label sets with the labels of a target, and their values."""
    matches = [_SAMPLE.fullmatch(line) for line in text.splitlines() if line and not line.startswith("#")]
    return [
        ({**dict(_PAIR.findall(match[2] or "")), **target, "__name__": match[1]}, float(match[3]))
        for match in matches
        if match is not None
    ]


def history_of(text: str, start_ms: int, end_ms: int, last_ms: int, **target: str) -> SeriesSet:
    """Counters that grow evenly from 0 to what was recorded between two instants and then rest; gauges that stay."""
    times = np.arange(start_ms, last_ms + 1, 60_000, dtype=np.int64)
    share = np.clip((times - start_ms) / (end_ms - start_ms), 0.0, 1.0)
    metadata = metadata_of(text)
    rows = [({"__name__": "up", **target}, times, np.ones(len(times)))]
    for labels, value in samples_of(text, **target):
        grown = value * share if _counts(labels["__name__"], metadata) else np.full(len(times), value)
        rows.append((labels, times, np.floor(grown) if value.is_integer() else grown))
    return SeriesSet.of(rows)


def _counts(name: str, metadata: Mapping[str, Mapping[str, str]]) -> bool:
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    kinds = {metadata[family]["type"] for family in (name, base, name.removesuffix("_total")) if family in metadata}
    return bool(kinds & {"counter", "histogram", "summary"})
