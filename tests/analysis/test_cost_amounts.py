from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.decimal_oracle import plain_increases
from workbench.analysis.cost.budgets import Budget, budget_use
from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.spend import daily_spend, spend_groups, spend_totals
from workbench.analysis.cost.units import unit_costs
from workbench.analysis.counting.amounts import AMOUNT, added, decimals, exact_amounts, summed
from workbench.analysis.counting.increase import exact_increases
from workbench.charts.cost.figures import groups_figure
from workbench.core.errors import ParameterError
from workbench.core.money import quantised, total
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange

BEGIN = datetime(2026, 9, 29, tzinfo=UTC)
DAY = timedelta(days=1)

#: Two days before the period, two days of it.
PERIODS = Periods(TimeRange(BEGIN + 2 * DAY, BEGIN + 4 * DAY), TimeRange(BEGIN, BEGIN + 2 * DAY))


def ledger(rows: list[tuple[str, str, str, list[str]]], periods: Periods = PERIODS) -> pd.DataFrame:
    """Rows of (role, model, key, amounts a day from BEGIN on)."""
    return pd.DataFrame(
        [
            {"role": role, "model": model, "key": key, "start": BEGIN + n * DAY, "end": BEGIN + (n + 1) * DAY}
            | {"amount": Decimal(amount)}
            for role, model, key, amounts in rows
            for n, amount in enumerate(amounts)
        ]
    ).astype({"start": "datetime64[ms, UTC]", "end": "datetime64[ms, UTC]"})


def seen(roles: list[str], covered: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"role": role, "start": BEGIN + n * DAY, "end": BEGIN + (n + 1) * DAY, "covered": share}
            for role in roles
            for n, share in enumerate(covered)
        ]
    ).astype({"start": "datetime64[ms, UTC]", "end": "datetime64[ms, UTC]"})


MODELS = Account("cost", "Spend on models", "USD", ("model",))
STORAGE = Account("cost.storage", "Storage", "USD")
KEYS = Account("cost.key", "Spend by key", "USD", ("key",), view_of="cost")
REQUESTS = Account("requests", "Requests", "requests")
ERRORS = Account("errors", "Errors", "requests", inside="requests")
TOKENS = Account("tokens", "Tokens", "tokens", ("model",))

BOOK = ledger(
    [
        ("cost", "large", "", ["1.10", "1.10", "2.10", "2.20"]),
        ("cost", "small", "", ["0.30", "0.10", "0.10", "0.20"]),
        ("cost.storage", "", "", ["0.20", "0.20", "0.20", "0.20"]),
        ("cost.key", "", "vk-1", ["1.50", "1.10", "2.00", "2.00"]),
        ("cost.key", "", "vk-2", ["0.00", "0.00", "0.00", "0.50"]),
        ("requests", "", "", ["100", "100", "100", "150"]),
        ("errors", "", "", ["0", "0", "50", "0"]),
        ("tokens", "large", "", ["0", "0", "1000", "1500"]),
    ]
)
ACCOUNTS = [MODELS, STORAGE, KEYS, REQUESTS, ERRORS, TOKENS]
SEEN = seen([one.role for one in ACCOUNTS], [1.0, 1.0, 1.0, 0.9])


def test_totals_are_the_table_worked_by_hand():
    result = spend_totals(BOOK, SEEN, ACCOUNTS, PERIODS)
    spend = result.frame.iloc[0]
    assert (spend["measure"], spend["unit"]) == ("cost", "USD")
    assert spend["amount"] == Decimal("5.00")
    assert spend["before"] == Decimal("3.00")
    assert spend["change"] == Decimal("2.00")
    assert spend["change_ratio"] == pytest.approx(2 / 3)
    assert spend["coverage"] == pytest.approx(0.95)
    assert spend["projected"] is None
    tokens = result.frame.iloc[1]
    assert tokens["amount"] == Decimal(2500)
    assert np.isnan(tokens["change_ratio"])


