"""What is measured of a system, what is not, what was assumed, and which documented queries were corrected."""

from __future__ import annotations

import streamlit as st

from workbench.catalog import Profile
from workbench.ui.parts import load, tables
from workbench.ui.parts.header import place_text
from workbench.ui.parts.markdown import escaped, plain


def show(system: str) -> None:
    """Show what the profile of a system measures and what it does not."""
    profile = load.context().catalog.profile(system)
    st.subheader(profile.title, anchor=False)
    if profile.document:
        st.caption(escaped(f"Described in {profile.document}; profile {place_text(profile.file)}"))
    st.markdown("**Measured**")
    tables.texts(
        [
            {
                "Signal": name,
                "Kind": role.kind,
                "Unit": role.unit,
                "Query": role.select,
                "Remark": role.note or role.reason,
            }
            for name, role in profile.roles.items()
        ],
        alt="What is measured",
    )
    st.markdown("**Not measured**")
    if profile.not_measured:
        tables.texts(
            [
                {"Question": gap.question, "Signal that would answer it": gap.signal, "Remark": gap.note}
                for gap in profile.not_measured
            ],
            alt="What is not measured",
        )
    else:
        st.caption(
            "Every question of the document has a signal."
            if profile.document
            else "The profile does not list the questions that no signal answers (`not_measured`)."
        )
    corrections = _corrections(profile)
    if corrections:
        with st.expander(f"{len(corrections)} documented queries are corrected", icon=":material/edit_note:"):
            st.caption("The same list stands in docs/errata.md.")
            tables.texts(corrections, alt="Documented queries that are corrected, with the reason")
    if profile.assumptions:
        with st.expander(f"{len(profile.assumptions)} assumptions", icon=":material/rule:"):
            for assumption in profile.assumptions:
                st.text(plain(f"• {assumption}"))


def _corrections(profile: Profile) -> list[dict[str, str]]:
    named = [*profile.roles.items(), *((entry.name, entry) for entry in profile.queries)]
    named += [(rule.name, rule) for rule in (*profile.recording_rules, *profile.alert_rules)]
    return [
        {"What": name, "Documented": entry.documented or "", "Corrected": entry.corrected, "Reason": entry.reason}
        for name, entry in named
        if entry.corrected
    ]
