"""The form that tags alerts, one, several or all of a rule: for editors, in their name."""

from __future__ import annotations

import streamlit as st

from workbench.analysis.alerts.tags import TAGS
from workbench.core.result import Study
from workbench.core.timerange import to_ms
from workbench.core.units import instant_text
from workbench.studies.alerts.tags import tag_alerts
from workbench.ui.access.decide import newest_seen, submit
from workbench.ui.parts import load

#: Most alerts in the list; all of a rule are tagged without choosing.
_LISTED = 500

_EVERY = "All rules"


def tag_form(study: Study) -> None:
    """Show the form for the alerts of a study, to whom the role lets write."""
    context = load.context()
    frame = study.results["episodes"].frame
    begun = frame[frame["started"]]
    if context.store is None or not context.identity.may("editor", study.system) or begun.empty:
        return
    newest_seen(study.system)
    with st.expander("Tag alerts: useful, or no action", icon=":material/label:"):
        rule = str(st.selectbox("Rule", [_EVERY, *sorted(set(begun["alertname"]))], key="tag_rule"))
        own = begun if rule == _EVERY else begun[begun["alertname"] == rule]
        labels = {
            (str(row.alertname), str(row.labels), to_ms(row.starts_at)): f"{instant_text(row.starts_at)} "
            f"{row.alertname} {row.labels}" + (f" · {row.tag}" if row.tag else "")
            for row in own.tail(_LISTED).iloc[::-1].itertuples()
        }
        with st.form("tag", clear_on_submit=True, border=False):
            chosen = st.multiselect(
                "Alerts",
                list(labels),
                format_func=lambda key: labels.get(key, ""),
                placeholder=f"All {len(own)} of the period",
                key="tag_chosen",
            )
            word = st.radio("What", list(TAGS), horizontal=True, key="tag_word")
            note = st.text_input("Why", max_chars=500, key="tag_note")
            again = st.checkbox("Also those that are tagged already", key="tag_again")
            if st.form_submit_button("Tag"):
                _write(
                    study,
                    "" if rule == _EVERY else rule,
                    str(word or TAGS[0]),
                    note,
                    set(chosen),
                    again or bool(chosen),
                )


def _write(study: Study, rule: str, tag: str, note: str, chosen: set[tuple[str, str, int]], again: bool) -> None:
    def write() -> None:
        count = tag_alerts(
            load.context(), system=study.system, range=study.range, as_of=study.as_of, tag=tag, rule=rule, note=note,
            again=again, chosen=chosen, seen=newest_seen(study.system),
        )  # fmt: skip
        st.cache_data.clear()
        st.success(f"{count} alert{'s' if count != 1 else ''} tagged {tag!r}, in your name.")

    submit(study.system, write)
