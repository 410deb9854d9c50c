"""The last answers on the overview: of this catalog, these decisions and this scope, or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workbench.core.access.identity import Grant, Identity
from workbench.core.timerange import TimeRange
from workbench.store import Store
from workbench.studies import Context
from workbench.studies.overview.answers import keep_answer, last_answers
from workbench.studies.sources.unavailable import UnavailableSource


@pytest.fixture
def context(context_over: Callable[..., Context], tmp_path: Path) -> Context:
    return replace(context_over(UnavailableSource("none", "", "")), store=Store(f"sqlite:///{tmp_path / 's.db'}"))


def test_an_answer_of_another_catalog_or_scope_is_none(context: Context) -> None:
    now = context.clock()
    study: Any = SimpleNamespace(
        name="quality_drift", system="conduit", range=TimeRange(now - timedelta(days=1), now), as_of=now
    )
    keep_answer(context, study, status="ok", sentence="No score drifts.", events=0)
    (kept,) = last_answers(context, ["quality_drift"], as_of=now)
    assert (kept.system, kept.sentence) == ("conduit", "No score drifts.")
    narrow = replace(context, identity=Identity("ana", (Grant("viewer", ("conduit",)),)))
    assert last_answers(narrow, ["quality_drift"], as_of=now) == ()
    fewer = replace(context.catalog, objectives={})
    assert last_answers(replace(context, catalog=fewer), ["quality_drift"], as_of=now) == ()
