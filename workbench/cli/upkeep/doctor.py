"""``workbench doctor``: is everything the workbench keeps whole, private and on time?"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table


@click.command()
@click.option("--all", "whole", is_flag=True, help="Read every file of the archive, not a sample of each table.")
@format_option
@click.pass_obj
def doctor(state: Any, whole: bool, format_: str) -> None:
    """Look at store, archive, reports, schedule, delivery, permissions, disk, clock and versions.

    The exit code is 11 where something is broken.

    \b
    Examples:
      workbench doctor
      workbench doctor --all --format json
    """
    from datetime import UTC, datetime

    from workbench.studies.upkeep.doctor import diagnose

    findings = list(diagnose(state.settings, now=datetime.now(UTC), whole=whole))
    rows = [{name.replace("_", " "): value for name, value in asdict(finding).items()} for finding in findings]
    if format_ == "json":
        print_json([asdict(finding) for finding in findings])
    else:
        {"csv": print_csv, "table": print_table}[format_](rows)
    if any(finding.status == "broken" for finding in findings):
        sys.exit(11)
