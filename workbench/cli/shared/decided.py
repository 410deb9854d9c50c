"""What people decided about a system, printed: exclusions, annotations, the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from workbench.cli.shared.output import print_csv, print_json, print_table

Records = Iterable[Any]


def print_decided(
    state: Any,
    system: str,
    format_: str,
    *,
    read: Callable[[Any], Records],
    rows_of: Callable[[Records], list[dict[str, str]]],
) -> None:
    """Print records of the store: plain values as JSON, else the rows of text that ``rows_of`` makes of them."""
    from workbench.studies.decisions.annotations import decided_rows
    from workbench.studies.decisions.exclusions import written

    context = state.context()
    context.catalog.profile(system)
    records = list(read(written(context)))
    if format_ == "json":
        print_json(decided_rows(records))
    else:
        {"csv": print_csv, "table": print_table}[format_](rows_of(records))
