"""Every PromQL text of the catalog with its place; the engine checks what this room must not parse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from workbench.catalog.load import Catalog
from workbench.catalog.profile.model import Profile
from workbench.catalog.slo.indicators import promql_texts


class PlacedQuery(NamedTuple):
    """One text: the ``system``, what it is (``queries/error-rate/corrected``), and where it stands."""

    system: str
    where: str
    text: str
    file: str
    line: int


def iter_queries(catalog: Catalog) -> Iterator[PlacedQuery]:
    """Yield every PromQL text of all profiles and objectives, documented and corrected ones alike.

    Histogram roles are yielded as their three parts, since that is what is asked.
    """
    for system, profile in catalog.profiles.items():
        yield from _of_profile(system, profile)
    for system, objectives in catalog.objectives.items():
        for objective in objectives:
            for name, text in promql_texts(objective.indicator).items():
                line = objective.query_lines.get(name, objective.line)
                yield PlacedQuery(system, f"objectives/{objective.id}/{name}", text, objective.file, line)


def _of_profile(system: str, profile: Profile) -> Iterator[PlacedQuery]:
    def placed(where: str, text: str, *path: str | int) -> PlacedQuery:
        return PlacedQuery(system, where, text, profile.file, profile.line(*path))

    for name, role in profile.roles.items():
        if role.kind == "histogram":
            for part in ("_bucket", "_sum", "_count"):
                yield placed(f"roles/{name}/select{part}", role.part(part), "roles", name, "select")
        else:
            yield placed(f"roles/{name}/select", role.select, "roles", name, "select")
        for index, alias in enumerate(role.aliases):
            yield placed(f"roles/{name}/aliases/{index}", alias, "roles", name, "aliases", index)
        for key in ("documented", "corrected"):
            if text := getattr(role, key):
                yield placed(f"roles/{name}/{key}", text, "roles", name, key)
    for index, query in enumerate(profile.queries):
        yield placed(f"queries/{query.name}/documented", query.documented, "queries", index, "documented")
        if query.corrected:
            yield placed(f"queries/{query.name}/corrected", query.corrected, "queries", index, "corrected")
    for group, rules in (("recording_rules", profile.recording_rules), ("alert_rules", profile.alert_rules)):
        for index, rule in enumerate(rules):
            keys = [key for key in ("expr", "documented", "corrected") if profile.line(group, index, key)]
            for key in keys or ["expr"]:
                if key == "documented" and rule.dialect == "other":
                    continue
                yield placed(f"{group}/{rule.name}/{key}", str(getattr(rule, key)), group, index, key)
    for index, threshold in enumerate(profile.thresholds):
        yield placed(f"thresholds/{threshold.name}/expr", threshold.expr, "thresholds", index, "expr")
