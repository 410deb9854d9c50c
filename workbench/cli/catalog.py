"""``workbench catalog``: profiles and SLO documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say


@click.group()
def catalog() -> None:
    """Check profiles and SLO documents.

    \b
    Example:
      workbench catalog check ./profiles
    """


@catalog.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.pass_obj
def check(state: Any, folders: tuple[Path, ...]) -> None:
    """Read profiles, SLO documents and every query in them; each mistake is printed with file and line.

    Parts of an SLO that cannot be counted in one way (a rate over a counter) are mistakes too.

    Without folders the shipped catalog and the folders of the settings are checked.

    \b
    Examples:
      workbench catalog check
      workbench catalog check ./profiles ./slos
    """
    from workbench.catalog import iter_queries, load_catalog
    from workbench.core.errors import CatalogError
    from workbench.core.shipped import shipped
    from workbench.core.units import count_text
    from workbench.studies.authoring.check import query_faults, uncountable

    settings = state.settings
    read = load_catalog((*settings.profiles, *folders), (*settings.slos, *folders))
    faults = query_faults(read) or uncountable(read)
    if faults:
        raise CatalogError(tuple(faults))
    files = {
        "system systems": [profile.file for profile in read.profiles.values()],
        "objective objectives": [objective.file for several in read.objectives.values() for objective in several],
        "query queries": [query.file for query in iter_queries(read)],
    }
    own: list[str] = []
    others: list[str] = []
    for nouns, names in files.items():
        mine = sum(not Path(name).is_relative_to(shipped("data")) for name in names)
        for texts, count in ((own, mine), (others, len(names) - mine)):
            texts.append(f"{count_text(count)} {nouns.split()[count != 1]}")
    say(f"No mistakes found. Yours: {', '.join(own)}. Shipped: {', '.join(others)}.")


@catalog.command("list")
@click.option("--all", "every", is_flag=True, help="Shipped systems too that no source answers for.")
@format_option
@click.pass_obj
def list_(state: Any, every: bool, format_: str) -> None:
    """List the systems that a source answers for, with their objectives.

    \b
    Examples:
      workbench catalog list
      workbench catalog list --all --format json
    """
    context = state.context()
    read = context.catalog
    shown = set(read.profiles if every else context.systems)
    rows = [
        {
            "system": system,
            "title": profile.title,
            "objectives": ", ".join(o.id for o in read.objectives.get(system, ())),
        }
        for system, profile in read.profiles.items()
        if system in shown
    ]
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
