"""``workbench collect``: gather what has no history of its own, once or on a schedule."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Exit code when a source or a part of the collection is late, that of a source that does not answer.
STALE = 3

_SHORTEST_S = 10


@click.command()
@click.option("--every", metavar="DURATION", help="Collect on a schedule, e.g. 5m, until a signal ends it.")
@click.option(
    "--backfill", "back", metavar="DURATION", help="First fill the store from the source's history, e.g. 30d."
)
@click.option("--check", is_flag=True, help="Collect nothing; say when each part was collected, and which are late.")
@format_option
@click.pass_obj
def collect(state: Any, every: str | None, back: str | None, check: bool, format_: str) -> None:
    """Ask health endpoints, targets, rules, alerts, silences; count ahead for the overview; write it to the store.

    Exits with 3 when a part is late. One collector runs at a time for a store; ended by a signal, it stops after the
    part it is at.

    \b
    Examples:
      workbench collect
      workbench collect --backfill 30d
      workbench collect --every 5m
      workbench collect --check --format json
    """
    from workbench.core.errors import ParameterError, WorkbenchError
    from workbench.core.timerange import duration_ms
    from workbench.studies.upkeep.lease import held

    context = state.context()
    between = timedelta(milliseconds=duration_ms(every)) if every else timedelta(0)
    if every and between.total_seconds() < _SHORTEST_S:
        raise ParameterError(f"Every {every} is too often.", hint=f"Use {_SHORTEST_S}s or more, e.g. 5m.")
    if not check:
        back = back or _offered(context, scheduled=bool(every), wanted=format_ == "table")
        with until_signal() as stopped, held(context.store, "collect", clock=context.clock) as lost:

            def stop() -> bool:
                return stopped.is_set() or lost.is_set()

            if back:
                _fill(context, timedelta(milliseconds=duration_ms(back)), stop)
            while not stop():
                began = context.clock()
                _turn(context, between, stop)
                rest_s = (between - (context.clock() - began)).total_seconds()
                if not every or stop():
                    break
                _wait(stopped, lost, rest_s)
            if lost.is_set():
                raise WorkbenchError(
                    "The lease of the collector was lost.", hint="Another collector may run; see --check."
                )
    sys.exit(_print_state(context, format_))


@contextmanager
def until_signal() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set; the handlers of before return at the end."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(stopped: threading.Event, lost: threading.Event, seconds: float) -> None:
    """Wait for the next turn, a second at a time, so that a lost lease ends it too."""
    import time

    until = time.monotonic() + seconds
    while not lost.is_set() and (rest := until - time.monotonic()) > 0:
        if stopped.wait(min(rest, 1.0)):
            return


def _turn(context: Any, every: timedelta, stop: Any) -> None:
    from workbench.core.timerange import from_ms, to_ms
    from workbench.studies.upkeep.collect import collect as collected

    now_ms = to_ms(context.clock())
    for part, error in collected(context, as_of=from_ms(now_ms - now_ms % 1000), every=every, stop=stop):
        say(f"{part.subject}, {part.kind}: {error or 'collected'}")


def _offered(context: Any, *, scheduled: bool, wanted: bool) -> str | None:
    """Offer a backfill at the very first run: asked on a terminal, told elsewhere."""
    if context.store is None or context.store.collections():
        return None
    if wanted and not scheduled and sys.stdin.isatty() and sys.stderr.isatty():
        if click.confirm("Nothing was collected so far. Fill the store with the last 30 days first?", err=True):
            return "30d"
        return None
    say("Nothing was collected so far. History of the source: workbench collect --backfill 30d.")
    return None


def _fill(context: Any, length: timedelta, stop: Any) -> None:
    import math

    from workbench.core.units import ratio_text
    from workbench.studies.upkeep.backfill import backfill, backfill_days

    days = backfill_days(length, as_of=context.clock())
    seen: dict[str, list[tuple[float, float]]] = {}
    errors: dict[str, str] = {}
    steps = len(days) * len(context.systems)
    with click.progressbar(length=steps, label=f"Backfill of {len(days)} days", file=sys.stderr) as bar:
        for filled in backfill(context, days):
            bar.update(1)
            if filled.error:
                errors[filled.system] = filled.error
            elif math.isfinite(filled.coverage):
                seen.setdefault(filled.system, []).append((filled.coverage, filled.day.seconds))
            if stop():
                break
    whole_s = sum(day.seconds for day in days)
    for system in context.systems:
        observed_s = sum(share * seconds for share, seconds in seen.get(system, []))
        share = ratio_text(observed_s / whole_s, digits=1) if system in seen else "nothing"
        say(f"{system}: {share} observed of {len(days)} days" + (f"; {errors[system]}" if system in errors else ""))


def _print_state(context: Any, format_: str) -> int:
    from workbench.charts.overview.tables import collection_rows
    from workbench.studies import source_states
    from workbench.studies.upkeep.collect import collection_states

    now = context.clock()
    study = collection_states(context, as_of=now)
    table = study.results["collection"]
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(table.to_frame().to_dict(orient="records"))
    else:
        print_table(collection_rows(table))
    sources = source_states(context, as_of=now).results["sources"].frame
    old = sources[(sources["status"] != "ok") | sources["stale"]]
    for warning in study.warnings:
        say(f"Warning: {warning}")
    for row in old.itertuples():
        say(f"Warning: the source {row.name} is {row.status if row.status != 'ok' else 'stale'}. {row.detail}".rstrip())
    return STALE if study.status == "unavailable" or len(old) else 0
