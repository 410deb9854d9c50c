from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

import workbench.store
from workbench.store.engine import HEAD, open_engine, reading, writing
from workbench.store.models import metadata

MIGRATIONS = Path(workbench.store.__file__).parent / "migrations"


def test_the_program_knows_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_the_migrations_make_the_tables_of_the_models(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_every_migration_can_be_taken_back(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")

    def downgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    with writing(engine) as connection:
        downgrade(connection)
    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_sqlite_waits_for_other_writers_and_keeps_a_write_ahead_log(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    with reading(engine) as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        ]
    assert settings == ["wal", 30_000, 1]
    engine.dispose()
