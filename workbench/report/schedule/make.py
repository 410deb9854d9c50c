"""One scheduled report, made in a process of its own: JSON in, JSON out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.core.errors import ParameterError, ReportIncomplete, WorkbenchError
from workbench.core.periods import parse_period
from workbench.core.settings import Settings
from workbench.core.units import instant_text
from workbench.report.delivery.files import ASKED, report_files
from workbench.report.run.run import run_report
from workbench.report.run.templates import ALL
from workbench.store import open_store
from workbench.studies import open_context, source_states


def make_report(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Make the report of a job.

    Parameters
    ----------
    arguments : mapping
        ``settings`` (a dump), ``job`` (its id), ``template``, ``system``, ``period``, ``outputs``, ``now``, ``due``,
        ``deadline`` (instants in ISO 8601), ``send`` (whether the files are wanted in the outbox).

    Returns
    -------
    dict
        ``status``: ``done``, ``late`` (the data do not reach the end of the period yet), ``incomplete``, ``failed`` or
        ``wrong`` (no attempt can succeed); with ``error``, or ``run_id`` and ``content``.
    """
    settings = Settings.model_validate(arguments["settings"])
    store = open_store(settings)
    try:
        if late := _late(arguments, settings):
            return {"status": "late", "error": late}
        run_id = _made(arguments, settings)
        content = report_files(store.run(run_id), settings, arguments["outputs"])
        if arguments["send"]:
            store.keep_files(content.files, now=datetime.fromisoformat(arguments["now"]))
        return {"status": "done", "run_id": run_id, "content": content.message, "error": ""}
    except ReportIncomplete as error:
        return {"status": "incomplete", "error": str(error)}
    except ParameterError as error:
        return {"status": "wrong", "error": str(error)}
    except WorkbenchError as error:
        return {"status": "failed", "error": str(error)}
    finally:
        store.close()


def _late(arguments: Mapping[str, Any], settings: Settings) -> str:
    """Say how far the data reach where that is less than the report needs, as long as it may wait."""
    now = datetime.fromisoformat(arguments["now"])
    if now >= datetime.fromisoformat(arguments["deadline"]):
        return ""
    context = open_context(settings)
    span = parse_period(arguments["period"], zone=settings.zone, week_start=settings.week_start, as_of=now)
    needed = min(span.end, datetime.fromisoformat(arguments["due"]))
    only = None if arguments["system"] == ALL else arguments["system"]
    newest = source_states(context, system=only, as_of=now).freshness
    if newest is not None and newest >= needed:
        return ""
    reach = f"The data reach {instant_text(newest)}" if newest else "The source does not say how far its data reach"
    return f"{reach}; {instant_text(needed)} is needed."


def _made(arguments: Mapping[str, Any], settings: Settings) -> str:
    run = run_report(
        arguments["template"],
        system=arguments["system"],
        period=arguments["period"],
        settings=settings,
        outputs=[output for output in ASKED if output in arguments["outputs"]],
        now=datetime.fromisoformat(arguments["now"]),
        processes=1,  # the other processors make other reports
        job=arguments["job"],
    )
    return run.run_id
