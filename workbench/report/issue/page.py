"""The document of an issue: a pure function of its manifest and its figures, so that it can be made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workbench.charts import figure, tables
from workbench.charts.cost import tables as cost_tables
from workbench.charts.issue import tables as issue_tables
from workbench.charts.slo import decision_tables
from workbench.core.result import Result
from workbench.report.export.html import to_html
from workbench.report.export.layout import PLOTLY
from workbench.report.run.jupyter import jupyter_library
from workbench.studies.issue.frozen import noted_of

#: Facts that stand in tables of their own.
_SHOWN = ("warnings", "assumptions", "happened", "definition_parts")


def issued_page(manifest: Mapping[str, Any], figures: Mapping[str, Result], diff: Result | None) -> str:
    """Render an issue as one HTML file.

    Parameters
    ----------
    manifest : mapping
        ``number``, ``issued``, ``by``, ``title``, ``covers``, ``causes``, ``made``, ``figures_sha256``, ``before``.
    figures : mapping of str to Result
        As :func:`workbench.studies.issue.frozen.figures_of` returns them.
    diff : RevisionDiff or None
        What changed since the issue before.
    """
    nbformat = jupyter_library("nbformat")

    compliance = figures["compliance"]
    number, before = int(manifest["number"]), int(manifest["before"])
    kind = "Issue" if number == 1 else "Revision"
    lines = (
        manifest["covers"],
        f"{kind} {number}, issued {manifest['issued']} by {manifest['by']}; figures {manifest['figures_sha256'][:16]}",
    )
    noted = noted_of(manifest["made"], as_of=vars(compliance)["as_of"])
    shown: list[Any] = [issue_tables.FirstPage(manifest["title"], lines, manifest["causes"], before)]
    shown += [issue_tables.diff_table(diff)] if diff is not None else []
    shown += [
        "## Were the objectives met?",
        tables.slo_finding(compliance),
        tables.compliance_table(compliance),
        *_members(figures),
        "### What was left out?",
        decision_tables.effect_table(figures["exclusions"]),
        decision_tables.windows_table(figures["exclusion_windows"]),
        "### When was the budget spent?",
        figure(figures["budget"]),
        tables.burn_table(figures["burn"]),
        "### What happened meanwhile?",
        decision_tables.happened_table(noted["happened"]),
        decision_tables.definitions_table(noted["definition_parts"]),
        "### How far can these numbers be trusted?",
        tables.coverage_finding(compliance),
        tables.Table([{"note": text} for text in _notes(manifest, figures)], left=("note",)),
    ]
    if "totals" in figures:
        shown += [
            "## What did it cost?",
            cost_tables.totals_table(figures["totals"]),
            cost_tables.groups_table(figures["groups"]),
            figure(figures["days"]),
        ]
    facts = {name: value for name, value in manifest["made"].items() if name not in _SHOWN}
    shown += ["## From what it was made", issue_tables.made_table(facts)]
    notebook = nbformat.v4.new_notebook(cells=[_cell(place, item) for place, item in enumerate(shown)])
    footer = {
        "issue": f"{number} of {manifest['issued']}",
        "system": manifest["system"],
        "period": manifest["period"],
        "figures": manifest["figures_sha256"],
        "version": f"workbench {manifest['made']['version']}",
    }
    return to_html(notebook, title=manifest["title"], footer=footer, interactive=True)


def _members(figures: Mapping[str, Result]) -> list[Any]:
    table = decision_tables.members_table(figures["members"]) if "members" in figures else None
    return [] if table is None else [table]


def _notes(manifest: Mapping[str, Any], figures: Mapping[str, Result]) -> list[str]:
    made = manifest["made"]
    notes = [*made["warnings"], *(note for result in figures.values() for note in result.notes), *made["assumptions"]]
    return list(dict.fromkeys(notes))


def _cell(place: int, item: Any) -> Any:
    nbformat = jupyter_library("nbformat")

    name = f"cell-{place:02d}"
    if isinstance(item, str):
        return nbformat.v4.new_markdown_cell(item, id=name)
    if hasattr(item, "to_plotly_json"):
        data = {PLOTLY: json.loads(item.to_json())}
    else:
        data = {"text/html": item._repr_html_()}
    output = nbformat.v4.new_output("display_data", data=data)
    return nbformat.v4.new_code_cell("", id=name, outputs=[output])
