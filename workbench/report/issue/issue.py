"""Issue a report: freeze its inputs, number it, keep it for good; issue it again only when a number changed."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.core.errors import ParameterError, ReportError
from workbench.core.periods import calendar_name, parse_period
from workbench.core.settings import Settings
from workbench.core.timerange import TimeRange
from workbench.report.export.kept import published, scratch_folder, writing
from workbench.report.issue.page import issued_page
from workbench.store import Issue
from workbench.store.kept import ISSUED, kept_as, kept_at
from workbench.studies import Context, open_context
from workbench.studies.counting.definitions import note_definitions
from workbench.studies.decisions.exclusions import written
from workbench.studies.issue.frozen import (
    COSTS_FILE,
    EVENTS_FILE,
    FACTS_FILE,
    SEEN_FILE,
    FrozenInputs,
    figures_of,
    figures_text,
    freeze,
    read_frozen,
    write_frozen,
)
from workbench.studies.issue.manifest import differences, manifest_of, sha256

#: How long after the end of a period late data is waited for: October is issued on the fourth of November.
GRACE = timedelta(days=3)

FIGURES_FILE, PAGE_FILE, MANIFEST_FILE = "figures.json", "report.html", "manifest.json"
INPUTS = (EVENTS_FILE, COSTS_FILE, SEEN_FILE, FACTS_FILE)


@dataclass(frozen=True)
class Issued:
    """What became of issuing: the issue in force, and whether it is a new one."""

    issue: Issue
    new: bool

    @property
    def html(self) -> Path:
        """The document."""
        return Path(self.issue.folder) / PAGE_FILE


def issue_report(
    *, system: str, period: str, settings: Settings, report: str = "monthly", early: bool = False,
    now: datetime | None = None,
) -> Issued:  # fmt: skip
    """Issue the report of a calendar month, or revise it when its figures changed.

    Parameters
    ----------
    system : str
        Id of the system, as its profile names it.
    period : str
        Calendar period in the zone of the settings: ``2026-10``, ``last-month``, ``2026-Q3``.
    settings : Settings
        The settings of this workbench.
    report : str
        Name under which the issues are numbered.
    early : bool
        Do not wait for late data.
    now : datetime, optional
        Aware instant taken for "now".

    Returns
    -------
    Issued
        With ``new`` False when the newest issue still holds: nothing is written then.

    Raises
    ------
    ParameterError
        The month is not over, or the time for late data is not.
    ReportError
        A source or the store does not answer.

    Notes
    -----
    All files are written into a folder of their own, which takes its name in one step; the row in the store comes last
    and makes the issue. A process that is killed before leaves the old issue in force. Of two that issue at once one
    gets the number, the other finds it taken and its figures equal.
    """
    context = open_context(settings)
    store, instant = written(context), now or context.clock()
    calendar = {"zone": settings.zone, "week_start": settings.week_start}
    period = calendar_name(period, **calendar, as_of=instant)
    span = parse_period(period, **calendar, as_of=instant)
    _is_over(span, instant, period, early=early)
    note_definitions(context, system, at=instant)
    frozen = freeze(context, system=system, range=span, as_of=span.end)
    shelf = settings.home / ISSUED / system / period
    while True:
        known = [
            placed(issue, settings)
            for issue in store.issues(report=report, system=system, period=period, zone=settings.zone)
        ]
        with writing(shelf), scratch_folder(shelf, report) as scratch:
            issue = _written(context, frozen, scratch, report, period, instant, known[0] if known else None)
            if issue is None:
                return Issued(known[0], new=False)
            os.replace(scratch, issue.folder)
            published(Path(issue.folder), settings)
            if store.add_issue(replace(issue, folder=kept_as(Path(issue.folder), settings.home))):
                return Issued(issue, new=True)
            shutil.rmtree(issue.folder)


def placed(issue: Issue, settings: Settings) -> Issue:
    """Return an issue of the store with its folder on this machine."""
    return replace(issue, folder=str(kept_at(issue.folder, settings.home)))


def _is_over(span: TimeRange, now: datetime, period: str, *, early: bool) -> None:
    if now < span.end:
        raise ParameterError(
            f"The period {period} is not over.", hint=f"A draft: workbench report run monthly --period {period}"
        )
    if now < span.end + GRACE and not early:
        raise ParameterError(
            f"The report of {period} is issued from {span.end + GRACE:%Y-%m-%d %H:%M} UTC on, when late data is in.",
            hint="Add --early to issue it now; what changes later makes a revision.",
        )


def _written(
    context: Context, frozen: FrozenInputs, folder: Path, report: str, period: str, now: datetime, before: Issue | None
) -> Issue | None:
    """Write all files of an issue; None when its figures are those of the issue before."""
    write_frozen(frozen, folder)
    kept = read_frozen(folder)
    figures = figures_of(kept)
    text = figures_text(figures)
    digest = sha256(text.encode())
    if before is not None and before.figures_sha256 == digest:
        return None
    inputs = {name: sha256((folder / name).read_bytes()) for name in INPUTS}
    manifest = manifest_of(
        kept,
        report=report,
        period=period,
        issued=now,
        by=context.identity.name,
        before=before.manifest if before is not None else None,
        inputs=inputs,
        figures=text,
    )
    number = int(manifest["number"])
    diff = differences(read_figures(before), json.loads(text), number=number) if before is not None else None
    page = issued_page(manifest, figures, diff)
    manifest["page_sha256"] = sha256(page.encode())
    for name, content in ((FIGURES_FILE, text), (PAGE_FILE, page), (MANIFEST_FILE, json.dumps(manifest, indent=1))):
        (folder / name).write_text(content, encoding="utf-8")
    target = folder.with_name(f"{report}-{number}-{secrets.token_hex(4)}")
    return Issue(
        report,
        kept.system,
        period,
        number,
        now,
        context.identity.name,
        kept.as_of,
        str(target),
        digest,
        manifest,
        kept.zone,
    )


def read_figures(issue: Issue) -> dict[str, Any]:
    """Return the figures of an issue, as they were written.

    Raises
    ------
    ReportError
        The file is gone, or is no longer what was issued.
    """
    path = Path(issue.folder) / FIGURES_FILE
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.", hint="Restore it (workbench restore).") from None
    if sha256(text) != issue.figures_sha256:
        raise ReportError(f"{path} is not what was issued.", hint="Restore it (workbench restore).")
    figures: dict[str, Any] = json.loads(text)
    return figures
