"""Roles guessed from names and labels, for metrics that no dialect knows; each says what its owner must check."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from workbench.catalog.draft.families import Family
from workbench.catalog.draft.guess import failing, guess_dimensions, guess_role, guess_unit
from workbench.catalog.draft.roles import DraftRole, selector
from workbench.catalog.profile.vocabulary import ROLES

#: Families taken for one role word at most.
_PER_ROLE = 6

#: Buckets of seconds above this are more likely milliseconds. [s]
_LONG_S = 100.0

#: Words of a metric's name that say what is counted, not of what.
_PLAIN_WORDS = frozenset(
    [
        "requests",
        "request",
        "calls",
        "queries",
        "total",
        "count",
        "metric",
        "hours",
        "errors",
        "error",
        "failed",
        "failures",
        "failure",
        "success",
        "successful",
        "succeeded",
        "exceptions",
        "seconds",
        "ms",
        "milliseconds",
        "duration",
        "latency",
        "time",
        "response",
        "responses",
        "http",
        "bytes",
        "size",
        "in",
        "flight",
        "progress",
        "inflight",
        "active",
        "all",
        "processed",
        "received",
        "handled",
        "rate",
        "limited",
        "limit",
        "throttled",
        "max",
        "remaining",
        "left",
        "budget",
        "used",
        "tokens",
        "token",
        "input",
        "prompt",
        "output",
        "completion",
        "generated",
        "generation",
        "cached",
        "cache",
        "read",
        "write",
        "creation",
        "reasoning",
        "thinking",
        "cost",
        "costs",
        "spend",
        "dollars",
        "usd",
        "first",
        "to",
        "ttft",
        "hits",
        "misses",
        "hit",
        "miss",
    ]
)
#: Durations that are a part of the time to answer.
_PART_OF_IT = re.compile(r"queue|overhead|wait|gc|pause|connect|dns|handshake|lag|poll|scrape|prefill|decode|guardrail")

#: Counters of answers, and timers of them, that are taken as requests where their status is a label.
_ANSWERS = re.compile(r"(^|[_:])(responses|handled|processed|served)([_:]|$)")
_TIMERS = re.compile(r"(request|response|http).*(duration|latency|time|seconds|ms)")

_TOKEN_PARTS = (
    ("inside-input", re.compile(r"cache(d|_read|_creation|_write)?")),
    ("inside-output", re.compile(r"reasoning|thinking")),
    ("input", re.compile(r"(^|[_:])(input|prompt)(_|$)")),
    ("output", re.compile(r"(^|[_:])(output|completion|generat(ed|ion)|predicted)(_|$)")),
    ("total", re.compile(r"(^|_)total_tokens?(_|$)|tokens?_total_(?!$)|(^|_)all_tokens")),
)
_PAIRED = ("errors", "rate_limited", "duration", "first_token", "in_flight", "size")


def guessed_roles(families: Iterable[Family], taken: Mapping[str, DraftRole]) -> dict[str, DraftRole]:
    """Return roles for families that no dialect knows.

    Parameters
    ----------
    families : iterable of Family
        Metric families of the server.
    taken : mapping
        Roles that dialects gave already; a guess never takes their names.
    """
    families = [family for family in families if not family.native]
    by_role: dict[str, list[tuple[Family, str]]] = defaultdict(list)
    for family in families:
        guess = None if family.kind == "summary" or family.deprecated else guess_role(family.name, family.kind)
        if guess is not None:
            by_role[guess[0]].append((family, guess[1]))
    held = {role.word for role in taken.values()}
    if "requests" not in held and not any(failing(family.labels) for family, _ in by_role["requests"]):
        by_role["requests"] = [*((family, "requests") for family in _answers(families)[:1]), *by_role["requests"]]
    roles: dict[str, DraftRole] = {}
    ordered = ("requests", *(word for word in ROLES if word != "requests"))
    for word in ordered:
        ranked = sorted(by_role.get(word, ()), key=lambda item: _rank(item[0]))[:_PER_ROLE]
        for family, unit in ranked:
            name = _name(word, family, {**taken, **roles}, [item[0] for item in ranked])
            roles[name] = _guess(name, family, unit)
            if word == "requests":
                roles |= _failures(roles[name], family)
    return _one_total(roles)


def _guess(name: str, family: Family, unit: str) -> DraftRole:
    reasons = [f"guessed from the name of a {family.kind}"]
    named_unit = guess_unit(family.name)
    if name.partition(".")[0] in ("duration", "first_token"):
        milliseconds = re.search(r"\b(milliseconds|ms)\b", family.help, re.IGNORECASE)
        longest = max(family.bounds, default=0.0)
        if not named_unit and (milliseconds or longest > _LONG_S):
            unit = "ms"
        if not named_unit or longest > _LONG_S:
            reasons.append(f"{'milliseconds' if unit == 'ms' else 'seconds'}? its largest bucket is {longest:g}")
        if _PART_OF_IT.search(family.name):
            reasons.append("it may be a part of the time to answer")
    if unit == "USD":
        reasons.append("the currency")
    kind = family.kind if family.kind != "summary" else "counter"
    return DraftRole(
        name, (family,), kind, selector([family.name]), unit, labels=guess_dimensions(family.labels),
        reason=reasons[0], check="; ".join(reasons),
    )  # fmt: skip


def _failures(role: DraftRole, family: Family) -> dict[str, DraftRole]:
    """Return the role of failures that a label of the status gives."""
    marked = failing(family.labels)
    if marked is None:
        return {}
    label, pattern, succeeds = marked
    name = f"errors.{role.variant}" if role.variant else "errors"
    fails, well = (f'{label}{operator}"{pattern}"' for operator in (("!~", "=~") if succeeds else ("=~", "!~")))
    why = (
        f"every value of {label} but {pattern.replace('|', ', ')} is a failure"
        if succeeds
        else f"{label} 5xx is a failure"
    )
    failed, good = selector([family.name], [fails]), selector([family.name], [well])
    return {name: replace(role, name=name, select=failed, good=good, check=why)}


def _answers(families: Sequence[Family]) -> list[Family]:
    """Return counters of answers with their status: responses, or what a timer counted; the plainest name first."""
    counters = [family for family in families if family.kind == "counter" and _ANSWERS.search(family.name)]
    timers = [family for family in families if family.kind in ("histogram", "summary") and _TIMERS.search(family.name)]
    counted = [replace(family, name=f"{family.name}_count", kind="counter", bounds=set()) for family in timers]
    return sorted(
        (family for family in (*counters, *counted) if failing(family.labels) and not family.deprecated), key=_rank
    )


def _name(word: str, family: Family, taken: Mapping[str, DraftRole], rivals: Sequence[Family]) -> str:
    """Name a role: beside the requests it belongs to, plain where it is alone, else after its family."""
    variant = re.sub(r"[^a-z0-9]+", "-", family.name.lower()).strip("-")[:40].strip("-")
    if word in _PAIRED:
        for requests in [role for role in taken.values() if role.word == "requests"]:
            name = f"{word}.{requests.variant}" if requests.variant else word
            if name not in taken and any(_stem(family.name) == _stem(part.name) for part in requests.families):
                return name
        alone = len(rivals) == 1 and word != "errors" and not _PART_OF_IT.search(family.name)
        return word if alone and word not in taken else _free(f"{word}.{variant}", taken)
    if word == "tokens":
        return _free(f"tokens.{variant}", taken) if len(rivals) > 1 or "tokens" in taken else "tokens"
    if word in ("budget", "budget_left", "budget_used", "budget_resets"):
        stem = "-".join(sorted(_stem(family.name))) or variant
        return _free(f"{word}.{stem}", taken)
    same = [name for name in taken if name.partition(".")[0] == word]
    return word if not same else _free(f"{word}.{variant}", taken)


def _free(name: str, taken: Mapping[str, DraftRole]) -> str:
    number = next(
        count for count in range(1, len(taken) + 2) if (f"{name}-{count}" if count > 1 else name) not in taken
    )
    return f"{name}-{number}" if number > 1 else name


def _stem(name: str) -> frozenset[str]:
    """Return the words of a name that say whose requests, tokens or money it counts."""
    return frozenset(re.split(r"[_:]+", name.lower())) - _PLAIN_WORDS


def _one_total(roles: dict[str, DraftRole]) -> dict[str, DraftRole]:
    """Let token counters that contain one another be added once."""
    tokens = [role for role in roles.values() if role.word == "tokens" and not role.view_of and not role.inside]
    parts: dict[str, list[DraftRole]] = defaultdict(list)
    for role in tokens:
        name = role.families[0].name.lower().removesuffix("_total")
        parts[next((part for part, pattern in _TOKEN_PARTS if pattern.search(name)), "")].append(role)
    changed = dict(roles)

    def whole(part: str, of: DraftRole) -> DraftRole | None:
        stem = _stem(of.families[0].name)
        return next((role for role in parts[part] if _stem(role.families[0].name) == stem), None)

    for role in (*parts["total"], *parts[""]):
        if (counted := whole("input", role)) is not None and whole("output", role) is not None:
            why = f"{role.check}; taken as input and output together"
            changed[role.name] = replace(role, view_of=counted.name, check=why)
    for part, side in (("inside-input", "input"), ("inside-output", "output")):
        for role in parts[part]:
            if (container := whole(side, role)) is not None:
                why = f"{role.check}; taken as a part of {container.families[0].name}"
                changed[role.name] = replace(role, inside=container.name, check=why)
    return changed


def _rank(family: Family) -> tuple[bool, bool, bool, bool, int, str]:
    """Order by what users of the system meet: whole requests, with their status, and HTTP first, then short names."""
    name = family.name.lower()
    return (
        bool(_PART_OF_IT.search(name)),
        failing(family.labels) is None,
        "request" not in name,
        "http" not in name,
        len(name),
        name,
    )
