"""What the commands of questions share: system, period and format in; tables, notes and an exit code out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.shared.output import exit_by_status, format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options

if TYPE_CHECKING:
    from workbench.core.result import Study

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Request:
    """One question as it stands on the command line."""

    state: Any
    system: str
    period: PeriodOptions
    format: str

    def answer(self, study: Callable[..., Study], **more: Any) -> Study:
        """Run a study for the system and period, the last 30 days by default, up to now at most."""
        context = self.state.context()
        span, as_of = self.period.read(context.clock(), context, default="30d")
        return study(context, system=self.system, range=span, as_of=as_of, **more)

    def show(
        self,
        study: Study,
        *tables: Rows,
        csv: Rows,
        right: Callable[[str], bool],
        finding: object = "",
        check: bool = False,
    ) -> None:
        """Print a study in the chosen format and end the process with its exit code.

        Parameters
        ----------
        study : Study
            An answered question with its results.
        *tables : sequences of rows
            What ``--format table`` prints; empty ones are left out unless all are.
        csv : sequence of rows
            What ``--format csv`` prints.
        right : callable
            Says which columns are right-aligned.
        finding : object
            One sentence under the tables, as its own text.
        check : bool
            Exit 1 when the study says that something is at risk.
        """
        if self.format == "json":
            print_json(study.to_dict())
        elif self.format == "csv":
            print_csv(csv)
        else:
            for number, rows in enumerate([rows for rows in tables if rows] or [[]]):
                if number:
                    click.echo()
                print_table(rows, right=[name for name in (rows[0] if rows else {}) if right(name)])
            say(f"{self.system}, {study.range}" + (f": {finding}" if str(finding) else ""))
        for note in (*study.warnings, *(note for result in study.results.values() for note in result.notes)):
            say(f"Note: {note}")
        exit_by_status(study.status, check=check)


def question(command: Callable[..., None]) -> Callable[..., Any]:
    """Give a command SYSTEM, the options of a period and ``--format``; it receives an :class:`Request` first."""

    def request(state: Any, /, system: str, period: PeriodOptions, format_: str, **options: Any) -> None:
        command(Request(state, system, period, format_), **options)

    functools.update_wrapper(request, command)
    return click.argument("system")(period_options(format_option(click.pass_obj(request))))
