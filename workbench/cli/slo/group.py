"""``workbench slo``: objectives, what spent their budgets, and what follows; each verb has its own file."""

from __future__ import annotations

import click

from workbench.cli.shared.lazy import LazyGroup

#: verb -> (module:attribute, one-line help), in the order of ``--help``.
VERBS: dict[str, tuple[str, str]] = {
    "list": ("workbench.cli.slo.list:list_", "Objectives that are defined: target, window, place of each."),
    "status": ("workbench.cli.slo.status:status", "SLI, budget left, coverage and status of each objective."),
    "scorecard": ("workbench.cli.slo.scorecard:scorecard", "Which months, or quarters, used up their budget."),
    "draft": ("workbench.cli.slo.draft:draft", "Draft objectives from the counters of requests in a profile."),
    "policy": ("workbench.cli.slo.policy:policy", "Steps of the error-budget policy that are reached."),
    "review": (
        "workbench.cli.slo.policy:review",
        "Objectives that never burn, always overspend, have no data or are overdue for review.",
    ),
    "exclude": ("workbench.cli.slo.exclude:exclude", "Leave windows of time out, with an audit trail."),
    "rules": ("workbench.cli.slo.rules:rules", "Generate recording and alerting rules, with tests of them."),
    "import": ("workbench.cli.slo.exchange:import_", "Read definitions of Sloth, Pyrra and OpenSLO v2alpha."),
    "export": ("workbench.cli.slo.exchange:export", "Print a system's objectives as OpenSLO v1."),
    "report": ("workbench.cli.slo.list:report", "Issue the report of a month's objectives and spend."),
    "annotate": ("workbench.cli.slo.annotate:annotate", "Write down deploys, incidents, reviews and comments."),
    "burn": ("workbench.cli.slo.burn:burn", "How fast budgets burn, how long they last, what fires."),
    "attribute": ("workbench.cli.slo.attribute:attribute", "What spent each budget: episodes, labels, companions."),
    "backtest": ("workbench.cli.slo.backtest:backtest", "What alerting policies would have caught and missed."),
    "whatif": ("workbench.cli.slo.whatif:whatif", "The same history under other targets and thresholds."),
}


@click.group(cls=LazyGroup, table=VERBS)
def slo() -> None:
    """Compliance, error budgets and burn rates.

    \b
    Example:
      workbench slo status counterfactual-lab
    """
