"""What the studies of a report ended with: a hidden last cell says it and keeps their frames; it is taken out again."""

from __future__ import annotations

import json
from typing import Any

from workbench.report.run.jupyter import jupyter_library

#: Folder beside the running notebook that holds the frames of its studies.
DATA = "data"

_TAG = "statuses"

_SOURCE = f"""\
from workbench.report.run.statuses import ended
print(ended(globals(), {DATA!r}))
"""


def ended(values: dict[str, Any], folder: str) -> str:
    """Keep the frames of a notebook's studies, and name those that a source did not answer, as JSON.

    Parameters
    ----------
    values : dict of str to value
        Variables of the notebook.
    folder : str
        Folder of the run.
    """
    from pathlib import Path

    from workbench.report.export.data import keep_frames, studies_in

    keep_frames(values, Path(folder))
    studies = [study for _, study in studies_in(values) if study.name != "report_findings"]
    parts = [(study.name, result.frame) for study in studies for result in study.results.values()]
    ends = {(study.name, study.status) for study in studies if not (study.status == "refused" and study.coverage > 0)}
    for name, frame in parts:  # what was counted has an answer, also where the counts allow no verdict
        if "status" in frame:
            counted = frame["total"].notna() if "total" in frame else frame["status"].isna()
            ends |= {(name, status) for status in frame.loc[~counted, "status"]}
    return json.dumps(sorted({name for name, status in ends if status in ("unavailable", "refused")}))


def with_status_cell(notebook: Any) -> Any:
    """Append the cell that lists the studies which a source did not answer, and keeps their frames."""
    nbformat = jupyter_library("nbformat")
    cell = nbformat.v4.new_code_cell(_SOURCE, metadata={"tags": [_TAG]}, id="statuses")
    notebook.cells.append(cell)
    return notebook


def take_unanswered(notebook: Any) -> tuple[str, ...]:
    """Remove the cell from a notebook that was run, and return the studies which a source did not answer."""
    cells = [cell for cell in notebook.cells if _TAG in cell.metadata.get("tags", [])]
    notebook.cells = [cell for cell in notebook.cells if cell not in cells]
    texts = [str(output.get("text", "")) for cell in cells for output in cell.outputs]
    return tuple(str(name) for text in texts if text.strip() for name in json.loads(text))
