"""What is loaded from where, and every mistake in profiles and SLO documents with its file and line."""

import streamlit as st

from workbench.ui.data import loaded
from workbench.ui.parts import header, load, states

header.title("Settings")
body = st.container()

with body, states.guard():
    context = load.context()
    loaded.mistakes(context)
    loaded.files(context)
