"""A first profile of an unknown system, drafted from what its server says of itself.

What a known exporter exposes is taken as its dialect says (:mod:`workbench.catalog.draft.dialects`); the rest is
guessed from names and labels, and every guess carries a CHECK with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.catalog.draft.dialects import LAYERS, Dialect, named, recognised
from workbench.catalog.draft.families import Family, Metadata, families_of
from workbench.catalog.draft.guessed import guessed_roles
from workbench.catalog.draft.roles import DraftRole, known_roles
from workbench.catalog.draft.text import objective_text, profile_text
from workbench.catalog.profile.vocabulary import ROLES
from workbench.catalog.profile.words import nearest
from workbench.core.errors import ParameterError
from workbench.core.series import Labels, names_scraper

_SYSTEM = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,48}[a-z0-9])?")

_NATIVE = "a native histogram, which no role reads; ask by"
_NO_REQUESTS = "No counter of requests was found, so no objective was drafted."
_NO_FAILURES = "Requests are counted and their failures are not, so no objective was drafted."


#: What a question needs: words of roles, and what is absent where no role has one.
_NEEDS = (
    (("requests",), "requests and objectives (no counter of requests)"),
    (("cost", "tokens"), "spend (no counter of cost or tokens)"),
    (("quality", "bias"), "quality (no score of answers)"),
)


@dataclass(frozen=True)
class Draft:
    """YAML texts to be looked over; ``slos`` is empty where failures of requests are not counted.

    Attributes
    ----------
    profile, slos : str
    roles : tuple of DraftRole
        What was taken, with the reason.
    left_out : mapping
        Metric to the reason why it was not taken.
    unused : tuple of str
        Metrics that no role uses.
    dialects : tuple of str
        Titles of the exporters that were recognised.
    jobs, scope : tuple of str
        Scrape jobs seen, and those of the system.
    starter : str
        Why there is no objective; empty where there is one.
    """

    profile: str
    slos: str
    roles: tuple[DraftRole, ...]
    left_out: Mapping[str, str]
    unused: tuple[str, ...]
    dialects: tuple[str, ...]
    jobs: tuple[str, ...]
    scope: tuple[str, ...]
    starter: str

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Questions that the metrics cannot answer, each with what is absent."""
        words = {role.name.partition(".")[0] for role in self.roles}
        return tuple(absent for needed, absent in _NEEDS if words.isdisjoint(needed))


def draft(
    system: str,
    metadata: Metadata,
    series: Iterable[Labels],
    *,
    jobs: Sequence[str] = (),
    title: str = "",
    dialect: Sequence[str] = (),
    guesses: bool = True,
    rules: Sequence[str] = (),
) -> Draft:
    """Draft a profile, and a starter objective where requests and their failures are counted.

    Parameters
    ----------
    system : str
        Name of the new system: lower-case letters, digits, ``-``.
    metadata : mapping
        ``family -> {type, help, unit}`` as ``MetricSource.metadata()`` gives it; may be empty, then names decide.
    series : iterable of Labels
        Label sets with ``__name__``, as ``MetricSource.series()`` gives them.
    jobs : sequence of str
        Take only these scrape jobs and make them the scope; empty takes all but those of the monitoring itself.
    title : str
        Title shown to readers; the system's name by default.
    dialect : sequence of str
        Read the metrics as these dialects only; empty recognises them.
    guesses : bool
        Whether roles are guessed where no dialect knows a metric.
    rules : sequence of str
        Lines of YAML with the rules of the server that belong to the system.

    Returns
    -------
    Draft
        Texts that load without a mistake.

    Raises
    ------
    ParameterError
        The name cannot be a system's, a job or dialect is not there.
    """
    if not _SYSTEM.fullmatch(system):
        hint = "Use lower-case letters, digits and '-', at most 50, e.g. my-gateway."
        raise ParameterError(f"{system!r} cannot be the name of a system.", hint=hint)
    every = list(series)
    seen = tuple(sorted({labels["job"] for labels in every if labels.get("job")}))
    _known_jobs(jobs, seen, any_series=bool(every))
    scope = tuple(jobs) or _own_jobs(every, seen)
    families = families_of(metadata, [labels for labels in every if not scope or labels.get("job") in scope])
    names = [name for family in families for name in (family, f"{family}_count")]
    spoken = named(dialect) if dialect else recognised(names)
    for chosen in spoken if dialect else ():
        if not any(metric in names for metric in chosen.recognised_by):
            wanted = ", ".join(chosen.recognised_by)
            raise ParameterError(f"No metric of {chosen.title} was found.", hint=f"It is recognised by {wanted}.")
    roles = known_roles(spoken, families)
    used = {part.name for role in roles.values() for part in role.families}
    left = _left_out(spoken, families, used)
    open_families = [
        family for family in families.values()
        if family.name not in used | set(left) and not any(dialect.knows(family.name) for dialect in spoken)
    ]  # fmt: skip
    roles |= guessed_roles(open_families if guesses else (), roles)
    roles = {name: roles[name] for name in sorted(roles, key=_place)}
    used |= {part.name for role in roles.values() for part in role.families}
    used |= {name.removesuffix(part) for name in used for part in ("_count", "_sum")}
    unused = tuple(sorted(set(families) - used - set(left)))
    slos = "---\n".join(objective_text(system, *pair) for pair in _pairs(roles))
    requests = any(role.word in ("requests", "tasks") for role in roles.values())
    starter = "" if slos else _NO_FAILURES if requests else _NO_REQUESTS
    titles = tuple(dialect.title for dialect in spoken if dialect.dialect != "process")
    profile = profile_text(
        system, title or system, scope=scope, replica=_replica(every), jobs=seen, roles=roles, rules=rules,
        dialects=titles, left_out=left, unused=unused, starter=starter,
    )  # fmt: skip
    return Draft(profile, slos, tuple(roles.values()), left, unused, titles, seen, scope, starter)