def test_a_view_is_never_added_and_its_difference_is_named():
    result = spend_totals(BOOK, SEEN, ACCOUNTS, PERIODS)
    assert any("Spend by key adds up to 4.50 USD, Spend on models to 4.60" in note for note in result.notes)


def test_a_poorly_observed_base_states_no_change():
    result = spend_totals(BOOK, seen([one.role for one in ACCOUNTS], [0.2, 1.0, 1.0, 1.0]), ACCOUNTS, PERIODS)
    assert np.isnan(result.frame["change_ratio"].iloc[0])
    assert any("only 60.0 % of 2026-09-29" in note for note in result.notes)


@pytest.mark.slow
def test_an_amount_of_which_nothing_was_observed_is_unknown_and_no_zero():
    blind = seen([one.role for one in ACCOUNTS], [0.0, 0.0, 1.0, 1.0])
    frame = spend_totals(BOOK, blind, ACCOUNTS, PERIODS).frame
    assert frame["before"].isna().all()
    assert frame["change"].isna().all()
    assert frame["amount"].tolist() == [Decimal("5.00"), Decimal(2500)]
    groups = spend_groups(BOOK, blind, ACCOUNTS, PERIODS).frame
    assert groups["before"].isna().all()
    assert groups["amount"].notna().all()
    before, _ = groups_figure(spend_groups(BOOK, blind, ACCOUNTS, PERIODS)).data
    assert set(before.text) == {"–"}
    part, whole = groups_figure(spend_groups(BOOK, blind, ACCOUNTS, PERIODS), "cost", "", "", 1.0, 0.06).data
    assert (part.name, whole.name) == ("Period before (a part: 6.0 % observed)", "Period")
    idle = ledger([("cost", "large", "", ["0", "0", "0", "0"])])
    half = seen(["cost"], [1.0, 1.0, 0.0, 1.0])
    days = daily_spend(idle, half, [MODELS], spend_groups(idle, half, [MODELS], PERIODS), zone="UTC").frame
    assert days["amount"].tolist() == [None, Decimal(0)]
    units = unit_costs(BOOK, blind, ACCOUNTS, PERIODS).frame
    assert units["before"].isna().all()
    assert units["unit_cost"].notna().all()


@pytest.mark.slow
def test_the_running_month_is_projected_in_a_straight_line():
    october = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    result = spend_totals(BOOK, SEEN, ACCOUNTS, Periods(PERIODS.now, PERIODS.before, october))
    spend = result.frame.iloc[0]
    assert spend["month_to_date"] == Decimal("5.00")
    assert spend["projected"] == Decimal("77.50")
    gap = seen([one.role for one in ACCOUNTS], [1.0, 1.0, 0.7, 1.0])
    spend = spend_totals(BOOK, gap, ACCOUNTS, Periods(PERIODS.now, PERIODS.before, october)).frame.iloc[0]
    assert (spend["month_to_date"], spend["projected"]) == (Decimal("5.00"), None)


def test_groups_of_every_label_are_the_table_worked_by_hand():
    frame = spend_groups(BOOK, SEEN, ACCOUNTS, PERIODS).frame
    spend = frame[frame["measure"] == "cost"].set_index(["dimension", "group"])
    assert spend["amount"].to_dict() == {
        ("kind", "Spend on models"): Decimal("4.60"),
        ("kind", "Storage"): Decimal("0.40"),
        ("model", "large"): Decimal("4.30"),
        ("model", "(not given)"): Decimal("0.40"),
        ("model", "small"): Decimal("0.30"),
        ("key", "vk-1"): Decimal("4.00"),
        ("key", "vk-2"): Decimal("0.50"),
    }
    assert spend.loc[("model", "large"), "share"] == pytest.approx(0.86)
    assert spend.loc[("key", "vk-1"), "whole"] == Decimal("4.50")
    assert np.isnan(spend.loc[("key", "vk-2"), "change_ratio"])


