"""What of a finished report is sent: its files, and the text and first page that stand in a message."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.core.errors import ReportError
from workbench.core.settings import Settings
from workbench.report.export.outputs import Output
from workbench.report.export.pdf import to_pdf
from workbench.store import ReportRun
from workbench.store.kept import kept_at

#: Output of a report -> (ending of its file, media type).
_FILES = {
    "html": (".html", "text/html"),
    "md": (".md", "text/markdown"),
    "json": (".json", "application/json"),
    "notebook": (".ipynb", "application/x-ipynb+json"),
    "pdf": (".pdf", "application/pdf"),
    "xlsx": (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}

#: Output of a report of which there is one file for each frame -> media type.
_FRAMES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}

OUTPUTS = (*_FILES, *_FRAMES)

#: Outputs that a run makes when they are asked for; the others are always there.
ASKED: tuple[Output, ...] = ("pdf", "parquet", "csv", "xlsx")

#: The part of a report that stands in the body of an e-mail, up to here; larger ones are only attached. [characters]
_LONGEST_BODY = 400_000
_FIRST_PAGE = re.compile(r"<section[^>]*\bclass=['\"][^'\">]*\bfirst-page\b[^>]*>.*?</section>", re.S)
_PICTURE = re.compile(r"<svg\b.*?</svg>", re.S)
_TAG, _SPACE = re.compile(r"<(script|style|svg)\b.*?</\1>|<[^>]+>", re.S), re.compile(r"[ \t]*\n\s*")
_LONGEST_TEXT = 4_000


@dataclass(frozen=True)
class ReportContent:
    """``message``: plain JSON values with the SHA-256 of each file; ``files``: the files by their SHA-256."""

    message: dict[str, Any]
    files: dict[str, bytes] = field(repr=False)


def report_files(run: ReportRun, settings: Settings, outputs: Sequence[str]) -> ReportContent:
    """Read the files of a finished run.

    Parameters
    ----------
    run : ReportRun
        Of status ``done``.
    settings : Settings
        The settings of this workbench.
    outputs : sequence of str
        Which of :data:`OUTPUTS` are sent.

    Raises
    ------
    ReportError
        A file is missing or is not the one that was made.
    """
    page = kept_at(run.path or "", settings.home)
    text = _read(page).decode("utf-8")
    if hashlib.sha256(text.encode()).hexdigest() != run.sha256:
        raise ReportError(f"{page} is not the report that was made.", hint="Run the report again.")
    files: dict[str, bytes] = {}
    listed = [
        {"name": name, "type": media, "sha256": _kept(files, content)}
        for output in outputs
        for name, media, content in _contents(run, page, output)
    ]
    first = _FIRST_PAGE.search(text)
    body = _PICTURE.sub("", first[0]) if first and len(first[0]) <= _LONGEST_BODY else ""
    message = {
        "report": run.report,
        "system": run.system,
        "period": run.period,
        "run": run.id,
        "text": _words(page) or _plain(body),
        "html": _kept(files, _mail_page(body).encode()) if body else "",
        "files": listed,
    }
    return ReportContent(message, files)


def _contents(run: ReportRun, page: Path, output: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, media type and content of each file of an output."""
    name = f"{run.report}-{run.system}-{run.period}"
    if output in _FRAMES:
        folder = page.with_name(f"{page.stem}-data")
        for path in sorted(folder.glob(f"*.{output}")):
            yield f"{name}-{path.name}", _FRAMES[output], _read(path)
        return
    ending, media = _FILES[output]
    path = page.with_suffix(ending)
    if output == "pdf" and not path.exists():
        to_pdf(page, path)
    yield f"{name}{ending}", media, _read(path)


def _words(page: Path) -> str:
    """Return the findings in words, as the run wrote them."""
    path = page.with_suffix(".md")
    return _read(path).decode("utf-8").strip()[:_LONGEST_TEXT] if path.exists() else ""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.", hint="Run the report again.") from None


def _kept(files: dict[str, bytes], content: bytes) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    files[sha256] = content
    return sha256


def _mail_page(body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><style>th,td{text-align:left;padding:4px 8px}'
        "</style></head>"
        f'<body style="font-family:sans-serif;max-width:48rem">{body}</body></html>'
    )


def _plain(body: str) -> str:
    text = html.unescape(_TAG.sub(" ", re.sub(r"</(p|h\d|li|tr|div)>", "\n", body)))
    return _SPACE.sub("\n", re.sub(r"[ \t]+", " ", text)).strip()[:_LONGEST_TEXT]
