"""Metric families as a server shows them: kinds, help, labels with their values, buckets, scrape jobs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from workbench.core.series import Labels

FamilyKind = Literal["counter", "gauge", "histogram", "summary"]
Metadata = Mapping[str, Mapping[str, str]]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PARTS = ("_bucket", "_sum", "_count")
_HIDDEN = ("__name__", "le", "quantile", "job")


@dataclass(frozen=True)
class Family:
    """One metric family: ``labels`` with the values seen, ``bounds`` of its buckets, ``jobs`` that expose it.

    A ``native`` histogram has no series of buckets, sums and counts.
    """

    name: str
    kind: FamilyKind
    help: str = ""
    labels: Mapping[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    bounds: set[float] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)
    native: bool = False

    @property
    def deprecated(self) -> bool:
        """Whether its help says that it is on its way out."""
        return bool(re.match(r"\W*deprecated\b", self.help, re.IGNORECASE))


def families_of(metadata: Metadata, series: Iterable[Labels]) -> dict[str, Family]:
    """Return the families of a server by name, those that PromQL can name bare.

    Parameters
    ----------
    metadata : mapping
        ``family -> {type, help, unit}``; may be empty, then names decide.
    series : iterable of Labels
        Label sets with ``__name__``.
    """
    families: dict[str, Family] = {}
    for labels in series:
        name = labels.get("__name__", "")
        if not _NAME.fullmatch(name) or _created(name, metadata):
            continue
        known = _identify(name, labels, metadata)
        if known is None:
            continue
        family = families.setdefault(known.name, known)
        for label, value in labels.items():
            if label not in _HIDDEN and _LABEL.fullmatch(label):
                family.labels[label].add(value)
        family.jobs.add(labels.get("job", ""))
        family.bounds.update(_bound(labels.get("le", "")))
    return families


def find_family(families: Mapping[str, Family], name: str) -> Family | None:
    """Return the family of this name, or the part of a histogram or summary as a counter of its own."""
    if name in families:
        return families[name]
    for part in ("_count", "_sum"):
        whole = families.get(name.removesuffix(part)) if name.endswith(part) else None
        if whole is not None and whole.kind in ("histogram", "summary") and not whole.native:
            return replace(whole, name=name, kind="counter", bounds=set())
    return None


def _identify(name: str, labels: Labels, metadata: Metadata) -> Family | None:
    """Return the empty family a series belongs to; none for what is neither counted nor measured."""
    base = next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)
    for family in (name, base, name.removesuffix("_total")):
        known = metadata.get(family)
        if known is None:
            continue
        text = known.get("help", "")
        match known.get("type", ""):
            case "histogram":
                return Family(base, "histogram", text, native=base == name)
            case "counter":
                return Family(name, "counter", text)
            case "gauge":
                return Family(name, "gauge", text)
            case "summary":
                return Family(base, "summary", text)
            case "info" | "stateset" | "gaugehistogram":
                return None
    if name.endswith("_bucket") and "le" in labels:
        return Family(base, "histogram")
    if base != name:
        return Family(base, "summary")
    return Family(name, "counter" if name.endswith("_total") else "gauge")


def _created(name: str, metadata: Metadata) -> bool:
    """Whether a series only says when a counter began."""
    base = name.removesuffix("_created")
    return base != name and any(family in metadata for family in (base, f"{base}_total"))


def _bound(text: str) -> set[float]:
    try:
        bound = float(text)
    except ValueError:
        return set()
    return {bound} if bound not in (float("inf"), float("-inf")) and bound == bound else set()
