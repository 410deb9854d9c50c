"""Roles of a draft: those that dialects know, and where each stands when several dialects are spoken."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from workbench.catalog.draft.dialects import Dialect, DialectRole
from workbench.catalog.draft.families import Family, find_family
from workbench.catalog.profile.vocabulary import Kind

#: Roles that speak of the same requests: they move to a variant together.
_FLOW = ("requests", "errors", "rate_limited", "duration", "first_token", "in_flight", "size")


@dataclass(frozen=True)
class DraftRole:
    """One role of a draft: ``reason`` says why it was taken, ``check`` what its owner must still say."""

    name: str
    families: tuple[Family, ...]
    kind: Kind
    select: str
    unit: str
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    view_of: str = ""
    inside: str = ""
    note: str = ""
    reason: str = ""
    check: str = ""
    good: str = ""

    @property
    def word(self) -> str:
        """The role without its variant."""
        return self.name.partition(".")[0]

    @property
    def variant(self) -> str:
        """What stands after the dot; empty for the plain role."""
        return self.name.partition(".")[2]


def known_roles(dialects: Sequence[Dialect], families: Mapping[str, Family]) -> dict[str, DraftRole]:
    """Return the roles that dialects know of the families of a server, the foremost dialect's under plain names."""
    roles: dict[str, DraftRole] = {}
    for dialect in dialects:
        mine = _roles_of(dialect, families)
        taken = {role.word for role in roles.values() if role.word in _FLOW}
        moved = any(name in roles for name in mine if name in _FLOW) or bool(
            {"requests"} & taken and any(name in mine for name in _FLOW)
        )
        renamed = {name: _moved(name, dialect, roles, flow=moved) for name in mine}
        for name, role in mine.items():
            pointers = {key: renamed.get(getattr(role, key), getattr(role, key)) for key in ("view_of", "inside")}
            roles.setdefault(renamed[name], replace(role, name=renamed[name], **pointers))
    kept = {name: role for name, role in roles.items() if role.inside in ("", *roles)}
    return {name: role if role.view_of in ("", *kept) else replace(role, view_of="") for name, role in kept.items()}


def _moved(name: str, dialect: Dialect, taken: Mapping[str, DraftRole], *, flow: bool) -> str:
    """Give a role another name where a dialect before has it."""
    word, _, variant = name.partition(".")
    suffix = dialect.variant or dialect.dialect
    if word in _FLOW and flow:
        return f"{word}.{suffix}" + (f"-{variant}" if variant else "")
    return name if name not in taken else f"{word}.{suffix}" + (f"-{variant}" if variant else "")


def _roles_of(dialect: Dialect, families: Mapping[str, Family]) -> dict[str, DraftRole]:
    roles: dict[str, DraftRole] = {}
    for name, known in dialect.roles.items():
        role = _role(name, known, dialect, families)
        if role is None:
            continue
        roles[name] = role
        roles |= _outcomes(role, known, role.families[0])
    return roles


def _role(name: str, known: DialectRole, dialect: Dialect, families: Mapping[str, Family]) -> DraftRole | None:
    for metric in known.metric:
        family = find_family(families, metric)
        if family is None or not _kind_fits(known.kind, family):
            continue
        matchers = _matchers(known, family)
        if matchers is None:
            continue
        whole = [part for other in known.together_with if (part := find_family(families, other)) is not None]
        joined = [part for part in whole if set(part.labels) != set(family.labels)]
        select = selector([family.name, *(part.name for part in joined)], matchers)
        missed = [part.name for part in whole if part not in joined]
        return DraftRole(
            name,
            (family, *joined),
            known.kind,
            known.expr.replace(family.name, select, 1) or select,
            known.units.get(metric, known.unit),
            title=known.title,
            labels=_dimensions(known.labels, family),
            view_of=known.view_of or "",
            inside=known.inside or "",
            note=known.note,
            reason=f"known from {dialect.title}",
            check=known.check or (f"{', '.join(missed)} is not in it" if missed else ""),
        )
    return None


def _kind_fits(kind: Kind, family: Family) -> bool:
    """Whether a family can have the kind a dialect gives; types are often missing, names are not."""
    return (kind == "histogram") == (family.kind == "histogram") and family.kind != "summary" and not family.native


def _outcomes(role: DraftRole, known: DialectRole, family: Family) -> dict[str, DraftRole]:
    """Return the roles that a label of the outcome gives: failures, and refusals by a limit."""
    outcomes: dict[str, DraftRole] = {}
    for word, patterns in (("errors", known.failed), ("rate_limited", known.limited)):
        for label, pattern in patterns.items():
            if label not in family.labels:
                continue
            name = f"{word}.{role.variant}" if role.variant else word
            names, matchers = [part.name for part in role.families], _matchers(known, family) or []
            what = "Failures" if word == "errors" else "Refused by a limit"
            outcomes[name] = replace(
                role,
                name=name,
                select=selector(names, [*matchers, _matcher(label, pattern)]),
                title=f"{what}: {role.title[0].lower()}{role.title[1:]}",
                view_of=role.view_of and f"{word}.{role.view_of.partition('.')[2]}".rstrip("."),
                good=selector(names, [*matchers, _matcher(label, pattern, negated=True)]) if word == "errors" else "",
                note="",
                check="",
            )
            break
    return outcomes


def _matchers(known: DialectRole, family: Family) -> list[str] | None:
    """Return the fixed matchers of a role; None where the family has the label and none of the values wanted."""
    matchers = []
    for label, values in known.where.items():
        if label not in family.labels:
            continue
        value = next((value for value in values if value in family.labels[label]), None)
        if value is None:
            return None
        matchers.append(_matcher(label, value))
    matchers += [_matcher(label, text, negated=True) for label, text in known.without.items() if label in family.labels]
    return matchers


def _matcher(label: str, pattern: str, *, negated: bool = False) -> str:
    if pattern == ".+":
        return f'{label}{"=" if negated else "!="}""'
    plain = re.fullmatch(r"[\w /-]*", pattern)
    operator = ("!=" if negated else "=") if plain else ("!~" if negated else "=~")
    return f"{label}{operator}{json.dumps(pattern)}"


def _dimensions(wanted: Mapping[str, Sequence[str]], family: Family) -> dict[str, str]:
    """Return our dimension to the first label of it that the family has."""
    pairs = {
        dimension: next((name for name in names if name in family.labels), "") for dimension, names in wanted.items()
    }
    labels = {dimension: label for dimension, label in pairs.items() if label}
    return labels | ({"instance": "instance"} if "instance" in family.labels and "instance" not in labels else {})


def selector(names: Sequence[str], matchers: Sequence[str] = ()) -> str:
    """Write a selector of one metric, or of several that make one whole.

    Examples
    --------
    >>> selector(["a_total"], ['code="500"']), selector(["a", "b"])
    ('a_total{code="500"}', '{__name__=~"a|b"}')
    """
    if len(names) > 1:
        return "{" + ",".join([f'__name__=~"{"|".join(names)}"', *matchers]) + "}"
    return names[0] + ("{" + ",".join(matchers) + "}" if matchers else "")
