"""Parts of the settings page: mistakes of the catalog, settings, sources, systems and where each stands."""

from __future__ import annotations

import streamlit as st

from workbench.charts.loaded_tables import mistake_rows, profile_rows, setting_rows, source_rows
from workbench.core.settings import load_settings
from workbench.studies import Context
from workbench.ui.parts import tables
from workbench.ui.parts.header import place_text
from workbench.ui.parts.markdown import escaped
from workbench.ui.parts.view import Sheet, sheets


def mistakes(context: Context) -> None:
    """Show what was left out of the catalog, and why."""
    if context.identity.scope is None:
        known = [*context.catalog.profiles, *context.catalog.broken]
        for sentence in load_settings().access.unknown_systems(known):
            st.warning(escaped(sentence), icon=":material/group_off:")
    faults = context.catalog.faults
    if not faults:
        st.markdown("No mistake in profiles and SLO documents.")
        return
    count = "1 mistake" if len(faults) == 1 else f"{len(faults)} mistakes"
    st.markdown(f"{count} in profiles and SLO documents; what has a mistake is left out.")
    tables.texts(_short(mistake_rows(faults), "file"), alt="Mistakes")


def files(context: Context) -> None:
    """Show systems, sources and settings with the file or address of each; whoever sees all systems sees all."""
    parts = [
        Sheet(
            "Systems",
            _short(profile_rows(context.catalog.profiles, context.catalog.objectives), "file"),
            "Check a file with: workbench catalog check FILE.",
            "No system is known. Run: workbench init --url http://prometheus:9090 --name mine.",
        ),
        Sheet("Sources", _short(source_rows(context.given), "place"), absent="No source is set."),
    ]
    if context.identity.scope is None:
        parts.append(Sheet("Settings", _short(setting_rows(load_settings()), "value"), "Secrets are never shown."))
    sheets(parts)


def _short(rows: list[dict[str, str]], name: str) -> list[dict[str, str]]:
    return [{**row, name: place_text(row[name])} for row in rows]
