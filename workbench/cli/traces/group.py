"""``workbench traces``: spans and traces; without a verb it finds spans of a system."""

from __future__ import annotations

import click

from workbench.cli.shared.lazy import LazyGroup

VERBS = {
    "find": ("workbench.cli.traces.find:find", "Find spans, slowest first; the verb may be left out."),
    "show": ("workbench.cli.traces.show:show", "One trace: tree, self time, critical path, failures, log lines."),
    "red": ("workbench.cli.traces.analysis:red", "Rate, errors and duration per operation."),
    "graph": ("workbench.cli.traces.analysis:graph", "Who calls whom, servers without spans included."),
    "path": ("workbench.cli.traces.analysis:path", "Critical paths by band of latency, and what would be saved."),
    "slowest": ("workbench.cli.traces.analysis:slowest", "The slowest traces and where their time went."),
    "failures": ("workbench.cli.traces.analysis:failures", "Call paths with failures: where they began."),
    "tokens": ("workbench.cli.traces.analysis:tokens", "Tokens and cost per trace by model."),
    "health": ("workbench.cli.traces.analysis:health", "Orphans, duplicates, clocks: how sound traces are."),
    "compare": ("workbench.cli.traces.compare:compare", "Two windows, operation by operation, with intervals."),
}


class FindByDefault(LazyGroup):
    """A group whose first argument may be a system in place of a verb."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take what is no verb, and no option, as the argument of ``find``."""
        if args and args[0] not in self._table and not args[0].startswith("-"):
            args = ["find", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=FindByDefault, table=VERBS)
def traces() -> None:
    """Spans and traces of a system.

    \b
    Examples:
      workbench traces counterfactual-lab --slower-than 5s
      workbench traces path llm-ab-testing --last 24h
      workbench traces show 731665ae2a800b609d116c601d0db84e
    """
