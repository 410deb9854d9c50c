"""``workbench backup`` and ``workbench restore``: the whole home, to another disk or an object store, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import say


@click.command()
@click.argument("to")
@click.pass_obj
def backup(state: Any, to: str) -> None:
    """Copy store, archive and reports to a folder or an object store, while others work, and verify the copy.

    A second backup to the same place copies only what is new. The demo is not part of it.

    \b
    Examples:
      workbench backup /mnt/backup/workbench
      workbench backup s3://bucket/workbench
    """
    from datetime import UTC, datetime

    from workbench.studies.upkeep.backup import back_up

    made = back_up(state.settings, to, now=datetime.now(UTC))
    click.echo(made.place)
    say(
        f"{sum(made.rows.values()):,} rows of the store, {made.samples:,} rows of the archive, {made.files:,} files; "
        f"{made.fresh:,} copied now ({made.size / 1e6:,.1f} MB). All files were read again and are right."
    )


@click.command()
@click.argument("from_", metavar="FROM")
@click.option("--replace", is_flag=True, help="Move what the home holds aside first; nothing is deleted.")
@click.pass_obj
def restore(state: Any, from_: str, replace: bool) -> None:
    """Restore a backup into the home of the settings, then make every issued report again and compare it.

    \b
    Examples:
      workbench restore /mnt/backup/workbench
      workbench --home /srv/new restore s3://bucket/workbench
      workbench restore /mnt/backup/workbench --replace
    """
    from datetime import UTC, datetime

    from workbench.core.units import instant_text
    from workbench.report.issue.issue import placed
    from workbench.report.issue.reproduce import reproduce
    from workbench.store import open_store
    from workbench.studies.upkeep.backup import restore as put_back

    manifest = put_back(state.settings, from_, now=datetime.now(UTC), replace=replace)
    click.echo(Path(state.settings.home))
    issues = [placed(issue, state.settings) for issue in open_store(state.settings).issues()]
    wrong = [issue for issue in issues if not reproduce(state.settings, issue).whole]
    made = instant_text(datetime.fromisoformat(manifest["made_at"]))
    say(f"Restored the backup of {made}: {sum(manifest['rows'].values()):,} rows of the store.")
    same = f"{len(issues) - len(wrong)} of {len(issues)} issued reports are the same to the last byte."
    say(same if issues else "The backup holds no issued report.")
    for issue in wrong:
        say(f"Different: {issue.report} {issue.system} {issue.period} ({issue.zone}) issue {issue.number}.")
    if wrong:
        sys.exit(1)
