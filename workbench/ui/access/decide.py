"""Forms that write a decision: for editors, and never over somebody else's change without showing it first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from workbench.core.errors import ChangedMeanwhile, WorkbenchError
from workbench.studies.decisions.annotations import KINDS, add_annotation
from workbench.studies.decisions.exclusions import add_exclusion, written
from workbench.ui.parts import load, states

#: Key of the session where the newest change stands that the reader has seen, by system.
_SEEN = "decisions_seen"


@dataclass(frozen=True)
class Window:
    """What a form holds: from when to when, and why."""

    start: datetime
    end: datetime
    text: str


def forms(system: str, slo: str) -> None:
    """Show the forms for one objective, to whom the role lets write."""
    context = load.context()
    if context.store is None or not context.identity.may("editor", system):
        return
    newest_seen(system)
    with st.expander("Add a note or leave time out", icon=":material/edit_note:"):
        kind = st.segmented_control("What", [*KINDS, "exclusion"], default="comment", key="decide_kind")
        with st.form("decide", clear_on_submit=True, border=False):
            window = _window(load.now())
            if st.form_submit_button("Write"):
                _write(system, slo, str(kind or "comment"), window)


def _window(now: datetime) -> Window:
    with st.container(horizontal=True):
        start = st.datetime_input("From (UTC)", value=now.replace(tzinfo=None), key="decide_start")
        end = st.datetime_input("To (UTC)", value=now.replace(tzinfo=None), key="decide_end")
    text = st.text_area("What happened, or why it does not count", max_chars=1024, key="decide_text")
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    return Window(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), text)


def _write(system: str, slo: str, kind: str, window: Window) -> None:
    context, lasting = load.context(), window.end if window.end > window.start else None
    given: Mapping[str, Any] = {"system": system, "slo": slo, "start": window.start, "seen": newest_seen(system)}
    write: Callable[..., Any]
    more: Mapping[str, Any]
    if kind == "exclusion":
        write, more = add_exclusion, {"end": window.end, "reason": window.text}
    else:
        write, more = add_annotation, {"end": lasting, "kind": kind, "text": window.text}

    def decide() -> None:
        record = write(context, **given, **more)
        st.cache_data.clear()
        st.success(f"Written as {record.id}, in your name. The figures follow at the next look.")

    submit(system, decide)


def submit(system: str, write: Callable[[], object]) -> bool:
    """Write what a form holds; say why where it is refused, and show somebody else's change first.

    Parameters
    ----------
    system : str
        Id of the system that the change is of.
    write : callable
        Writes, with :func:`newest_seen` as what the reader has seen.

    Returns
    -------
    bool
        Whether it was written.
    """
    try:
        write()
    except ChangedMeanwhile as changed:
        _look(system, changed.newest)
        states.failed(changed)
    except WorkbenchError as error:
        states.failed(error)
    else:
        _look(system, None)
        return True
    return False


def _look(system: str, newest: int | None) -> None:
    """Note the newest change that the reader has been shown; None looks it up."""
    seen: dict[str, int] = st.session_state.setdefault(_SEEN, {})
    seen[system] = written(load.context()).newest_change(system) if newest is None else newest


def newest_seen(system: str) -> int:
    """Return the newest change that the reader has seen, at the first look of this session or at the last write."""
    seen: dict[str, int] = st.session_state.setdefault(_SEEN, {})
    if system not in seen:
        seen[system] = written(load.context()).newest_change(system)
    return seen[system]
