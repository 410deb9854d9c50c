"""Tables of others: CSV, Parquet, or one table of a database, read whole for invoices, deployments, incidents, labels.

Only reads: a database gets one ``SELECT`` of named columns. What a table holds decides which columns it must have;
``fields`` of the settings give them their names there.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Engine, MetaData, Table, create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from workbench.core.errors import (
    AnswerUnreadable,
    ParameterError,
    QueryTooExpensive,
    SourceUnavailable,
    WorkbenchError,
)
from workbench.core.settings import SourceSettings
from workbench.core.settings.secrets import Secret
from workbench.core.source import SourceState
from workbench.store.text_tables import exact_decimals, iso_days, read_text_table, with_whole_last_day

if TYPE_CHECKING:
    from collections.abc import Iterator

#: More rows than this are refused: a table of decisions is small. [count]
MAX_ROWS = 1_000_000

#: What a table must have, by what it holds; further columns are kept as they are.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "invoices": ("provider", "start", "end", "amount", "currency"),
    "deployments": ("time", "service"),
    "incidents": ("id", "starts_at"),
    "labels": (),
    "budgets": ("amount", "currency"),
    "rates": ("date", "base", "quote", "rate"),
    "answers": ("time", "score"),
    "": (),
}

#: Columns of FOCUS, which say what an invoice says: https://focus.finops.org/focus-specification/v1-2.
_FOCUS: Mapping[str, str] = {
    "ProviderName": "provider",
    "ChargePeriodStart": "start",
    "ChargePeriodEnd": "end",
    "BilledCost": "amount",
    "BillingCurrency": "currency",
}
_FOCUS_FURTHER: Mapping[str, str] = {
    "ChargeCategory": "category",
    "InvoiceId": "invoice_id",
    "BillingPeriodStart": "billing_start",
}

#: Columns read as instants (UTC unless they say otherwise) and as exact amounts.
_TIMES = ("time", "start", "end", "billing_start", "starts_at", "ends_at", "commit_time", "resolved_at",
          "acknowledged_at", "acked_at", "first_acknowledged_at", "first_ack_at")  # fmt: skip
_AMOUNTS = ("amount", "quantity", "unit_price", "rate")


#: How long a database may take to let us in and to answer.
_PATIENCE: Mapping[str, dict[str, Any]] = {
    "postgresql": {"connect_timeout": 10, "options": "-c statement_timeout=60000 -c default_transaction_read_only=on"},
    "mysql": {"connect_timeout": 10},
    "sqlite": {"timeout": 10},
}


@dataclass(frozen=True)
class TableSource:
    """A table of one kind of record.

    Attributes
    ----------
    name : str
        Name in the settings.
    path : Path or None
        CSV or Parquet, also gzipped; or a pattern of a shell. Or else:
    database : Secret or None
        SQLAlchemy URL; a secret, as it holds a password.
    table : str
        ``name`` or ``schema.name``.
    holds : str
        ``invoices``, ``budgets``, ``rates``, ``deployments``, ``incidents``, ``labels``, ``answers`` or empty.
    fields : mapping of str to str
        Column of the workbench -> column of the table.
    delimiter : str
        Between the cells of CSV; empty takes the one of ``,``, ``;``, tab and ``|`` that the header has most of.
    decimal : {"", ".", ","}
        Decimal sign of amounts; empty takes the one that the amounts prove, else the point.
    ends : {"", "exclusive", "inclusive"}
        Whether the last day of an invoice is within it; empty takes the last day of a month as within.
    records : {"", "logs", "spans"}
        The rows are log lines or spans of the systems instead; studies read them where these are kept.
    event, service : str
        Event type of the lines or operation of the spans, and their service; empty takes all.
    """

    name: str
    path: Path | None = None
    database: Secret | None = None
    table: str = ""
    holds: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ""
    decimal: str = ""
    ends: str = ""
    records: str = ""
    event: str = ""
    service: str = ""

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings) -> TableSource:
        """Build a source from its part of the settings file."""
        return cls(
            name, settings.path, settings.database, settings.table, settings.holds, settings.fields,
            settings.delimiter, settings.decimal, settings.ends, settings.records, settings.event, settings.service,
        )  # fmt: skip

    @property
    def location(self) -> str:
        """Path, or the table without the address of its database."""
        if self.records:
            return f"{self.records} of its systems" + (f", {self.event}" if self.event else "")
        return str(self.path) if self.path else f"table {self.table}"

    def read(self) -> pd.DataFrame:
        """Return all rows, columns under the workbench's names.

        Returns
        -------
        DataFrame
            Instants aware UTC in ms, amounts Decimal, all else text; warnings in ``.attrs["warnings"]``.

        Raises
        ------
        SourceUnavailable
            It is not there, or does not answer.
        AnswerUnreadable
            A column that it must have is absent, or a value cannot be read: with its row.
        QueryTooExpensive
            More than a million rows.
        """
        if self.records:
            raise ParameterError(
                f"The rows of {self.name} are {self.records} of a system and no table.", hint="Use them as answers."
            )
        frame = self._of_files(self.path) if self.path else self._of_database()
        named = {theirs: ours for ours, theirs in self.fields.items()}
        focus = self.holds == "invoices" and set(_FOCUS) - set(named) <= set(frame.columns)
        if focus:
            named = {**_FOCUS, **_FOCUS_FURTHER, **named}
        delimiter = str(frame.attrs.get("delimiter", ","))
        frame = frame.rename(columns=named)
        frame = _usual_names(frame, REQUIRED[self.holds])
        missing = [column for column in REQUIRED[self.holds] if column not in frame.columns]
        if missing:
            raise AnswerUnreadable(
                f"No column {missing[0]!r} for {self.holds} (there are: {', '.join(map(str, frame.columns))}).",
                source=self.name,
                hint=f'Name it in the settings: fields = {{ {missing[0]} = "their name" }}.',
            )
        warnings: list[str] = []
        try:
            days = iso_days({column: frame[column].tolist() for column in frame.columns if column in _TIMES})
        except ParameterError as error:
            raise AnswerUnreadable(error.message, source=self.name, hint=error.hint) from None
        for column in frame.columns:
            if column in _TIMES:
                frame[column] = pd.Series(days[column], index=frame.index, dtype=object)
                frame[column] = self._instants(frame[column], warnings)
            elif column in _AMOUNTS:
                frame[column] = self._amounts(frame[column], "." if focus else self.decimal, delimiter)
        if self.holds == "invoices":
            frame = with_whole_last_day(frame, self.ends or ("exclusive" if focus else ""), warnings)
        frame.attrs["warnings"] = tuple(warnings)
        return frame

    def oldest(self) -> datetime | None:
        """Return the first instant of the table; None when no column holds one. Raises as :meth:`read`."""
        if self.records:
            return None
        frame = self.read()
        times = [frame[column].min() for column in _TIMES if column in frame.columns]
        return min((time.to_pydatetime() for time in times if pd.notna(time)), default=None)

    def state(self) -> SourceState:
        """Say whether the table can be read, and how new its newest row is; never raises."""
        if self.records:
            detail = f"Its rows are {self.records}; see the source that keeps them."
            return SourceState(self.name, "table", self.location, "ok", self.records, "", None, detail, 0)
        status, newest, detail, code = "unavailable", None, "", 0
        try:
            frame = self.read()
            times = [frame[column].max() for column in _TIMES if column in frame.columns]
            newest = max((time.to_pydatetime() for time in times if pd.notna(time)), default=None)
            status = "ok" if len(frame) else "no_data"
            detail = " ".join([f"{len(frame):,} rows.", *frame.attrs["warnings"]])
        except WorkbenchError as error:
            detail, code = f"{error.message} {error.hint}".strip(), error.exit_code
        engine = "files" if self.path else "SQL"
        return SourceState(self.name, "table", self.location, status, engine, "", newest, detail, code)

    def _of_files(self, path: Path) -> pd.DataFrame:
        files = [Path(name) for name in sorted(glob.glob(str(path)))]
        if not files:
            raise SourceUnavailable(f"There is no file at {path}.", source=self.name, hint="Check path.")
        parts = []
        for file in files:
            try:
                if ".parquet" in file.suffixes:
                    parts.append(_parquet(file))
                else:
                    parts.append(read_text_table(file, delimiter=self.delimiter, rows=MAX_ROWS + 1))
            except (OSError, ValueError, EOFError) as error:
                first = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise AnswerUnreadable(
                    f"{file.name} cannot be read: {first}", source=self.name, hint="It must be CSV (UTF-8) or Parquet."
                ) from None
        delimiters = {str(part.attrs.get("delimiter", ",")) for part in parts}
        table = pd.concat(parts, ignore_index=True)
        table.attrs["delimiter"] = next(iter(delimiters - {","}), ",")
        return self._small(table)

    def _of_database(self) -> pd.DataFrame:
        schema, _, bare = self.table.rpartition(".")
        with self._connected() as engine, engine.connect() as connection:
            table = Table(bare, MetaData(), schema=schema or None, autoload_with=engine)
            rows = connection.execute(select(*table.columns).limit(MAX_ROWS + 1)).fetchall()
            return self._small(pd.DataFrame(rows, columns=[column.name for column in table.columns]))

    @contextmanager
    def _connected(self) -> Iterator[Engine]:
        """Open the database; no error that leaves holds the address, it may hold a password."""
        engine: Engine | None = None
        try:
            location = make_url(self.database.reveal() if self.database else "")
            kind, file = location.get_backend_name(), location.database or ""
            if kind == "sqlite" and not Path(file).is_file():
                raise SourceUnavailable("There is no such SQLite file.", source=self.name, hint="Check database.")
            engine = create_engine(location, connect_args=_PATIENCE.get(kind, {}))
            yield engine
        except NoSuchTableError:
            raise SourceUnavailable(
                f"The database has no table {self.table!r}.", source=self.name, hint="Check table, with its schema."
            ) from None
        except (ArgumentError, NoSuchModuleError, ImportError):
            raise SourceUnavailable(
                "The URL of the database is not one of SQLAlchemy, or its driver is not installed.",
                source=self.name,
                hint="E.g. postgresql+psycopg://user:password@host/name; drivers are extras.",
            ) from None
        except SQLAlchemyError as error:
            raise SourceUnavailable(
                f"The database cannot be read ({type(error).__name__}).",
                source=self.name,
                hint="Does it run, and may this user read the table?",
            ) from None
        finally:
            if engine is not None:
                with suppress(SQLAlchemyError):
                    engine.dispose()

    def _small(self, frame: pd.DataFrame) -> pd.DataFrame:
        if len(frame) > MAX_ROWS:
            raise QueryTooExpensive(
                f"The table has more than {MAX_ROWS:,} rows.", source=self.name, hint="Give a view with fewer."
            )
        return frame

    def _instants(self, column: pd.Series, warnings: list[str]) -> pd.Series:
        read = [self._instant(value, row, column.name) for row, value in enumerate(column, start=1)]
        naive = sum(stated for _, stated in read)
        if naive:
            times = "1 time" if naive == 1 else f"{naive:,} times"
            phrase = "names no zone and is" if naive == 1 else "name no zone and are"
            warnings.append(f"{times} in {column.name} {phrase} taken as UTC.")
        return pd.Series(pd.to_datetime([moment for moment, _ in read], utc=True), index=column.index).dt.as_unit("ms")

    def _instant(self, value: Any, row: int, column: Any) -> tuple[datetime | None, bool]:
        if value is None or value is pd.NaT or value == "" or (isinstance(value, float) and pd.isna(value)):
            return None, False
        try:
            instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise AnswerUnreadable(
                f"{str(value)[:40]!r} in row {row} of {column} is no time.", source=self.name, hint="Use ISO 8601."
            ) from None
        return (instant, False) if instant.tzinfo else (instant.replace(tzinfo=UTC), True)

    def _amounts(self, column: pd.Series, decimal: str, delimiter: str) -> pd.Series:
        try:
            amounts = exact_decimals(column.tolist(), decimal=decimal, delimiter=delimiter)
        except ParameterError as error:
            raise AnswerUnreadable(
                f"Column {column.name}: {error.message}", source=self.name, hint=error.hint
            ) from None
        return pd.Series(amounts, index=column.index, dtype=object)


def _parquet(file: Path) -> pd.DataFrame:
    """Read a file and each of its texts: that one is not UTF-8 is no error until it is used."""
    try:
        frame = pd.read_parquet(file)
        for _, column in frame.select_dtypes(["str", "category"]).items():
            column.to_numpy()
    except (OSError, ValueError, EOFError):
        raise
    except Exception as error:  # of Arrow, which this room does not know
        raise ValueError("a value cannot be decoded; texts must be UTF-8") from error
    return frame


def _usual_names(frame: pd.DataFrame, required: tuple[str, ...]) -> pd.DataFrame:
    """Name columns that must be there as usual where only the case or a blank differs, as in ``Amount``."""
    names: dict[str, list[Any]] = {}
    for column in frame.columns:
        names.setdefault(str(column).strip().lower(), []).append(column)
    absent = [name for name in required if name not in frame.columns and len(names.get(name, ())) == 1]
    return frame.rename(columns={names[name][0]: name for name in absent})
