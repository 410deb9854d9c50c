"""Reports that people ask for on the page: queued once, by editors only, and made outside the web process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.report.made_reports import made
from workbench.core.access.identity import Grant, Identity
from workbench.core.errors import AccessRefused, ParameterError
from workbench.core.settings import Settings
from workbench.report.schedule import Scheduler
from workbench.report.schedule.requests import MOST, request_report, requested_reports
from workbench.report.schedule.runner import REQUESTED
from workbench.studies import Context, open_context


class Threads:
    """Makes reports in this process; a stand-in for the pool of processes."""

    slots = 1

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)

    def submit(self, function, arguments):
        return self.pool.submit(made if function.endswith(":made") else failed, arguments)

    def close(self) -> None:
        self.pool.shutdown()


def failed(arguments):
    return {"status": "failed", "error": "cell 3: no such metric"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {"home": tmp_path, "sources": {"own": {"kind": "archive", "path": tmp_path / "archive"}}}
    )


@pytest.fixture
def ctx(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    context = open_context(settings)
    yield context
    assert context.store is not None
    context.store.close()


def worked(settings: Settings, ctx: Context, make: str) -> list[str]:
    executor = Threads()
    scheduler = Scheduler(
        settings=settings, store=ctx.store, entries=(), systems=(), executor=executor, clock=lambda: ctx.clock(),
        make=make,
    )  # fmt: skip
    try:
        return scheduler.run(lambda: False, once=True)
    finally:
        executor.close()


def test_a_report_that_was_asked_for_is_made_once(
    settings: Settings, ctx: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_TEST_LEDGER", str(tmp_path / "ledger"))
    job = request_report(ctx, settings, template="monthly", system="conduit", period="last-month")
    assert request_report(ctx, settings, template="monthly", system="conduit", period="last-month") == job
    assert worked(settings, ctx, "tests.report.made_reports:made") == []
    assert worked(settings, ctx, "tests.report.made_reports:made") == []
    assert len((tmp_path / "ledger").read_text().splitlines()) == 1
    (row,) = requested_reports(ctx)
    assert (row.id, row.status, row.schedule) == (job, "done", REQUESTED)
    assert ctx.store.audit("conduit")[0].action == "report.request"


def test_a_report_that_fails_is_not_tried_again_by_itself(settings: Settings, ctx: Context) -> None:
    request_report(ctx, settings, template="monthly", system="conduit", period="2026-10")
    assert worked(settings, ctx, "tests.report.made_reports:fails") == [
        "on request: conduit 2026-10: cell 3: no such metric"
    ]
    assert [(row.status, row.error) for row in requested_reports(ctx)] == [("failed", "cell 3: no such metric")]
    request_report(ctx, settings, template="monthly", system="conduit", period="2026-10")


def test_only_editors_ask_and_only_so_many_wait(settings: Settings, ctx: Context) -> None:
    viewer = ctx.for_identity(Identity("eve", (Grant("viewer", ("conduit",)),)))
    other = ctx.for_identity(Identity("mallory", (Grant("editor", ("counterfactual-lab",)),)))
    for context in (viewer, other):
        with pytest.raises((AccessRefused, ParameterError)):
            request_report(context, settings, template="monthly", system="conduit", period="2026-10")
    with pytest.raises(AccessRefused):
        request_report(other, settings, template="executive", system="counterfactual-lab", period="2026-10")
    assert requested_reports(ctx) == []
    for month in range(1, MOST + 1):
        request_report(ctx, settings, template="monthly", system="conduit", period=f"2026-{month:02d}")
    with pytest.raises(ParameterError, match="reports are being made"):
        request_report(ctx, settings, template="monthly", system="conduit", period="2026-10")
    assert requested_reports(other) == []


@pytest.mark.parametrize(
    "wrong", [{"template": "mothly"}, {"period": "last-mnth"}, {"outputs": ["docx"]}, {"outputs": []}, {"system": "x"}]
)
def test_a_mistake_is_said_at_once(settings: Settings, ctx: Context, wrong: dict[str, object]) -> None:
    right = {"template": "monthly", "system": "conduit", "period": "2026-10"}
    with pytest.raises(Exception, match=r".") as caught:
        request_report(ctx, settings, **{**right, **wrong})
    assert type(caught.value).__module__ == "workbench.core.errors"
    assert requested_reports(ctx) == []


@pytest.mark.slow
def test_a_report_whose_maker_was_killed_is_made_by_the_next(
    settings: Settings, ctx: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_TEST_LEDGER", str(tmp_path / "ledger"))
    job = request_report(ctx, settings, template="monthly", system="conduit", period="2026-10")
    program = (
        "import sys; from datetime import *; from workbench.core.processes import this_process; "
        "from workbench.store import Store; "
        "print(Store(sys.argv[1]).claim_job(f'{this_process()}/x', now=datetime.now(UTC), lasts=timedelta(hours=1)).id)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, settings.database], capture_output=True, text=True, check=True
    )
    assert killed.stdout.strip() == job
    assert [row.status for row in requested_reports(ctx)] == ["running"]
    assert request_report(ctx, settings, template="monthly", system="conduit", period="2026-10") == job
    assert worked(settings, ctx, "tests.report.made_reports:made") == []
    assert [row.status for row in requested_reports(ctx)] == ["done"]
