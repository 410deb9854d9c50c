"""Notices on the demo: each finding told once, resolved once, and nothing said of what was not looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workbench.core.errors import ParameterError
from workbench.core.settings import Settings
from workbench.core.settings.channels import ChannelSettings
from workbench.report.delivery.notify import notify
from workbench.studies import Context, open_context
from workbench.studies.sources.unavailable import UnavailableSource

END = datetime(2026, 11, 1, tzinfo=UTC)
SYSTEMS = ("counterfactual-lab",)


def at(context: Context, instant: datetime) -> Context:
    return replace(context, clock=lambda: instant)


def test_each_finding_is_told_once(demo_settings: Settings, tmp_path: Path) -> None:
    chat = ChannelSettings(kind="slack", url={"env": "NOT_SET"}, per_hour=2)
    folder = ChannelSettings(kind="folder", path=tmp_path)
    settings = demo_settings.model_copy(update={"channels": {"chat": chat, "share": folder}})
    context = open_context(settings)
    store = context.store
    assert store is not None
    preview = notify(at(context, END), store, settings, systems=SYSTEMS, to=["chat"], dry_run=True)
    assert store.open_notices() == {}
    first = notify(at(context, END), store, settings, systems=SYSTEMS, to=["chat"])
    assert first.changes.lines == preview.changes.lines
    texts = [text for _, _, text in first.changes.lines]
    assert any(text.startswith("Availability: 173.6 % of the error budget is used (line 100%") for text in texts)
    assert any(text.startswith("Disk space used") for text in texts)
    assert len(store.deliveries()) == len(first.messages) == 1
    again = notify(at(context, END + timedelta(minutes=1)), store, settings, systems=SYSTEMS, to=["chat"])
    assert [line for line in again.changes.lines if line[2] in texts] == []
    dark = replace(
        at(context, END + timedelta(minutes=2)), sources={"demo": UnavailableSource("demo", "", "No answer.")}
    )
    blind = notify(dark, store, settings, systems=SYSTEMS, to=["chat"])
    assert (blind.changes.opened, blind.changes.closed) == ((), ())
    with pytest.raises(ParameterError, match="files only"):
        notify(context, store, settings, systems=SYSTEMS, to=["share"])
