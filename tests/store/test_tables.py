"""Tables of others: every row with its exact amount, or an error that names the cell and never the password."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from workbench.core.errors import AnswerUnreadable, ParameterError, SourceUnavailable
from workbench.core.settings.secrets import Secret
from workbench.store.tables import TableSource
from workbench.store.text_tables import exact_decimals

INVOICES = "vendor,start,end,amount,currency,note\nopenai,2026-10-01,2026-11-01T00:00:00+00:00,1234.10,USD,=1+1\n"


def invoices(folder: Path, body: str = INVOICES) -> TableSource:
    (folder / "invoices.csv").write_text(body)
    return TableSource("inv", folder / "invoices.csv", holds="invoices", fields={"provider": "vendor"})


def test_amounts_are_exact_and_times_aware(tmp_path: Path) -> None:
    found = invoices(tmp_path).read()
    (row,) = found.to_dict(orient="records")
    assert row["amount"] == Decimal("1234.10")
    assert isinstance(row["amount"], Decimal)
    assert row["provider"] == "openai"
    assert row["note"] == "=1+1"
    assert str(found["start"].dtype) == "datetime64[ms, UTC]"
    assert found.attrs["warnings"] == ("1 time in start names no zone and is taken as UTC.",)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (INVOICES.replace("1234.10", '"1,234"'), "'1,234' in row 1 could be two amounts"),
        (INVOICES.replace("1234.10", "NaN"), "is no amount"),
        (INVOICES.replace("2026-10-01", "October"), "'October' in row 1 of start is no time"),
        (INVOICES.replace("vendor", "who"), "No column 'provider' for invoices"),
        ("", "cannot be read"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(AnswerUnreadable, match=words.replace("(", r"\(")):
        invoices(tmp_path, body).read()
    assert invoices(tmp_path, body).state().status == "unavailable"


def test_parquet_and_csv_give_the_same(tmp_path: Path) -> None:
    csv = invoices(tmp_path)
    pd.read_csv(tmp_path / "invoices.csv", dtype="str").to_parquet(tmp_path / "invoices.parquet")
    parquet = TableSource("inv", tmp_path / "*.parquet", holds="invoices", fields={"provider": "vendor"})
    pd.testing.assert_frame_equal(csv.read(), parquet.read())


def database(folder: Path) -> str:
    file = folder / "finance.db"
    with sqlite3.connect(file) as connection:
        connection.execute('CREATE TABLE "odd name; --" (time TEXT, service TEXT, version TEXT)')
        connection.execute('INSERT INTO "odd name; --" VALUES (?, ?, ?)', ("2026-10-31T10:00:00Z", "api", None))
    connection.close()
    return f"sqlite:///{file}"


def test_a_table_of_a_database_is_read_by_its_name_whatever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_DB", database(tmp_path))
    source = TableSource("deploys", database=Secret(env="TABLE_DB"), table="odd name; --", holds="deployments")
    found = source.read()
    assert found["service"].tolist() == ["api"]
    assert source.state().status == "ok"
    missing = TableSource("deploys", database=Secret(env="TABLE_DB"), table="other", holds="deployments")
    with pytest.raises(SourceUnavailable, match="no table 'other'"):
        missing.read()


@pytest.mark.parametrize("url", ["sqlite:////nowhere/planted-9f.db", "postgresql+psycopg://u:planted-9f@127.0.0.1:9/x",
                                 "oracle+nothing://u:planted-9f@h/x", "planted-9f"])  # fmt: skip
def test_no_error_of_a_database_tells_its_address_or_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_DB", url)
    source = TableSource("deploys", database=Secret(env="TABLE_DB"), table="t")
    with pytest.raises(SourceUnavailable) as failure:
        source.read()
    told = (str(failure.value), repr(source), source.state().detail, source.location)
    assert not [text for text in told if "planted-9f" in text]
    assert failure.value.__cause__ is None
    assert not Path("/nowhere").exists()


@pytest.mark.live
def test_a_table_of_postgresql_keeps_its_decimals_and_cannot_be_written(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA fin"))
        connection.execute(
            text('CREATE TABLE fin.bills (vendor text, "start" timestamptz, "end" timestamptz, amount numeric(20, 6),'
                 " currency text)")
        )  # fmt: skip
        values = "('openai', '2026-10-01Z', '2026-11-01Z', 0.000001, 'USD')"
        connection.execute(text(f"INSERT INTO fin.bills VALUES {values}"))
    engine.dispose()
    monkeypatch.setenv("TABLE_DB", postgres_url)
    source = TableSource("b", database=Secret(env="TABLE_DB"), table="fin.bills", holds="invoices",
                         fields={"provider": "vendor"})  # fmt: skip
    (row,) = source.read().to_dict(orient="records")
    assert row["amount"] == Decimal("0.000001")
    assert row["start"] == pd.Timestamp("2026-10-01", tz="UTC")


def exported(value: Decimal, sign: str, thousands: str) -> str:
    """Write an amount with a decimal sign and thousands apart, as a spreadsheet does."""
    whole, _, part = f"{value:,.2f}".partition(".")
    return whole.replace(",", thousands) + sign + part


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.decimals("-999999", "9999999", places=2), min_size=1, max_size=6),
    st.sampled_from([(".", ","), (".", ""), (",", "."), (",", ""), (",", "'"), (".", " ")]),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_amounts_of_any_country_are_exact_or_refused(tmp_path_factory, amounts, signs, delimiter, encoding) -> None:
    file = tmp_path_factory.mktemp("csv") / "inv.csv"
    rows = [["provider", "start", "end", "amount", "currency"]]
    rows += [["a", "2026-10-01", "2026-11-01", f'"{exported(one, *signs)}"', "USD"] for one in amounts]
    file.write_text("".join(delimiter.join(row) + "\n" for row in rows), encoding=encoding)
    source = TableSource("inv", file, holds="invoices")
    told = TableSource("inv", file, holds="invoices", decimal=signs[0])
    assert told.read()["amount"].tolist() == amounts
    if source.state().status == "ok":
        assert source.read()["amount"].tolist() == amounts
    else:
        assert "could be two amounts" in source.state().detail


@pytest.mark.parametrize(
    ("amounts", "words"),
    [(["1,000"], "could be two amounts"), (["1,355.90", "1.355,90"], "is no amount"), (["$5"], "is no amount"),
     (["(-5.00)"], "is no amount"), (["1,00,000.00"], "is no amount")],
)  # fmt: skip
def test_an_amount_that_could_be_two_is_refused(amounts, words) -> None:
    with pytest.raises(ParameterError, match=words):
        exact_decimals(amounts)


@pytest.mark.parametrize(
    ("end", "ends", "until"),
    [("2026-10-31", "", "2026-11-01"), ("2026-11-01", "", "2026-11-01"), ("2026-10-30", "", "2026-10-30"),
     ("2026-10-31", "exclusive", "2026-10-31"), ("2026-10-15", "inclusive", "2026-10-16"),
     ("2026-10-31T12:00:00Z", "inclusive", "2026-10-31T12:00:00")],
)  # fmt: skip
def test_a_last_day_that_is_meant_to_be_within_is_within(tmp_path, end, ends, until) -> None:
    (tmp_path / "a.csv").write_text(f"provider,start,end,amount,currency\na,2026-10-01,{end},5,USD\n")
    read = TableSource("inv", tmp_path / "a.csv", holds="invoices", ends=ends).read()
    assert read["end"].tolist() == [pd.Timestamp(until, tz="UTC")]
    assert any("taken as within" in text for text in read.attrs["warnings"]) == (not ends and end == "2026-10-31")


def test_charges_in_the_columns_of_focus_are_invoices_without_naming_fields(tmp_path: Path) -> None:
    (tmp_path / "focus.csv").write_text(
        "ProviderName,ChargePeriodStart,ChargePeriodEnd,BilledCost,BillingCurrency,Tags\n"
        'openai,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,0.0000008,USD,"{""a"": ""b""}"\n'
        "openai,2026-10-02T00:00:00Z,2026-10-03T00:00:00Z,-0.1,USD,\n"
    )
    found = TableSource("inv", tmp_path / "focus.csv", holds="invoices").read()
    assert found["amount"].tolist() == [Decimal("0.0000008"), Decimal("-0.1")]
    assert found["provider"].tolist() == ["openai", "openai"]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_one_thousand_in_a_file_without_commas_is_never_read_as_one(tmp_path: Path, delimiter: str) -> None:
    text = "provider,start,end,amount,currency\np,2026-10-01,2026-11-01,1.000,EUR\n".replace(",", delimiter)
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(AnswerUnreadable, match=r"Column amount: '1\.000' in row 1 could be two amounts"):
        TableSource("t", tmp_path / "t.csv", holds="invoices").read()
    (amount,) = TableSource("t", tmp_path / "t.csv", holds="invoices", decimal=",").read()["amount"]
    assert amount == 1000


@pytest.mark.parametrize(
    ("start", "end", "until"),
    [
        ("2026-10-01", "2026-10-31T23:59:59Z", "2026-11-01"),
        ("2026-10-01", "2026-10-31T23:59:59.999Z", "2026-11-01"),
        ("2026-10-05", "2026-10-05", "2026-10-06"),
        ("2026-10-05", "2026-10-06", "2026-10-06"),
    ],
)
def test_the_last_second_of_a_day_and_a_line_of_one_day_end_at_midnight(
    tmp_path: Path, start: str, end: str, until: str
) -> None:
    (tmp_path / "t.csv").write_text(f"provider,start,end,amount,currency\np,{start},{end},1.50,EUR\n")
    (found,) = TableSource("t", tmp_path / "t.csv", holds="invoices").read()["end"]
    assert found == pd.Timestamp(until, tz="UTC")


def test_ends_of_focus_are_exclusive_and_its_numbers_have_a_point(tmp_path: Path) -> None:
    columns = "ProviderName,ChargePeriodStart,ChargePeriodEnd,BilledCost,BillingCurrency,ChargeCategory,InvoiceId"
    (tmp_path / "t.csv").write_text(
        f"{columns}\np,2026-10-01T00:00:00Z,2026-10-31T00:00:00Z,1.000,USD,Usage,A-1\n".replace(",", ";")
    )
    (row,) = TableSource("t", tmp_path / "t.csv", holds="invoices").read().itertuples()
    assert (row.end, row.amount, row.category, row.invoice_id) == (
        pd.Timestamp("2026-10-31", tz="UTC"),
        1,
        "Usage",
        "A-1",
    )


@pytest.mark.parametrize("text", ["(1,234.50)", "1,234.50-", "\u22121,234.50", "-1\u2019234.50"])
def test_credits_as_accountants_write_them_are_negative(text: str) -> None:
    assert exact_decimals([text, "1.5"]) == [Decimal("-1234.50"), Decimal("1.5")]


@pytest.mark.parametrize(
    ("first", "last"),
    [("01.10.2026", "31.10.2026"), ("01/10/2026", "31/10/2026"), ("10/01/2026", "10/31/2026"), 
     ("1-10-2026", "31-10-2026")],
)  # fmt: skip
def test_days_of_any_country_are_read_where_one_tells_the_order(tmp_path: Path, first: str, last: str) -> None:
    file = tmp_path / "invoices.csv"
    file.write_text(f"sep=|\nProvider|Start|End|Amount|Currency\nopenai|{first}|{last}|5|USD\n")
    frame = TableSource("invoices", file, holds="invoices").read()
    assert frame.loc[0, ["start", "end"]].tolist() == [
        pd.Timestamp("2026-10-01", tz="UTC"), pd.Timestamp("2026-11-01", tz="UTC"),
    ]  # fmt: skip


def test_a_day_that_could_be_two_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "invoices.csv"
    file.write_text("provider,start,end,amount,currency\nopenai,10/01/2026,11/01/2026,5,USD\n")
    with pytest.raises(AnswerUnreadable, match="can be two days"):
        TableSource("invoices", file, holds="invoices").read()