def test_unit_costs_are_ratios_of_totals():
    rows = unit_costs(BOOK, SEEN, ACCOUNTS, PERIODS).frame.set_index("per")
    assert rows.loc["request", "unit_cost"] == Decimal("0.02")
    assert rows.loc["success", "unit_cost"] == Decimal("0.025")
    assert rows.loc["1,000 tokens", "cost"] == Decimal("4.30"), "small and storage have no tokens"
    assert rows.loc["1,000 tokens", "unit_cost"] == Decimal("1.72")
    assert rows.loc["request", "before"] == Decimal("0.015")
    assert rows.loc["request", "change_ratio"] == pytest.approx(1 / 3)
    assert rows.loc["1,000 tokens", "before"] is None


def test_without_accounts_everything_is_empty_and_nothing_fails():
    empty = spend_totals(BOOK.iloc[:0], SEEN.iloc[:0], [], PERIODS)
    groups = spend_groups(BOOK.iloc[:0], SEEN.iloc[:0], [], PERIODS)
    days = daily_spend(BOOK.iloc[:0], SEEN.iloc[:0], [], groups, zone="UTC")
    assert (
        not len(empty.frame)
        + len(groups.frame)
        + len(days.frame)
        + len(unit_costs(BOOK[:0], SEEN[:0], [], PERIODS).frame)
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 10**15)), min_size=1, max_size=30),
    st.integers(1, 5),
)
def test_groups_and_days_add_up_to_the_total_exactly(spends, top):
    book = ledger([("cost", name, "", ["0", "0", str(Decimal(n).scaleb(-9)), "0.1"]) for name, n in spends])
    accounts = [MODELS]
    covered = seen(["cost"], [1.0] * 4)
    whole = spend_totals(book, covered, accounts, PERIODS).frame["amount"].iloc[0]
    groups = spend_groups(book, covered, accounts, PERIODS, top=top)
    assert total(groups.frame["amount"]) == whole == total(book["amount"])
    days = daily_spend(book, covered, accounts, groups, zone="Europe/Berlin")
    assert total(days.frame["amount"]) == whole
    by_group = {str(name): total(rows) for name, rows in days.frame.groupby("group")["amount"]}
    assert by_group == dict(zip(groups.frame["group"], groups.frame["amount"], strict=True))


amounts = st.one_of(st.floats(0, 1e9), st.floats(0, 1e-9), st.integers(0, 2**60).map(float), st.just(float("nan")))
counters = st.lists(st.lists(amounts, max_size=12), min_size=1, max_size=4)


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(counters, st.lists(st.integers(-50, 800), min_size=3, max_size=8, unique=True), st.data())
def test_amounts_are_those_of_plain_decimals_and_splitting_a_range_changes_none(values, cuts, data):
    series = SeriesSet.of([({"__name__": "cost_total"}, range(0, 60 * len(one), 60), one) for one in values])
    born = np.array([data.draw(st.booleans()) for _ in values])
    edges = sorted(cuts)
    found = exact_amounts(series, edges, born).to_pylist()
    assert found == plain_increases(series, edges, born)
    whole = exact_amounts(series, [edges[0], edges[-1]], born).to_pylist()
    width = len(edges) - 1
    assert whole == [total(found[i * width : (i + 1) * width]) for i in range(len(values))]
    floats = exact_increases(series, edges, born).ravel()
    near = 1e-12 * np.nan_to_num(series.values).max(initial=1.0)  # what floats lose where they subtract large values
    assert [float(part) for part in found] == pytest.approx(floats.tolist(), rel=1e-9, abs=near)


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(-1e25, 1e25), min_size=1, max_size=20))
def test_floats_become_the_decimals_of_their_shortest_text(values):
    assert decimals(np.array(values)).to_pylist() == [quantised(value) for value in values]


@pytest.mark.parametrize(
    "value", [5e-13, 1.5e-12, 2.5e-12, 0.1234567890125, 123456.789, 4095.9999999999995, 1e-300, -0.0, 9.9e25]
)
def test_halves_and_extremes_round_as_money_does(value):
    assert decimals(np.array([value])).to_pylist() == [quantised(value)]


