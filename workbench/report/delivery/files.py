"""What of a finished report is sent: its files, and the text and first page that stand in a message."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.core.errors import ReportError
from workbench.core.settings import Settings
from workbench.report.export.pdf import to_pdf
from workbench.store import ReportRun
from workbench.store.kept import kept_at

#: Output of a report -> (ending of its file, media type).
OUTPUTS = {
    "html": (".html", "text/html"),
    "notebook": (".ipynb", "application/x-ipynb+json"),
    "pdf": (".pdf", "application/pdf"),
}

#: The part of a report that stands in the body of an e-mail, up to here; larger ones are only attached. [characters]
_LONGEST_BODY = 400_000
_FIRST_PAGE = re.compile(r'<section[^>]*\bid="first-page"[^>]*>.*?</section>', re.S)
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
    listed = []
    for output in outputs:
        ending, media = OUTPUTS[output]
        path = page.with_suffix(ending)
        if output == "pdf" and not path.exists():
            to_pdf(page, path)
        content = text.encode() if output == "html" else _read(path)
        name = f"{run.report}-{run.system}-{run.period}{ending}"
        listed.append({"name": name, "type": media, "sha256": _kept(files, content)})
    first = _FIRST_PAGE.search(text)
    body = first[0] if first and len(first[0]) <= _LONGEST_BODY else ""
    message = {
        "report": run.report,
        "system": run.system,
        "period": run.period,
        "run": run.id,
        "text": _plain(body) if body else "",
        "html": _kept(files, _mail_page(body).encode()) if body else "",
        "files": listed,
    }
    return ReportContent(message, files)


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
        '<!doctype html><html lang="en"><head><meta charset="utf-8"></head>'
        f'<body style="font-family:sans-serif;max-width:48rem">{body}</body></html>'
    )


def _plain(body: str) -> str:
    text = html.unescape(_TAG.sub(" ", re.sub(r"</(p|h\d|li|tr|div)>", "\n", body)))
    return _SPACE.sub("\n", re.sub(r"[ \t]+", " ", text)).strip()[:_LONGEST_TEXT]
