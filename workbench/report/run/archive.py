"""The archive of runs: search, comparison with the period before, files that are still what was made, retention."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.core.errors import ParameterError, ReportError
from workbench.core.periods import parse_period, periods_up_to, span_name
from workbench.core.settings import Settings
from workbench.core.units import instant_text
from workbench.report.export.outputs import hash_of
from workbench.store import ReportRun, Store, open_store
from workbench.store.kept import DRAFTS, kept_at

#: A run that has not ended after this long was broken off: its process was killed, or its machine. [s]
LONGEST_RUN_S = 3600

#: Runs that a search looks at. [count]
_MOST = 10_000


def past_runs(
    settings: Settings,
    *,
    now: datetime | None = None,
    report: str | None = None,
    system: str | None = None,
    status: str | None = None,
    search: str = "",
    store: Store | None = None,
) -> list[dict[str, object]]:
    """Earlier runs, newest first, as plain rows; one that never ended is called ``broken off`` after an hour.

    Parameters
    ----------
    settings : Settings
        The settings of this workbench.
    now : datetime, optional
        The present instant; by default that of the clock.
    report, system, status : str, optional
        Only such runs.
    search : str
        Text in the id, report, system, period, status, author or error of a run.
    store : Store, optional
        That of a reader who may not see all; the store of the settings by default.
    """
    instant = now or datetime.now(UTC)
    rows = []
    for run in (store or open_store(settings)).runs(report=report, system=system, limit=_MOST):
        row = _row(run, settings, instant)
        texts = " ".join((*map(str, row.values()), run.identity)).lower()
        if (status is None or row["status"] == status) and search.lower() in texts:
            rows.append(row)
    return rows


def _row(run: ReportRun, settings: Settings, now: datetime) -> dict[str, object]:
    broken = run.status == "running" and run.started_at < now - timedelta(seconds=LONGEST_RUN_S)
    return {
        "run": run.id[:12],
        "report": run.report,
        "system": run.system,
        "period": run.period,
        "status": "broken off" if broken else run.status,
        "started": instant_text(run.started_at),
        "path": str(kept_at(run.path, settings.home)) if run.path else "",
        "error": run.error or "",
    }


def find_run(settings: Settings, run_id: str, *, store: Store | None = None) -> ReportRun:
    """Return the one run whose id begins so, of the store of the settings or of one that is given.

    Raises
    ------
    ParameterError
        No run, or more than one, has such an id.
    """
    runs = [run for run in (store or open_store(settings)).runs(limit=_MOST) if run_id and run.id.startswith(run_id)]
    if len(runs) != 1:
        count = "No run has" if not runs else f"{len(runs)} runs have"
        raise ParameterError(f"{count} an id that begins with {run_id!r}.", hint="workbench report list shows all.")
    return runs[0]


def files_of(settings: Settings, run: ReportRun) -> dict[str, tuple[Path, str]]:
    """Return the files of a run by output, each with its state: ``as made``, ``changed`` or ``gone``."""
    kept = run.provenance.get("files", {"html": run.path} if run.path else {})
    hashes = run.provenance.get("sha256", {"html": run.sha256})
    files = {}
    for form, name in kept.items():
        path = kept_at(name, settings.home)
        state = "gone" if not path.exists() else "as made" if hash_of(path) == hashes.get(form) else "changed"
        files[form] = path, state
    return files


def compared(settings: Settings, *, report: str, system: str, period: str) -> list[dict[str, str]]:
    """Put the answers of the newest good run of a period beside those of the period before.

    Raises
    ------
    ReportError
        One of the two periods has no good run with findings.
    """
    span = parse_period(period, zone=settings.zone, week_start=settings.week_start, as_of=datetime.now(UTC))
    names = [span_name(period, settings.zone) for period in periods_up_to(span, zone=settings.zone, count=2)]
    before, now = (_findings(settings, report, system, name) for name in names)
    rows = []
    for question in dict.fromkeys([*before, *now]):
        cells = {names[0]: before.get(question, "–"), names[1]: now.get(question, "–")}
        rows.append({"question": question, **cells})
    return rows


def _findings(settings: Settings, report: str, system: str, period: str) -> dict[str, str]:
    for run in open_store(settings).runs(report=report, system=system, limit=_MOST):
        place = run.provenance.get("files", {}).get("json") if run.period == period and run.status == "done" else None
        if place and kept_at(place, settings.home).is_file():
            kept: Any = json.loads(kept_at(place, settings.home).read_text(encoding="utf-8"))
            parts = kept.get("systems", [kept])
            rows = [(part["findings"], row) for part in parts for row in part["findings"]["rows"]]
            several = len(parts) > 1
            return {
                f"{findings['parameters']['title']}: {row['question']}" if several else row["question"]: row["text"]
                for findings, row in rows
                if row["part"] == "answer"
            }
    raise ReportError(
        f"No report {report} of {system} for {period} is here to compare with.",
        hint=f"Make it: workbench report run {report} --system {system} --period {period}",
    )


def prune(settings: Settings, *, older_than: timedelta, now: datetime | None = None) -> list[Path]:
    """Delete the files of drafts made longer ago than this; issued reports and the rows of the runs stay.

    The newest good run of each report, system and period is kept however old it is.

    Returns
    -------
    list of Path
        What was deleted.
    """
    instant, newest = now or datetime.now(UTC), set[tuple[str, str, str]]()
    gone: list[Path] = []
    for run in open_store(settings).runs(limit=_MOST):
        key = run.report, run.system, run.period
        if run.status == "done" and key not in newest:
            newest.add(key)
            continue
        if run.started_at < instant - older_than:
            gone += _deleted(settings.home / DRAFTS, run.id[:12], run.system)
    return gone


def _deleted(shelf: Path, run_id: str, system: str) -> Sequence[Path]:
    paths = [path for path in (shelf / system).rglob(f"*-{run_id}*") if path.exists()]
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return paths
