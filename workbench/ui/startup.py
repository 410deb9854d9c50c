"""What the web process does before its first reader: load all pages, open sources, and set lasting objects aside.

Streamlit collects garbage after every run of a page and looks at every object of the process for that. Half of the
time of a page went into looking at modules that stay for good.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pkgutil import walk_packages

from streamlit import delta_generator
from streamlit.starlette import App

import workbench.ui
from workbench.charts.theme import load_plotly
from workbench.core.errors import WorkbenchError
from workbench.studies.answers.ahead import opening_questions
from workbench.studies.answers.asking import kept_answer
from workbench.studies.answers.memory import release
from workbench.ui import precompute
from workbench.ui.parts import load

#: How often what has come to stay since (answers, figures) is set aside too. [s]
SETTLES_S = 60.0

#: What came since then is left out of collections so often: its references still free it, and cycles wait. [s]
FREEZES_S = 5.0

#: Module of this room that is no part of a page: this one's caller, which runs once.
_SERVER = "workbench.ui.server"


def load_pages() -> None:
    """Import what pages import, so that no reader waits for it."""
    for module in walk_packages(workbench.ui.__path__, "workbench.ui."):
        if module.name != _SERVER:
            import_module(module.name)
    import_module("streamlit.elements.lib.image_utils")  # the first page draws its icon
    load_plotly()


def settle() -> None:
    """Collect all garbage once, and leave what is alive out of later collections; references still free it."""
    gc.unfreeze()
    set_aside()


def set_aside() -> None:
    """Collect what came since the last time, leave what of it is alive out of later collections, free the memory."""
    gc.collect()
    gc.freeze()
    release()


@asynccontextmanager
async def ready(app: App) -> AsyncIterator[None]:
    """Load the pages and settle before the first reader is let in, and settle again from time to time."""
    # Whether this is a prompt of Python, for a warning: Streamlit looks at every module for it, half of the first page.
    delta_generator._use_warning_has_been_displayed = True
    load_pages()
    open_sources()
    settle()
    threading.Thread(target=_settle_on, name="settle", daemon=True).start()
    threading.Thread(target=precompute.keep_fresh, name="precompute", daemon=True).start()
    yield


def open_sources() -> None:
    """Open sources and catalog, and read the answer of the first page; what is wrong is said to who asks."""
    with suppress(WorkbenchError):
        ctx = load.shared_context()
        if ctx is not None:
            for question in opening_questions(ctx, "", as_of=ctx.clock()):
                kept_answer(ctx, question)


def _settle_on() -> None:
    while True:
        for _ in range(round(SETTLES_S / FREEZES_S)):
            time.sleep(FREEZES_S)
            set_aside()
        settle()
