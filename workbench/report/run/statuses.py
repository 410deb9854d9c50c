"""What the studies of a report ended with: a hidden last cell says it, and is taken out before export."""

from __future__ import annotations

import json
from typing import Any

from workbench.report.run.jupyter import jupyter_library

_TAG = "statuses"

_SOURCE = """\
import json
from workbench.core.result import Study

values = list(globals().values())
values += [one for value in values if isinstance(value, dict) for one in list(value.values())]
parts = [value for value in values if isinstance(value, Study) and value.name != "report_findings"]
frames = [(one, part.frame) for one in parts for part in one.results.values() if "status" in getattr(part, "frame", ())]
ends = {(one.name, one.status) for one in parts if not (one.status == "refused" and one.coverage > 0)}
for one, frame in frames:  # what was counted has an answer, also where the counts allow no verdict
    counted = frame["total"].notna() if "total" in frame else frame["status"].isna()
    ends |= {(one.name, status) for status in frame.loc[~counted, "status"]}
print(json.dumps(sorted({name for name, status in ends if status in ("unavailable", "refused")})))
"""


def with_status_cell(notebook: Any) -> Any:
    """Append the cell that lists the studies which a source did not answer."""
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
