"""The executive page: the figures of the studies, each with the way to its page."""

from __future__ import annotations

from tests.pages.test_pages import seen
from workbench.ui.parts import load


def test_every_figure_is_that_of_its_study_and_leads_to_its_page(visit):
    app = visit("executive.py")
    assert not app.exception
    text = seen(app)
    board = load.overview(None, "UTC").results["board"].frame
    missed = int((board["status"] == "spent").sum())
    judged = int(board["status"].isin(["ok", "at_risk", "spent"]).sum())
    assert f"**{judged - missed} of {judged} met**" in text
    assert f"{missed} missed" in text
    assert missed
    activity = load.question("product_activity", "counterfactual-lab", load.overview(None, "UTC").range, "UTC")
    assert activity.results["totals"].frame["amount"].notna().any()
    assert "counterfactual generations" in text.lower() or "requests" in text.lower()
    links = {link.proto.page for link in app.get("page_link")}
    assert {"slo", "cost", "activity"} <= {page.removesuffix(".py").rpartition("/")[2] for page in links}


def test_money_that_is_not_measured_is_not_zero(visit):
    text = seen(visit("executive.py"))
    assert "spend is not measured" in text
    assert "USD" not in text
    table = visit("executive.py").dataframe[0].value
    assert set(table["Spent this month"]) <= {"no data", "not measured", "no answer"}


def test_the_page_takes_the_worst_status_of_what_it_shows(visit):
    assert ":red-badge" in "".join(badge.value for badge in visit("executive.py").markdown[:3])
