"""The ``workbench`` command: parsing and printing only, every command imported when it is called."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import click

from workbench import __version__
from workbench.cli.shared.lazy import LazyGroup
from workbench.core.errors import WorkbenchError, disk_failure
from workbench.core.foreign_text import cut, visible
from workbench.core.private import keep_private

#: name -> (module:attribute, one-line help), in the order of ``--help``.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("workbench.cli.demo:demo", "Build the demo archive and look at it."),
    "dashboard": ("workbench.cli.dashboard:dashboard", "Open the dashboard on this machine."),
    "serve": ("workbench.cli.serve:serve", "Run dashboard, collector and scheduler as a service."),
    "slo": ("workbench.cli.slo.group:slo", "Compliance, error budgets and burn rates."),
    "performance": ("workbench.cli.performance:performance", "Rate, errors, duration, resources and thresholds."),
    "cost": ("workbench.cli.cost:cost", "Spend and tokens, unit costs and budgets."),
    "quality": ("workbench.cli.quality:quality", "Drift of quality and bias scores."),
    "capacity": ("workbench.cli.capacity:capacity", "When disks, memory, connections and budgets run out."),
    "alerts": ("workbench.cli.alerts:alerts", "Episodes of alerts, their load and what is wrong with them."),
    "report": ("workbench.cli.report.group:report", "Run monthly reports and find earlier ones."),
    "schedule": ("workbench.cli.schedule.group:schedule", "Make reports when they are due, and send them."),
    "notify": ("workbench.cli.notify:notify", "Post new and resolved findings, each once."),
    "delivery": ("workbench.cli.delivery:delivery", "Messages sent and waiting; what would be sent, and to whom."),
    "query": ("workbench.cli.query:query", "Evaluate PromQL against a source or the archive."),
    "investigate": ("workbench.cli.investigate:investigate", "Say what differs in a window, and where it began."),
    "logs": ("workbench.cli.logs:logs", "Find log lines of a system."),
    "traces": ("workbench.cli.traces.group:traces", "Traces: spans, critical paths, service graph, comparison."),
    "review": (
        "workbench.cli.operations.review:review",
        "Checklists: morning, end of day, week, month, quarter, year.",
    ),
    "operations": ("workbench.cli.operations.status:operations", "Monitor the monitors: targets, rules, cardinality."),
    "dora": ("workbench.cli.operations.delivery:dora", "DORA: frequency, lead time, fail rate, recovery."),
    "sources": ("workbench.cli.sources:sources", "Check the sources of the settings."),
    "collect": ("workbench.cli.collect:collect", "Poll health, targets, rules and alerts; precompute SLO counts."),
    "catalog": ("workbench.cli.catalog:catalog", "Check profiles and SLO documents."),
    "archive": ("workbench.cli.archive.group:archive", "Copy history into the archive and look into it."),
    "doctor": (
        "workbench.cli.upkeep.doctor:doctor",
        "Check store, archive, reports, rights, disk, clock, versions.",
    ),
    "backup": ("workbench.cli.upkeep.backup:backup", "Copy store, archive and reports to another place."),
    "restore": ("workbench.cli.upkeep.backup:restore", "Restore a backup and check every issued report."),
    "audit": ("workbench.cli.upkeep.audit:audit", "Who decided what, with the rows before and after."),
    "notebook": ("workbench.cli.notebook:notebook", "Open the shipped notebooks in JupyterLab."),
    "init": ("workbench.cli.init:init", "Draft a profile and settings from a running Prometheus."),
}


class State:
    """What the options before the command say; settings are read when a command first asks."""

    def __init__(self, config: Path | None, home: Path | None, zone: str | None) -> None:
        self._given = (config, home, zone)
        self._settings: Any = None

    @property
    def settings(self) -> Any:
        """The settings in force."""
        from workbench.core.settings import load_settings

        if self._settings is None:
            config, home, zone = self._given
            self._settings = load_settings(config, home=home and str(home), zone=zone)
        return self._settings

    def context(self) -> Any:
        """Context for studies, opened from the settings."""
        from workbench.studies import open_context

        opened = open_context(self.settings)
        if faults := opened.catalog.faults:
            count = "1 mistake in the catalog is" if len(faults) == 1 else f"{len(faults)} mistakes in the catalog are"
            lines = "\n".join(map(str, faults))
            click.echo(f"Warning: {count} left out; workbench catalog check lists them.\n{lines}", err=True)
        for sentence in self.settings.access.unknown_systems([*opened.catalog.profiles, *opened.catalog.broken]):
            click.echo(f"Warning: {sentence}", err=True)
        return opened


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="workbench")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file in place of ./workbench.toml.")
@click.option("--home", type=click.Path(path_type=Path), help="Folder of archive, store and reports.")
@click.option("--zone", help="Time zone of calendar months, e.g. Europe/Berlin.")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, home: Path | None, zone: str | None) -> None:
    """Analytics and SLO reports for teams that run LLM platforms.

    \b
    Examples:
      workbench demo start                              the demo, in the browser
      workbench slo status counterfactual-lab           budgets of the last 30 days
      workbench report run monthly --system counterfactual-lab --period last-month
      workbench init --url http://prometheus:9090 --name mine
    """
    ctx.obj = State(config, home, zone)


#: Of a message. [characters]
_LONGEST = 8_000


def complain(message: str) -> None:
    """Print an error to stderr, red where colour is wanted."""
    label = "Error: " if os.environ.get("NO_COLOR") else click.style("Error: ", fg="red", bold=True)
    click.echo(label + cut(visible(message, lines=True), _LONGEST), err=True)


def show_what_the_console_can() -> None:
    """Print a mark in place of a sign that the encoding of the console does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every error becomes a message and an exit code, never a traceback."""
    keep_private()
    show_what_the_console_can()
    try:
        code = cli.main(args=arguments, prog_name="workbench", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        complain("interrupted.")
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except WorkbenchError as error:
        complain(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        if os.environ.get("WORKBENCH_DEBUG"):
            raise
        if isinstance(error, OSError) and (failure := disk_failure(error)) is not None:
            complain(str(failure))
            sys.exit(failure.exit_code)
        complain(f"{type(error).__name__}: {error}\nThis is a fault of the workbench. WORKBENCH_DEBUG=1 shows where.")
        sys.exit(70)