def _known_jobs(jobs: Sequence[str], seen: Sequence[str], *, any_series: bool) -> None:
    if not any_series:
        hint = "It scraped nothing in the last hour: look at its targets page."
        raise ParameterError("The server has no series.", hint=hint)
    for job in jobs:
        if job not in seen:
            near = nearest(job, seen)
            listed = f"Jobs seen in the last hour: {', '.join(seen) or 'none'}."
            hint = f"Did you mean {near!r}? {listed}" if near else listed
            raise ParameterError(f"No series of the job {job!r} was found.", hint=hint)


def _own_jobs(series: Iterable[Labels], seen: Sequence[str]) -> tuple[str, ...]:
    """Return the jobs that are not the monitoring's own; all where there is no other."""
    names: dict[str, set[str]] = {job: set() for job in seen}
    for labels in series:
        if labels.get("job"):
            names[labels["job"]].add(labels.get("__name__", ""))
    monitoring = {job for job, metrics in names.items() if _layer(recognised(metrics)) == "monitoring"}
    return tuple(job for job in seen if job not in monitoring) or tuple(seen)


def _replica(series: Iterable[Labels]) -> tuple[str, str] | None:
    """Return a label that says who scraped, with its first value, where one target was scraped under several."""
    known: dict[tuple[str, frozenset[tuple[str, str]]], set[str]] = {}
    for labels in series:
        for name in filter(names_scraper, labels if labels.get("__name__") == "up" else ()):
            rest = frozenset(pair for pair in labels.items() if pair[0] != name)
            known.setdefault((name, rest), set()).add(labels[name])
    return min(((name, min(values)) for (name, _), values in known.items() if len(values) > 1), default=None)


def _layer(dialects: Sequence[Dialect]) -> str:
    """Return the layer that a job is mainly of; every target has the metrics of its process."""
    layers = [dialect.layer for dialect in dialects if dialect.dialect != "process"]
    return min(layers, key=LAYERS.index) if layers else ""


def _left_out(dialects: Sequence[Dialect], families: Mapping[str, Family], used: set[str]) -> dict[str, str]:
    known = {
        name: f"{_NATIVE} histogram_quantile(0.95, sum(rate({name}[5m])))" for name in families if families[name].native
    }
    known |= {name: why for dialect in dialects for name, why in dialect.left_out.items()}
    reasons = {name: f"its help says: {family.help}" for name, family in families.items() if family.deprecated}
    return {name: known.get(name) or reasons[name] for name in families if name not in used and name in known | reasons}


def _pairs(roles: Mapping[str, DraftRole]) -> list[tuple[DraftRole, DraftRole]]:
    """Return requests with the failures of the same requests, but no view of others."""
    pairs = []
    for role in roles.values():
        suffix = (
            role.variant if role.word == "requests" else (role.variant or "tasks") if role.word == "tasks" else None
        )
        errors = None if suffix is None else roles.get(f"errors.{suffix}" if suffix else "errors")
        if errors is not None and not role.view_of:
            pairs.append((role, errors))
    return pairs


def _place(name: str) -> tuple[int, bool, str]:
    word, _, variant = name.partition(".")
    return tuple(ROLES).index(word), bool(variant), variant
