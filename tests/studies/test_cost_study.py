"""Spend and tokens from samples made by hand, on the Lab's profile and on that of a gateway with keys and budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.charts.cost.list_price_tables import list_price_sentence
from workbench.core.money import total
from workbench.core.series import SeriesSet
from workbench.core.settings.cost import CostSettings
from workbench.core.timerange import TimeRange, calendar_range, to_ms
from workbench.studies import Context, spend_and_tokens
from workbench.studies.counting.ledger import ledger_edges, periods_of
from workbench.studies.sources.unavailable import UnavailableSource

pytestmark = pytest.mark.slow

BEGIN, END = datetime(2026, 9, 28, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC)
GATEWAY = "conduit"


def counter(
    name: str, per_hour: float, scope: dict[str, str], **labels: str
) -> tuple[dict[str, str], range, np.ndarray]:
    times = range(to_ms(BEGIN), to_ms(END) + 1, 60_000)
    return {"__name__": name, **scope, **labels}, times, np.arange(len(times)) * per_hour / 60


def gateway_series(scope: dict[str, str]) -> Iterator[tuple[dict[str, str], range, np.ndarray]]:
    target = {**scope, "job": "conduit-api", "instance": "api-1"}
    yield counter("conduit_cost_total_dollars", 1.5, target, model="large", provider="p1", operation_type="chat")
    yield counter("conduit_cost_total_dollars", 0.75, target, model="small", provider="p2", operation_type="chat")
    yield counter("conduit_virtualkey_spend_total", 1.5, target, virtual_key_id="vk-1")
    yield counter("conduit_virtualkey_spend_total", 0.75, target, virtual_key_id="vk-2")
    yield counter("conduit_model_tokens_total", 6000, target, model="large", provider="p1", token_type="input")
    yield counter("conduit_model_requests_total", 60, target, model="large", provider="p1", status="success")
    yield counter("conduit_model_requests_total", 15, target, model="small", provider="p2", status="error")
    times = range(to_ms(BEGIN), to_ms(END) + 1, 60_000)
    for key, used in (("vk-1", 104.0), ("vk-2", 12.0)):
        gauge = {"__name__": "conduit_virtualkey_budget_utilization_percent", **target, "virtual_key_id": key}
        yield gauge, times, np.full(len(times), used)


@pytest.fixture
def gateway(tmp_path: Path, context_over: Callable[..., Context]) -> Context:
    context = context_over(UnavailableSource("none", "", ""))
    archive = Archive.open(tmp_path / "gateway", create=True)
    archive.append_samples(SeriesSet.of(gateway_series(context.catalog.profile(GATEWAY).scope)))
    return context_over(ArchiveSource("gateway", archive))


def amounts(study, measure: str, dimension: str) -> dict[str, Decimal]:
    frame = study.results["groups"].frame
    rows = frame[(frame["measure"] == measure) & (frame["dimension"] == dimension)]
    return {row.group: row.amount for row in rows.itertuples()}


def two_days(context: Context):
    return spend_and_tokens(context, system=GATEWAY, range=TimeRange(END - timedelta(days=2), END), as_of=END)


def test_spend_and_tokens_by_model_provider_and_key_are_what_was_counted(gateway):
    study = two_days(gateway)
    assert study.status == "spent"
    assert study.coverage == 1.0
    assert amounts(study, "cost", "model") == {"large": 72, "small": 36}
    assert amounts(study, "cost", "provider") == {"p1": 72, "p2": 36}
    assert amounts(study, "cost", "key") == {"vk-1": 72, "vk-2": 36}
    assert amounts(study, "tokens", "token_class") == {"input": 288_000}
    totals = study.results["totals"].frame.set_index("measure")
    assert totals.loc["cost", "amount"] == totals.loc["cost", "before"] == 108
    assert totals.loc["cost", "change_ratio"] == 0


def test_unit_costs_of_the_gateway_are_ratios_of_its_totals(gateway):
    rows = two_days(gateway).results["unit_costs"].frame.set_index(["per", "counter"])["unit_cost"]
    assert rows["request", "Requests to models"] == Decimal("0.03")
    assert rows["success", "Requests to models"] == Decimal("0.0375")
    assert rows["1,000 tokens", "Tokens"] == Decimal("0.25"), "the small model has no tokens"


def test_budgets_are_what_the_system_states(gateway):
    budgets = two_days(gateway).results["budgets"].frame
    assert budgets[["group", "status", "used"]].to_numpy().tolist() == [["vk-1", "spent", 1.04], ["vk-2", "ok", 0.12]]


def test_days_are_those_of_the_named_zone_and_add_up(gateway):
    from dataclasses import replace

    span = TimeRange(END - timedelta(days=2), END)
    study = spend_and_tokens(replace(gateway, zone="America/New_York"), system=GATEWAY, range=span, as_of=END)
    days = study.results["days"].frame
    models = days[(days["measure"] == "cost") & (days["dimension"] == "model")]
    by_day = {str(day): total(rows) for day, rows in models.groupby("day")["amount"]}
    assert by_day == {"2026-09-30": 9, "2026-10-01": 54, "2026-10-02": 45}


def test_two_parts_of_a_range_add_up_to_the_whole(gateway):
    def spent(start: datetime, end: datetime) -> Decimal:
        study = spend_and_tokens(gateway, system=GATEWAY, range=TimeRange(start, end), as_of=END)
        return study.results["totals"].frame["amount"].iloc[0]

    middle = END - timedelta(hours=31, minutes=35)
    start = END - timedelta(days=2)
    assert total((spent(start, middle), spent(middle, END))) == spent(start, END)


def test_what_a_profile_lacks_is_not_measured_and_never_zero(lab):
    study = spend_and_tokens(lab, system="counterfactual-lab", as_of=END)
    notes = study.results["totals"].notes
    assert "Tokens are not measured: the profile has no counter of tokens." in notes
    assert "Budgets are not measured: the profile has no gauge of one." in notes
    assert "tokens" not in set(study.results["totals"].frame["measure"])


def test_a_system_without_a_counter_of_money_has_no_spend(context_over, tmp_path):
    archive = Archive.open(tmp_path / "empty", create=True)
    study = spend_and_tokens(context_over(ArchiveSource("a", archive)), system="llm-ab-testing", as_of=END)
    assert study.status == "no_data"
    assert set(study.results["totals"].frame["measure"]) == {"tokens"}
    assert any("no counter of money" in note for note in study.results["totals"].notes)


def test_a_source_that_is_down_is_a_status(context_over):
    study = spend_and_tokens(context_over(UnavailableSource("x", "", "Down.")), system="counterfactual-lab", as_of=END)
    assert study.status == "unavailable"
    assert study.results["totals"].frame.empty
    assert "Down." in study.warnings[0]


def test_a_running_month_is_compared_with_its_elapsed_part_on_the_wall_clock():
    now = datetime(2026, 3, 30, 10, tzinfo=UTC)
    span = calendar_range("2026-03", zone="Europe/Berlin", now=now)
    periods = periods_of(span, as_of=now, zone="Europe/Berlin")
    assert str(periods.before) == "2026-01-31 23:00 to 2026-02-28 23:00 UTC"
    early = periods_of(span, as_of=datetime(2026, 3, 10, 10, tzinfo=UTC), zone="Europe/Berlin")
    assert str(early.before) == "2026-01-31 23:00 to 2026-02-10 10:00 UTC"
    assert early.month == span


def test_a_day_of_clock_change_has_23_hours():
    span = calendar_range("2026-03", zone="Europe/Berlin", now=END)
    edges = np.diff(ledger_edges(periods_of(span, as_of=END, zone="Europe/Berlin"), "Europe/Berlin")) / 3_600_000
    assert sorted(set(edges.tolist())) == [23.0, 24.0]
    assert len(edges) == 28 + 31


def test_a_price_book_of_the_settings_prices_tokens_and_names_what_it_lacks(gateway: Context, tmp_path: Path) -> None:
    book = tmp_path / "prices.csv"
    book.write_text("provider,model,unit,price\np1,large,input_tokens,2.5\n")
    priced = replace(gateway, cost=CostSettings(prices=book))
    span = TimeRange(BEGIN + timedelta(days=1), END)
    listed = spend_and_tokens(priced, system=GATEWAY, range=span, as_of=END).results["list_prices"]
    # 6,000 tokens an hour over 96 hours at 2.5 USD a million
    assert list_price_sentence(listed) == (
        "At list prices of prices.csv the tokens cost 1.44 USD; 100.0 % of them have a price."
    )
    book.write_text("not prices")
    study = spend_and_tokens(priced, system=GATEWAY, range=span, as_of=END)
    assert study.results["list_prices"].frame.empty
    assert any("prices.csv" in warning for warning in study.warnings)
