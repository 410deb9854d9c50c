"""Mistakes in the catalog that only the engine sees: queries that do not parse, parts that cannot be counted alike."""

from __future__ import annotations

from workbench.catalog import Catalog, Objective, iter_queries
from workbench.catalog.slo.indicators import promql_texts
from workbench.core.errors import Fault, QueryRejected
from workbench.core.timerange import TimeRange
from workbench.promql import parse
from workbench.studies.counting.composites import members_of
from workbench.studies.counting.plans import planned, slice_of


def query_faults(catalog: Catalog) -> list[Fault]:
    """Place the queries of profiles and objectives that do not parse."""
    faults = []
    for query in iter_queries(catalog):
        try:
            parse(query.text)
        except QueryRejected as error:
            faults.append(Fault(query.file, query.line, query.text, error.message, id="catalog/query"))
    return faults


def uncountable(catalog: Catalog) -> list[Fault]:
    """Place the objectives whose parts cannot be counted in one way, see :func:`workbench.promql.ratio_plan`."""
    faults = []
    for objective in (objective for several in catalog.objectives.values() for objective in several):
        for member in members_of(objective):
            try:
                planned(member, {}, TimeRange.from_ms(0, slice_of(member)))
            except QueryRejected as error:
                line = objective.query_lines.get(_part_of(member, error.query), objective.line)
                faults.append(
                    Fault(objective.file, line, error.query, f"{objective.id}: {error.message}", id="catalog/query")
                )
    return faults


def _part_of(objective: Objective, query: str) -> str:
    texts = promql_texts(objective.indicator)
    return next((part for part, text in texts.items() if text == query), "")
