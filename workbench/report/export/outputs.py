"""What a run leaves behind: HTML, its findings as Markdown and JSON, and on demand PDF and data."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

from workbench.charts.overview.first_page import FINDINGS_TYPE
from workbench.core.errors import ParameterError
from workbench.report.export.data import write_data
from workbench.report.export.html import write_atomically
from workbench.report.export.layout import findings_of
from workbench.report.export.pdf import to_pdf

Output = Literal["pdf", "parquet", "csv", "xlsx"]

OUTPUTS: tuple[Output, ...] = get_args(Output)


def checked_outputs(names: Iterable[str]) -> tuple[Output, ...]:
    """Return outputs that there are, each once.

    Raises
    ------
    ParameterError
        An unknown output.
    """
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in OUTPUTS:
            raise ParameterError(f"There is no output {name!r}.", hint=f"Use {', '.join(OUTPUTS)}; HTML always is.")
    return cast("tuple[Output, ...]", wanted)


def write_outputs(notebook: Any, page: Path, data: Path, wanted: Iterable[Output]) -> dict[str, Path]:
    """Write the files of a run beside its HTML.

    Parameters
    ----------
    notebook : NotebookNode
        Executed.
    page : Path
        The HTML, which is there already.
    data : Path
        Folder with the frames of its studies.
    wanted : iterable of str
        Of :data:`OUTPUTS`.

    Returns
    -------
    dict of str to Path
        By output; ``html`` first.

    Raises
    ------
    ReportError
        An output is not available, or could not be made.
    """
    files = {"html": page}
    findings = findings_of(notebook)
    if findings is not None:
        files["json"], files["md"] = page.with_suffix(".json"), page.with_suffix(".md")
        write_atomically(files["json"], json.dumps(findings, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        write_atomically(files["md"], _markdown(notebook))
    for form in wanted:
        target = page.with_suffix(".pdf")
        files[form] = to_pdf(page, target) if form == "pdf" else write_data(data, page.with_suffix(""), form)
    return files


def _markdown(notebook: Any) -> str:
    texts = [
        str(output["data"].get("text/plain", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if FINDINGS_TYPE in output.get("data", {})
    ]
    return "\n".join(texts)


def copied(files: Mapping[str, Path], out: Path | None) -> None:
    """Copy the files of a run to a folder, or beside a file that takes the HTML."""
    if out is None:
        return
    for path in files.values():
        target = (
            out / path.name if out.is_dir() else out.with_suffix(path.suffix) if path.suffix else out.parent / path.name
        )
        if path == files["html"] and not out.is_dir():
            target = out
        if path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True)
        else:
            write_atomically(target, path.read_bytes())


def hash_of(path: Path) -> str:
    """Fingerprint of a file, or of all files of a folder by name."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.name.encode() if path.is_dir() else b"")
            digest.update(file.read_bytes())
    return digest.hexdigest()
