"""A page about the present looks again by itself: what is open stays as it is until the newer answer is there."""

from __future__ import annotations

import time

import streamlit as st

from workbench.core.result import Study
from workbench.studies.answers.keys import PRESENT
from workbench.ui.parts import load, states

#: How often a page about the present looks whether there is something newer, and while that is computed. [s]
EVERY_S, SOON_S = 30.0, 10.0


def watched(study: Study) -> None:
    """Show newer answers of a study that ends now; a page about the past is left alone.

    A look compares instants only and costs next to nothing; the page is drawn anew where there is something newer.
    """
    if study.age_s is None and load.context().clock() - study.as_of >= PRESENT:
        return
    every, drawn = EVERY_S if study.age_s is None else SOON_S, time.monotonic()

    @st.fragment(run_every=every)
    def look() -> None:
        if time.monotonic() - drawn < every / 2:  # the first run is part of the page itself
            return
        with states.guard():
            if study.age_s is not None or load.now() > study.as_of:
                st.rerun()

    look()
