"""Make an issued report again from its frozen inputs, and compare it bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.core.errors import ParameterError, ReportError
from workbench.core.result import Result
from workbench.core.settings import Settings
from workbench.report.issue.issue import INPUTS, PAGE_FILE, placed, read_figures
from workbench.report.issue.page import issued_page
from workbench.store import Issue, open_store
from workbench.store.kept import kept_at
from workbench.studies.issue.frozen import figures_of, figures_text, read_frozen
from workbench.studies.issue.manifest import differences, sha256


@dataclass(frozen=True)
class Reproduction:
    """What came of making an issue again.

    Attributes
    ----------
    issue : Issue
    figures, page : bool
        Whether the figures, and the document, are the same to the last byte.
    page_kept : bool
        Whether the document in the archive is still the one that was issued.
    changed : tuple of str
        FrozenInputs inputs that are no longer what they were.
    note : str
        Why the document may differ though the figures do not.
    """

    issue: Issue
    figures: bool
    page: bool
    page_kept: bool
    changed: tuple[str, ...]
    note: str = ""

    @property
    def whole(self) -> bool:
        """Whether the issue stands as it was issued."""
        return self.figures and self.page_kept and not self.changed and (self.page or bool(self.note))


def find_issue(settings: Settings, *, system: str, period: str, report: str = "monthly", number: int = 0) -> Issue:
    """Return an issue by its number, or the newest.

    Raises
    ------
    ParameterError
        There is none.
    """
    issues = open_store(settings).issues(report=report, system=system, period=period)
    own = [issue for issue in issues if issue.zone == settings.zone]
    for issue in own:
        if number in (0, issue.number):
            return placed(issue, settings)
    numbers = ", ".join(str(issue.number) for issue in own)
    zones = ", ".join(sorted({issue.zone for issue in issues}))
    elsewhere = f"There are issues in other zones: {zones}; add --zone." if issues else ""
    raise ParameterError(
        f"The {report} report of {system} for {period} ({settings.zone}) has no issue{f' {number}' if number else ''}.",
        hint=f"Issues: {numbers}." if own else elsewhere or "Issue it with: workbench report issue.",
    )


def reproduce(settings: Settings, issue: Issue) -> Reproduction:
    """Make an issue again from what was frozen with it; no source is asked.

    Raises
    ------
    ReportError
        The frozen inputs are gone or unreadable.
    """
    folder, manifest = Path(issue.folder), issue.manifest
    written = manifest["made"]["inputs_sha256"]
    try:
        changed = tuple(name for name in INPUTS if sha256((folder / name).read_bytes()) != written[name])
        kept = sha256((folder / PAGE_FILE).read_bytes()) == manifest["page_sha256"]
    except OSError as error:
        raise ReportError(
            f"The issue in {folder} is not whole: {error}.", hint="Restore it (workbench restore)."
        ) from None
    figures = figures_of(read_frozen(folder))
    same = sha256(figures_text(figures).encode()) == issue.figures_sha256
    diff = changes(settings, issue, {name: figure.to_dict() for name, figure in figures.items()})
    page = sha256(issued_page(manifest, figures, diff).encode()) == manifest["page_sha256"]
    version = manifest["made"]["version"]
    note = f"It was issued by version {version}, this is {__version__}." if version != __version__ and not page else ""
    return Reproduction(issue, same, page, kept, changed, note)


def changes(settings: Settings, issue: Issue, figures: Mapping[str, Any] | None = None) -> Result | None:
    """Compare an issue (or its figures, made again) with the one it replaced; None for a first issue.

    Raises
    ------
    ReportError
        The files of either are gone, or are not what was issued.
    """
    if not issue.manifest["before"]:
        return None
    named = {"system": issue.system, "period": issue.period, "report": issue.report}
    before = find_issue(settings, **named, number=int(issue.manifest["before"]))
    return differences(read_figures(before), figures or read_figures(issue), number=issue.number)


def issued_rows(settings: Settings, *, system: str | None = None) -> list[dict[str, object]]:
    """Issued reports as plain rows, newest period first."""
    return [
        {
            "report": issue.report,
            "system": issue.system,
            "period": issue.period,
            "zone": issue.zone,
            "issue": issue.number,
            "issued": f"{issue.issued_at:%Y-%m-%d %H:%M} UTC",
            "by": issue.issued_by,
            "why": " ".join(issue.manifest["causes"]),
            "figures": issue.figures_sha256[:16],
            "path": str(kept_at(issue.folder, settings.home) / PAGE_FILE),
        }
        for issue in open_store(settings).issues(system=system)
    ]
