"""What one system spends and uses: ``?system=...&period=30d|this-month|2026-10&zone=...&cost_by=...``."""

from workbench.core.result import Study
from workbench.ui import cost
from workbench.ui.parts import question


def show(study: Study) -> None:
    cost.key_figures(study)
    cost.totals(study)
    for measure in study.results["totals"].frame["measure"].unique():
        cost.split(study, measure)
    cost.jumps(study)
    cost.unit_costs(study)
    cost.budgets(study)
    cost.invoices(study)


question.page("Cost and tokens", "cost", "spend_and_tokens", show, exported="days")
