"""Which levels of a system have a limit: one query of hourly peaks for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workbench.analysis.capacity.level import CapacityLimit
from workbench.catalog import Profile
from workbench.catalog.profile.model import Role
from workbench.catalog.profile.terms import RoleCapacity
from workbench.core.units import bytes_text, count_text
from workbench.studies.counting.ledger import PROCESS_LABELS
from workbench.studies.counting.thresholds import metrics_of, thresholds_of

#: The share of a resource at which people should act where the document names none.
WARN = 0.9

#: (what is left, what there is): used = 1 - left / total.
LEFT = (
    ("disk_left", "disk_total"),
    ("memory_left", "memory_total"),
    ("budget_left", "budget"),
    ("limit_left", "limit"),
)

#: (what is used, what there is): used / total.
USED = (("disk", "disk_total"), ("memory", "memory_total"))

#: (what is used, what is left): used / (used + left). Memory only of one variant, such as that of a GPU: memory of a
#: process and memory left of its host make no whole.
FREE = (("connections", "limit_left"), ("memory", "memory_left"))

#: Roles whose share is read as it is when their unit is one, and whose documented thresholds are limits.
LEVELS = ("disk", "disk_left", "memory", "memory_left", "connections", "queue", "open_files", "threads", "in_flight",
          "streams", "budget_used", "cpu")  # fmt: skip

#: Parts of the monitoring, such as the queries of Prometheus: levels where they are shares, or a limit is stated.
MONITORING = "monitoring"

#: Counters of which a limit is so much a minute.
FLOWS = ("requests", "tokens")

#: What a provider's limit may be set for.
_LIMITED = ("provider", "model", "deployment", "region", "key", "team")

_TITLES = {
    "disk_left": "Disk space used",
    "memory_left": "Memory used",
    "budget_left": "Budget used",
    "limit_left": "Limit used",
}

_SHARES = {"ratio": 1.0, "percent": 100.0}


@dataclass(frozen=True)
class Resource:
    """A query of hourly peaks, what it is of, and what it must not reach.

    Attributes
    ----------
    name, title : str
        Role or threshold of the profile, and in words.
    query : str
    unit : str
        ``ratio`` for shares.
    limits : tuple of CapacityLimit
    words : dict
        Label to the dimension it is.
    scale : float
        Divides the values.
    word : str
        Word of the role.
    terms : RoleCapacity, optional
        What the profile says of the limit.
    whole : str
        Query of what a share is of, with the same labels; empty where nothing measures it. [any]
    """

    name: str
    title: str
    query: str
    unit: str
    limits: tuple[CapacityLimit, ...]
    words: dict[str, str]
    scale: float = 1.0
    word: str = ""
    terms: RoleCapacity | None = None
    whole: str = ""


def resources_of(profile: Profile) -> Iterator[Resource]:
    """Give what has a limit: pairs of roles, shares, stated limits, and documented thresholds.

    Parameters
    ----------
    profile : Profile
        Of the system.
    """
    paired: set[str] = set()
    for pairs, form in ((LEFT, _left), (USED, _used), (FREE, _free)):
        yield from _pairs(profile, pairs, form, paired)
    for word in (*LEVELS, MONITORING):
        for name, role in profile.variants(word).items():
            if role.kind in ("gauge", "expr") and name not in paired:
                yield from _level(profile, word, name, role)
    for name, role in profile.variants("limit_left").items():
        if role.kind == "gauge" and name not in paired and role.capacity is not None and role.capacity.limit:
            lowest = _over("min", role, _by("limit_left", role))
            query = f"1 - {lowest} / {role.capacity.limit!r}"
            limits = _assumed(profile, metrics_of(profile, role.select))
            yield Resource(
                name, _title(name, role), query, "ratio", limits, _words(role), word="limit_left", terms=role.capacity
            )
    for word in FLOWS:
        for name, role in profile.variants(word).items():
            if role.kind == "counter" and role.capacity is not None and role.capacity.limit:
                yield _flow(word, name, role, role.capacity.limit)
    yield from _thresholds(profile)


_Form = Callable[[str, str, str], tuple[str, str]]


def _pairs(profile: Profile, pairs: tuple[tuple[str, str], ...], form: _Form, paired: set[str]) -> Iterator[Resource]:
    for first_word, second_word in pairs:
        for name, role in profile.variants(first_word).items():
            variant = name.removeprefix(first_word)
            other_name = second_word + variant
            other = profile.roles.get(other_name)
            gauges = other is not None and all(each.kind in ("gauge", "expr") for each in (role, other))
            if other is None or not gauges or name in paired or (form is _free and other_name in paired):
                continue
            if form is _used and first_word + "_left" + variant in profile.roles:
                continue
            if first_word == "memory" and form is _free and not variant:
                continue
            paired |= {name, other_name}
            limits = _assumed(profile, metrics_of(profile, role.select) | metrics_of(profile, other.select))
            if limits:
                by = _by(first_word, role)
                share, whole = form(_over("min" if form is _left else "max", role, by),
                                    _over("min" if form is _free else "max", other, by), by)  # fmt: skip
                title, words = _title(name, role), _words(role)
                yield Resource(
                    name, title, share, "ratio", limits, words, word=first_word, terms=role.capacity, whole=whole
                )


def _level(profile: Profile, word: str, name: str, role: Role) -> Iterator[Resource]:
    share = role.unit in _SHARES
    stated = role.capacity.limit if role.capacity is not None else None
    limits = _assumed(profile, metrics_of(profile, role.select)) if share else ()
    if stated is not None:
        limits = (CapacityLimit(_amount(stated, role.unit), stated / _SHARES.get(role.unit, 1.0)), *limits)
    if limits:
        unit, scale = ("ratio", _SHARES[role.unit]) if share else (role.unit, 1.0)
        query, title = _over("max", role, _by(word, role)), role.title or name
        yield Resource(name, title, query, unit, limits, _words(role), scale, word, role.capacity)


def _flow(word: str, name: str, role: Role, limit: float) -> Resource:
    """Set requests or tokens a minute, the busiest two minutes of each hour, against what a provider allows."""
    kept = {label: dimension for dimension, label in role.labels.items() if dimension in _LIMITED}
    query = f"max_over_time((60 * sum by ({', '.join(kept)}) (rate({role.select}[2m])))[1h:1m])"
    unit = f"{role.unit}/min"
    limits = tuple(
        CapacityLimit(f"{share}{count_text(limit)} {unit}", part * limit, part == 1)
        for share, part in ((f"{WARN * 100:.0f} % of ", WARN), ("", 1.0))
    )
    return Resource(name, f"{role.title or name} a minute", query, unit, limits, kept, word=word, terms=role.capacity)


def _thresholds(profile: Profile) -> Iterator[Resource]:
    roles = [(word, role) for word in LEVELS for role in profile.variants(word).values()]
    metrics = {metric for _, role in roles for metric in metrics_of(profile, role.select)}
    words = {label: word for _, role in roles for word, label in role.labels.items()}
    for threshold in thresholds_of(profile, metrics):
        if threshold.op in (">", ">=") and threshold.value > 0:
            scale = _SHARES.get(threshold.unit, 1.0)
            limit = CapacityLimit(f"{threshold.op} {_amount(threshold.value, threshold.unit)}", threshold.value / scale)
            unit = "ratio" if threshold.unit in _SHARES else threshold.unit
            query = f"max_over_time(({threshold.expr})[1h:5m])"
            own = metrics_of(profile, threshold.expr)
            ways = [(word, role.capacity) for word, role in roles if metrics_of(profile, role.select) & own]
            word, terms = ways[0] if ways else ("", None)
            yield Resource(threshold.name, threshold.title, query, unit, (limit,), words, scale, word, terms)


def _amount(value: float, unit: str) -> str:
    return bytes_text(value) if unit == "bytes" else f"{count_text(value)} {'%' if unit == 'percent' else unit}"


def _assumed(profile: Profile, metrics: frozenset[str]) -> tuple[CapacityLimit, ...]:
    """Limits of a share that the document does not name: the end of it, and where people should act."""
    documented = [
        threshold
        for threshold in thresholds_of(profile, metrics)
        if threshold.op in (">", ">=") and threshold.unit in _SHARES
    ]
    soft = CapacityLimit(f"{WARN * 100:.0f} % (assumed)", WARN, False)
    named_end = any(threshold.value / _SHARES[threshold.unit] == 1 for threshold in documented)
    return (() if documented else (soft,)) + (() if named_end else (CapacityLimit("full", 1.0, False),))


def _over(extreme: str, role: Role, by: str) -> str:
    """Highest or lowest value of an hour, of each group of series."""
    window = f"{role.select}[1h]" if role.kind == "gauge" else f"({role.select})[1h:1m]"
    return f"{extreme} by ({by}) ({extreme}_over_time({window}))"


def _left(left: str, total: str, by: str) -> tuple[str, str]:
    return f"1 - {left} / {total}", total


def _used(used: str, total: str, by: str) -> tuple[str, str]:
    return f"{used} / {total}", total


def _free(used: str, left: str, by: str) -> tuple[str, str]:
    return f"{used} / ({used} + {left})", f"{used} + {left}"


def _by(word: str, role: Role) -> str:
    """Labels to keep: every process repeats the budget of a key or a provider's limit, so it is none of them."""
    dropped = PROCESS_LABELS if word.startswith(("budget", "limit")) else ()
    return ", ".join(label for name, label in role.labels.items() if name not in dropped)


def _title(name: str, role: Role) -> str:
    """Name the share that is used, not what is left; the variant of the role stands behind it."""
    word, _, variant = name.partition(".")
    title = _TITLES.get(word, role.title or name)
    return f"{title} ({variant})" if variant and word in _TITLES else title


def _words(role: Role) -> dict[str, str]:
    return {label: word for word, label in role.labels.items()}
