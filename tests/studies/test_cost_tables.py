"""Invoices against the meter and labels from tables, on counters whose amounts are known by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from tests.studies.test_cost_study import GATEWAY, amounts, gateway_series
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.charts.cost.budget_tables import plans_table
from workbench.charts.cost.tables import invoices_table
from workbench.charts.unusual import cost_lines
from workbench.core.money import total
from workbench.core.result import Study
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange
from workbench.store.tables import TableSource
from workbench.studies import Context, focus_charges, spend_and_tokens
from workbench.studies.sources.unavailable import UnavailableSource

pytestmark = pytest.mark.slow

DAYS = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC))

#: Large costs 1.50 an hour with p1, small 0.75 with p2: 36 and 18 a day.
INVOICES = """provider,start,end,amount,currency
P1,2026-10-01,2026-10-02,30.000000000001,USD
P1,2026-10-01,2026-10-02,6,usd
p2,2026-10-01,2026-10-02,20.00,USD
p3,2026-10-01,2026-10-02,5.00,USD
p1,2026-10-02,2026-10-03,30.00,EUR
p1,2026-10-02,2026-11-01,99,USD
"""


@pytest.fixture
def asked(tmp_path: Path, context_over: Callable[..., Context]) -> Callable[..., Study]:
    context = context_over(UnavailableSource("none", "", ""))
    archive = Archive.open(tmp_path / "gateway", create=True)
    archive.append_samples(SeriesSet.of(gateway_series(context.catalog.profile(GATEWAY).scope)))
    context = context_over(ArchiveSource("gateway", archive))

    def ask(holds: str, text: str, **options: object) -> Study:
        (tmp_path / "table.csv").write_text(text)
        table = TableSource("t", tmp_path / "table.csv", holds=holds, **options)
        return spend_and_tokens(replace(context, tables={"t": table}), system=GATEWAY, range=DAYS, as_of=DAYS.end)

    ask.context = context  # type: ignore[attr-defined]
    return ask


def test_invoices_are_compared_to_the_last_digit_by_provider_and_period(asked: Callable[..., Study]) -> None:
    result = asked("invoices", INVOICES).results["invoices"]
    rows = [
        (row.provider, row.start.day, row.currency, row.invoiced, row.metered, row.difference, row.verdict)
        for row in result.frame.itertuples()
    ]
    exact = Decimal("36.000000000001")
    assert rows == [
        ("P1", 1, "USD", exact, Decimal(36), Decimal("0.000000000001"), "agrees"),
        ("p2", 1, "USD", Decimal(20), Decimal(18), Decimal(2), "differs"),
        ("p3", 1, "USD", Decimal(5), None, None, "not metered"),
        ("p1", 2, "EUR", Decimal(30), None, None, "not metered"),
        ("p2", 2, "USD", None, Decimal(18), None, "no invoice"),
    ]
    assert result.frame["share"].iloc[1] == pytest.approx(0.1, abs=1e-12)
    assert (result.frame["coverage"] > 0.99).all()
    assert result.notes == (
        "1 line of invoices is for a time that is not over.",
        "An invoice agrees when it is within 1 % of the meter (cost.invoice_tolerance in the settings).",
    )
    printed = invoices_table(result)._repr_html_()
    assert all(f">{text}</td>" in printed for text in ("20.00 USD", "18.00 USD", "2.00 USD", "not metered"))


def test_an_invoice_for_a_time_that_was_not_watched_is_not_called_wrong(asked: Callable[..., Study]) -> None:
    text = "provider,start,end,amount,currency\np1,2026-09-01,2026-10-02,5000,USD\n"
    (row,) = [one for one in asked("invoices", text).results["invoices"].frame.itertuples() if one.provider == "p1"]
    assert row.verdict == "observed too little"
    assert row.coverage < 0.2
    assert row.metered == Decimal(36) * 4, "four days of it were watched"


def test_a_table_that_cannot_be_read_is_a_note_and_the_figures_stand(asked: Callable[..., Study]) -> None:
    study = asked("invoices", "provider,start\n")
    assert study.status != "unavailable"
    assert study.results["invoices"].frame.empty
    assert study.results["invoices"].notes[0].startswith("t: No column 'end' for invoices")
    assert amounts(study, "cost", "provider") == {"p1": Decimal(72), "p2": Decimal(36)}


def test_labels_of_a_table_split_spend_and_keep_its_total(asked: Callable[..., Study]) -> None:
    study = asked("labels", "key,team,remark\nvk-1,search,x\nvk-9,nobody,y\n")
    teams = amounts(study, "cost", "team")
    assert teams == {"search": Decimal(72), "(not given)": Decimal(36)}
    assert total(teams.values()) == total(amounts(study, "cost", "key").values())
    assert not amounts(study, "cost", "remark"), "only known labels, and those that the settings name"
    assert "t: 1 of 2 values of key have no team." in study.warnings


def test_a_table_that_says_two_things_of_one_key_is_left_out(asked: Callable[..., Study]) -> None:
    study = asked("labels", "virtual,team\nvk-1,search\nvk-1,ads\n", fields={"key": "virtual"})
    assert not amounts(study, "cost", "team")
    assert "t: It says two things of vk-1, and is left out." in study.warnings


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_our_own_export_read_as_invoices_agrees_to_the_last_digit(
    asked: Callable[..., Study], tmp_path: Path, zone: str
) -> None:
    context = replace(asked.context, zone=zone)
    charges = focus_charges(context, system=GATEWAY, range=DAYS, as_of=DAYS.end).results["charges"]
    lines = pd.DataFrame(charges.texts())
    (tmp_path / "table.csv").write_text(lines.to_csv(index=False))
    table = TableSource("t", tmp_path / "table.csv", holds="invoices")
    study = spend_and_tokens(replace(context, tables={"t": table}), system=GATEWAY, range=DAYS, as_of=DAYS.end)
    frame = study.results["invoices"].frame
    assert set(frame["verdict"]) == {"agrees"}
    assert set(frame["difference"]) == {Decimal(0)}
    spent = study.results["totals"].frame.query("measure == 'cost'")["amount"].iloc[0]
    assert total(frame["invoiced"]) == spent == total(charges.frame["BilledCost"])


def test_charges_have_the_number_of_the_invoice_that_holds_them(asked: Callable[..., Study], tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(
        "provider,start,end,amount,currency,invoice_id\n"
        "P1,2026-10-01,2026-10-02,36,usd,A-7\np2,2026-10-01,2026-10-02,9,USD,B-1\np2,2026-10-01,2026-10-02,9,USD,B-2\n"
    )
    tables = {"t": TableSource("t", tmp_path / "table.csv", holds="invoices")}
    study = focus_charges(replace(asked.context, tables=tables), system=GATEWAY, range=DAYS, as_of=DAYS.end)
    rows = study.results["charges"].frame
    days = rows.groupby(["ProviderName", "ChargePeriodStart"])["InvoiceId"].agg(lambda ids: list(set(ids)))
    assert days["p1"].tolist() == [["A-7"], [None]]
    assert days["p2"].tolist() == [[None], [None]], "two invoices hold that day"


def test_budgets_of_owners_come_from_tables_and_are_spent_by_their_keys(
    asked: Callable[..., Study], tmp_path: Path
) -> None:
    (tmp_path / "owners.csv").write_text("key,owner\nvk-1,ada\n")
    (tmp_path / "plans.csv").write_text(
        "owner,amount,currency,window\nada,80.00,USD,month\n,1000,USD,7d\nbob,10,USD,\nada,10,GBP,\n"
    )
    tables = {
        "owners": TableSource("owners", tmp_path / "owners.csv", holds="labels"),
        "plans": TableSource("plans", tmp_path / "plans.csv", holds="budgets"),
    }
    study = spend_and_tokens(replace(asked.context, tables=tables), system=GATEWAY, range=DAYS, as_of=DAYS.end)
    plans = study.results["budget_plans"]
    rows = {(row.group, row.unit): (row.spent, row.status) for row in plans.frame.itertuples()}
    assert rows["ada", "USD"] == (Decimal(72), "at_risk")
    assert rows["", "USD"][1] in ("ok", "no_data")
    assert rows["bob", "USD"] == rows["ada", "GBP"] == (None, "no_data")
    assert "36.00 USD of this month have no budget by owner: spend without owner." in plans.notes
    assert "Budget of owner ada" in [line.title for line in cost_lines(study)]
    printed = plans_table(plans)._repr_html_()
    assert ">72.00 USD</td>" in printed
    assert ">80.00 USD</td>" in printed


def test_a_table_of_budgets_without_a_currency_is_a_note(asked: Callable[..., Study]) -> None:
    study = asked("budgets", "owner,amount\nada,1\n")
    assert study.results["budget_plans"].frame.empty
    assert study.results["budget_plans"].notes[0].startswith("t: No column 'currency' for budgets")


def test_an_invoice_in_another_currency_is_compared_at_the_rates_of_its_days(
    asked: Callable[..., Study], tmp_path: Path
) -> None:
    head = "provider,start,end,amount,currency\n"
    (tmp_path / "invoices.csv").write_text(
        head + "p1,2026-10-01,2026-10-03,66.60,EUR\np2,2026-10-01,2026-10-03,9,GBP\n"
    )
    (tmp_path / "rates.csv").write_text(
        "date,base,quote,rate\n2026-10-01,USD,EUR,0.90\n2026-10-02,USD,EUR,0.95\n2026-10-03,USD,EUR,5\n"
    )
    tables = {
        "invoices": TableSource("invoices", tmp_path / "invoices.csv", holds="invoices"),
        "ecb": TableSource("ecb", tmp_path / "rates.csv", holds="rates"),
    }
    study = spend_and_tokens(replace(asked.context, tables=tables), system=GATEWAY, range=DAYS, as_of=DAYS.end)
    result = study.results["invoices"]
    rows = {row.provider: (row.metered, row.difference, row.verdict) for row in result.frame.itertuples()}
    assert rows == {"p1": (36 * Decimal("1.85"), Decimal(0), "agrees"), "p2": (None, None, "not metered")}
    assert "What p1 metered in USD is converted to EUR day by day, at 0.90 to 0.95 (ecb)." in result.notes