@pytest.mark.parametrize("value", [float("inf"), 1e26])
def test_what_is_no_amount_is_refused(value):
    with pytest.raises(ParameterError, match="amount of money"):
        decimals(np.array([value]))


def test_a_sum_that_would_overflow_is_refused_and_never_wrong():
    rows = pd.DataFrame({"key": ["a", "a"], "amount": [Decimal(6 * 10**25)] * 2})
    for add in (lambda: added(rows["amount"]), lambda: summed(rows, ["key"])):
        with pytest.raises(ParameterError, match=r"1\.2e\+26 in all do not fit"):
            add()


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(-(10**35), 10**35))))
def test_sums_of_groups_are_those_of_plain_decimals(rows):
    frame = pd.DataFrame(
        [(one, two, quantised(Decimal(n).scaleb(-12))) for one, two, n in rows], columns=["one", "two", "amount"]
    )
    known: dict[tuple[str, str], list[Decimal]] = {}
    for one, two, amount in frame.itertuples(index=False):
        known.setdefault((one, two), []).append(amount)
    found = summed(frame.astype({"one": "category", "amount": pd.ArrowDtype(AMOUNT)}), ["one", "two"])
    assert [((one, two), amount) for one, two, amount in found.itertuples(index=False)] == [
        (key, total(held)) for key, held in known.items()
    ]
    assert added(frame["amount"]) == total(frame["amount"])


def test_where_reading_begins_changes_no_amount():
    values = [0.1, 0.3, 0.2, 0.25, 0.05, 0.1]
    series = SeriesSet.of([({}, range(0, 360, 60), values)])
    later = SeriesSet.of([({}, range(180, 360, 60), values[3:])])
    for one in (series, later):
        assert exact_amounts(one, [180, 300]).to_pylist() == [Decimal("0.1")]


def test_stale_marks_and_nan_are_no_amounts():
    series = SeriesSet.of([({}, [0, 60, 120], [1.0, float("nan"), 2.5]), ({}, [0], [float("nan")])])
    assert exact_amounts(series, [0, 60, 120]).to_pylist() == [Decimal(0), Decimal("1.5"), Decimal(0), Decimal(0)]
    assert not len(exact_amounts(SeriesSet.empty(), [0, 60]))


@pytest.mark.parametrize(("used", "status"), [(0.79, "ok"), (0.8, "at_risk"), (1.0, "spent"), (np.nan, "no_data")])
def test_a_budget_is_judged_by_its_used_share(used, status):
    assert budget_use([Budget("key", "k", used=used)], as_of=BEGIN).frame["status"].tolist() == [status]


def test_a_budget_without_a_limit_is_none():
    assert budget_use([Budget("key", "k", left=float("inf"))], as_of=BEGIN).frame.empty


@pytest.mark.slow
def test_minutes_at_the_end_of_a_period_do_not_make_its_spend_zero():
    idle = BOOK.assign(amount=[amount if start >= PERIODS.now.start else Decimal(0)
                               for amount, start in zip(BOOK["amount"], BOOK["start"], strict=True)])  # fmt: skip
    barely = SEEN.assign(covered=[1.0 if start >= PERIODS.now.start else 0.002 for start in SEEN["start"]])
    totals = spend_totals(idle, barely, ACCOUNTS, PERIODS).frame
    assert set(totals["before"]) == {None}
    assert set(spend_groups(idle, barely, ACCOUNTS, PERIODS).frame["before"]) == {None}
    half = SEEN.assign(covered=0.5)
    assert set(spend_totals(idle, half, ACCOUNTS, PERIODS).frame["before"]) == {Decimal(0)}


def test_rows_without_a_key_are_a_group_of_their_own_and_change_no_other() -> None:
    amounts = [Decimal(value) for value in (1, 10, 100, 1000, 10000)]
    rows = pd.DataFrame({"key": ["b", None, "a", None, "b"], "model": "x", "amount": amounts})
    sums = summed(rows, ["key", "model"])
    found = {"" if key != key else key: amount for key, amount in zip(sums["key"], sums["amount"], strict=True)}
    assert found == {"b": 10001, "": 1010, "a": 100}
