from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

import workbench.store
from workbench.core.errors import ArchiveError
from workbench.core.timerange import TimeRange
from workbench.store import HistoryKey, Store
from workbench.store.engine import HEAD, open_engine, reading, writing
from workbench.store.models import metadata

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MIGRATIONS = Path(workbench.store.__file__).parent / "migrations"


def test_the_program_knows_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_a_new_store_has_the_tables_that_the_migrations_make(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    made = tables_of(engine)
    migrate(engine, command.downgrade, "base")
    migrate(engine, command.upgrade, "head")
    assert tables_of(engine) == made
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def tables_of(engine: Engine) -> dict[str, object]:
    """Columns, keys and indexes of every table, whatever their order; and the revision."""
    with reading(engine) as connection:
        seen = inspect(connection)
        tables: dict[str, object] = {
            table: (
                sorted(
                    (column["name"], str(column["type"]), column["nullable"], column["default"])
                    for column in seen.get_columns(table)
                ),
                seen.get_pk_constraint(table)["constrained_columns"],
                sorted(str(key["column_names"]) for key in seen.get_unique_constraints(table)),
                sorted(str(index["column_names"]) for index in seen.get_indexes(table)),
                sorted(str(key["constrained_columns"]) for key in seen.get_foreign_keys(table)),
            )
            for table in seen.get_table_names()
        }
        return {**tables, "revision": connection.execute(text("SELECT version_num FROM alembic_version")).scalar()}


def migrate(engine: Engine, change: Callable[[Config, str], None], revision: str) -> None:
    with writing(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        change(config, revision)


def test_every_migration_can_be_taken_back(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(engine, command.downgrade, "base")
    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()


@pytest.mark.slow
def test_report_runs_outlive_an_upgrade(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = Store(url)
    begun = store.start_run(report="monthly", system="lab", period="2026-10", parameters={},
                            started_at=datetime(2026, 11, 1, tzinfo=UTC), version="0", identity="ana")  # fmt: skip
    store.close()
    engine = open_engine(url)
    migrate(engine, command.downgrade, "0001")
    engine.dispose()
    upgraded = Store(url)
    assert upgraded.runs() == [begun]
    upgraded.close()


@pytest.mark.parametrize("bounds", [{}, {"good_low": [None, *[3.0] * 599], "good_high": -0.0}])
def test_counts_outlive_an_upgrade_and_damaged_ones_stay_damaged(tmp_path: Path, bounds: dict[str, object]) -> None:
    path = tmp_path / "store.db"
    url, span = f"sqlite:///{path}", TimeRange(NOON, NOON + timedelta(days=3))
    times = pd.date_range(NOON, periods=600, freq="5min")
    counts = pd.DataFrame({"time": times, "good": np.linspace(0, 1, 600), "total": 2.0, "covered": 1.0}).assign(
        **bounds
    )
    keys = [HistoryKey("lab", slo, "r" * 64) for slo in ("whole", "damaged")]
    store = Store(url)
    for key in keys:
        store.put_slices(key, counts, method="exact", read_at=NOON)
    before = store.slices(keys[0], span)
    assert before is not None
    store.close()
    engine = open_engine(url)
    migrate(engine, command.downgrade, "0012")
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("SELECT count(*), min(good), max(total) FROM slice_counts").fetchone() == (1200, 0, 2)
        connection.execute("UPDATE slice_counts SET total = 3 WHERE history_id = 2 AND good > 0.9995")
        connection.execute("UPDATE slice_counts SET row_sum = NULL WHERE history_id = 1 AND good > 0.5")
    upgraded = Store(url)
    after = upgraded.slices(keys[0], span)
    assert after is not None
    pd.testing.assert_frame_equal(after.frame, before.frame, check_exact=True)
    assert after.read_ms.tolist() == before.read_ms.tolist()
    assert upgraded.slices(keys[1], TimeRange(NOON, NOON + timedelta(days=1))) is not None
    with pytest.raises(ArchiveError, match="stored counts of damaged of lab on 2026-11-03"):
        upgraded.slices(keys[1], span)
    upgraded.close()


def test_an_upgrade_keeps_a_copy_of_the_store_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine, command.downgrade, "0006")
    engine.dispose()
    open_engine(f"sqlite:///{path}").dispose()
    copy = tmp_path / "store.db.0006"
    assert copy.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(copy)) as held:
        assert held.execute("SELECT version_num FROM alembic_version").fetchall() == [("0006",)]
    open_engine(f"sqlite:///{path}").dispose()
    assert sorted(one.name for one in tmp_path.glob("store.db.0*")) == ["store.db.0006"]


@pytest.mark.slow
def test_sqlite_waits_for_other_writers_and_keeps_a_write_ahead_log(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    with reading(engine) as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        ]
    assert settings == ["wal", 30_000, 1]
    engine.dispose()
