"""What one system spends and uses: ``?system=...&period=30d|this-month|2026-10&zone=...&cost_by=...``."""

from workbench.core.result import Study
from workbench.ui import cost
from workbench.ui.parts import question


def show(study: Study) -> None:
    cost.key_figures(study)
    cost.totals(study)
    cost.drivers(study)
    for total in study.results["totals"].frame.itertuples():
        cost.split(study, total.measure, total.unit)
    cost.token_classes(study)
    cost.forecast(study)
    cost.jumps(study)
    cost.unit_costs(study)
    cost.budgets(study)
    cost.invoices(study)


question.page("Cost and tokens", "cost", "spend_and_tokens", show, exported="days")
