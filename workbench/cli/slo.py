"""``workbench slo``: promises, what spent their budgets, and what follows; each verb has its own file."""

from __future__ import annotations

import click

from workbench.cli.lazy import LazyGroup

#: verb -> (module:attribute, one-line help), in the order of ``--help``.
VERBS: dict[str, tuple[str, str]] = {
    "status": ("workbench.cli.slo_status:status", "SLI, budget left, coverage and status of each objective."),
    "exclude": ("workbench.cli.slo_exclude:exclude", "Leave windows of time out, with an audit trail."),
    "annotate": ("workbench.cli.slo_annotate:annotate", "Write down deploys, incidents, reviews and comments."),
    "attribute": ("workbench.cli.slo_attribute:attribute", "What spent each budget: episodes, labels, companions."),
}


@click.group(cls=LazyGroup, table=VERBS)
def slo() -> None:
    """Compliance, error budgets and burn rates.

    \b
    Example:
      workbench slo status counterfactual-lab
    """
