"""``workbench archive sync``: copy history from the servers of the settings into the archive."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say

#: Exit code when a source did not answer to the end.
UNAVAILABLE = 3


@click.command()
@click.option("--back", default="90d", show_default=True, metavar="DURATION", help="How far back history is copied.")
@click.option("--again", metavar="DURATION", help="Copy this much of the newest time once more, e.g. 2d.")
@click.option("--to", metavar="PLACE", help="Folder or URL of the archive to fill in place of that of the settings.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be copied, and copy nothing.")
@click.option(
    "--verify", is_flag=True, help="Count whole days here and at the server, and copy those that lack samples."
)
@click.option("--no-counts", is_flag=True, help="Leave the counts and episodes of the overview to `collect`.")
@format_option
@click.pass_obj
def sync(
    state: Any,
    back: str,
    again: str | None,
    to: str | None,
    only_plan: bool,
    verify: bool,
    no_counts: bool,
    format_: str,
) -> None:
    """Copy samples, logs, spans and alerts that the archive lacks; ended in any way, the next run goes on.

    Exits with 3 when a source did not answer to the end.

    \b
    Examples:
      workbench archive sync
      workbench archive sync --back 30d --plan
      workbench archive sync --again 2d --format json
      workbench archive sync --back 30d --verify
    """
    from workbench.archive import Archive
    from workbench.archive.records.pseudonyms import pseudonyms_of
    from workbench.cli.collect import until_signal
    from workbench.core.timerange import duration_ms, from_ms, to_ms
    from workbench.studies.upkeep.plan import sync_plan
    from workbench.studies.upkeep.sync import sync as copied

    context = state.context()
    archive = Archive.open(to or state.settings.history, create=True)
    now_ms = to_ms(context.clock())
    reach, as_of = timedelta(milliseconds=duration_ms(back)), from_ms(now_ms - now_ms % 1000)
    repeated = timedelta(milliseconds=duration_ms(again)) if again else timedelta(0)
    plan = sync_plan(context, archive, back=reach, as_of=as_of, again=repeated)
    if verify:
        plan += _lacking(context, archive, plan, reach, as_of)
    if not plan:
        say("No server, log or trace source of the settings has history to copy: see workbench sources check.")
    for text in _plan_lines(plan, str(archive.place)):
        say(text)
    if only_plan or not plan:
        return
    private = pseudonyms_of(state.settings.privacy, state.settings.home)
    done = []
    with until_signal() as stopped, click.progressbar(length=len(plan), label="Copying", file=sys.stderr) as bar:
        for outcome in copied(context, archive, plan, stop=stopped.is_set, private=private):
            done.append(outcome)
            bar.update(1)
    if not no_counts and context.store is not None and any(outcome.added for outcome in done):
        _count(context, [outcome.stretch.span for outcome in done if outcome.added])
    rows = _summary(done)
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
    for text in dict.fromkeys(note for outcome in done for note in outcome.notes):
        say(f"Note: {text}")
    failed = [outcome for outcome in done if outcome.error]
    for text in dict.fromkeys(outcome.error for outcome in failed):
        say(f"Not copied: {text}")
    if len(done) < len(plan):
        say(f"Ended after {len(done)} of {len(plan)} parts; run it again to go on.")
    sys.exit(max((outcome.exit_code for outcome in failed), default=0))


def _lacking(context: Any, archive: Any, plan: Sequence[Any], back: timedelta, as_of: datetime) -> list[Any]:
    """Find days that lack samples; those that are copied as a whole anyway are left out."""
    from workbench.core.errors import SourceError
    from workbench.studies.upkeep.holes import holes

    try:
        with click.progressbar(length=100, label="Counting", file=sys.stderr) as bar:
            missing = holes(context, archive, back=back, as_of=as_of, report=lambda share: _moved(bar, share))
    except SourceError as error:  # what can be copied is copied all the same
        say(f"Not verified: {' '.join(str(error).split())}")
        return []
    whole = [stretch for stretch in plan if stretch.span.seconds >= 86_400]
    planned = {
        (stretch.source, stretch.system, name, stretch.span.start.date())
        for stretch in whole
        for name in stretch.subjects
    }
    return [
        stretch
        for stretch in missing
        if any(
            (stretch.source, stretch.system, name, stretch.span.start.date()) not in planned
            for name in stretch.subjects
        )
    ]


def _moved(bar: Any, share: float) -> None:
    """Let a share of the work move a bar of a hundred steps."""
    bar.update(round(share * 100) - bar.pos)


def _plan_lines(plan: Sequence[Any], where: str) -> list[str]:
    """One line per source and system: what will be copied, for which time."""
    lines = []
    for source, system, kind in dict.fromkeys((stretch.source, stretch.system, stretch.kind) for stretch in plan):
        own = [stretch for stretch in plan if (stretch.source, stretch.system, stretch.kind) == (source, system, kind)]
        seconds = sum(stretch.span.seconds for stretch in own)
        first, last = min(stretch.span.start for stretch in own), max(stretch.span.end for stretch in own)
        gaps = sum(stretch.gap for stretch in own)
        lines.append(
            f"{source}, {system}: {kind} of {seconds / 86_400:.2f} days between {first:%Y-%m-%d %H:%M} and "
            f"{last:%Y-%m-%d %H:%M} UTC into {where}" + (f"; {gaps} parts fill gaps" if gaps else "")
        )
    return lines


def _summary(done: Sequence[Any]) -> list[dict[str, Any]]:
    rows = []
    for source, system, kind in dict.fromkeys((o.stretch.source, o.stretch.system, o.stretch.kind) for o in done):
        own = [o for o in done if (o.stretch.source, o.stretch.system, o.stretch.kind) == (source, system, kind)]
        rows.append(
            {
                "source": source,
                "system": system,
                "kind": kind,
                "days": round(sum(o.stretch.span.seconds for o in own if not o.error) / 86_400, 3),
                "read": sum(o.read for o in own),
                "added": sum(o.added for o in own),
                "gaps filled": sum(o.stretch.gap and not o.error for o in own),
                "failed": sum(bool(o.error) for o in own),
                "way": next((o.way for o in own if o.way), ""),
            }
        )
    return rows


def _count(context: Any, spans: Sequence[Any]) -> None:
    """Count the copied days for the overview, as `collect --backfill` does."""
    from workbench.studies.upkeep.backfill import backfill, backfill_days

    newest = max(span.end for span in spans)
    days = [
        day
        for day in backfill_days(newest - min(span.start for span in spans), as_of=newest)
        if any(span.start < day.end and span.end > day.start for span in spans)
    ]
    label = f"Counting {len(days)} days"
    with click.progressbar(length=len(days) * len(context.systems), label=label, file=sys.stderr) as bar:
        errors = dict.fromkeys(_progress_lines(backfill(context, days), bar))
    for error in filter(None, errors):
        say(f"Not counted: {error}")


def _progress_lines(counted: Iterator[Any], bar: Any) -> Iterator[str]:
    for filled in counted:
        bar.update(1)
        yield filled.error
