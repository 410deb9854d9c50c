"""The zone of its months belongs to the key of an issue; a lease says when it was renewed since the boot."""

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ZONE = re.compile(r"\((.+)\)$")


def upgrade() -> None:
    """Apply."""
    op.add_column("leases", sa.Column("renewed_s", sa.Float(53), nullable=False, server_default="0"))
    rows = _issues()
    for row in rows:
        named = _ZONE.search(str(row["manifest"].get("period", "")))
        row["zone"] = named[1] if named else "UTC"
    _recreate(rows, zone=(sa.Column("zone", sa.String(64), nullable=False),))


def downgrade() -> None:
    """Take back; issues of one period in several zones are kept for one of them."""
    op.drop_column("leases", "renewed_s")
    kept = {(row["report"], row["system"], row["period"], row["number"]): row for row in _issues("zone")}
    for row in kept.values():
        del row["zone"]
    _recreate(list(kept.values()), zone=())


def _table(*zone: sa.Column[Any]) -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("report", sa.String(120), nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("period", sa.String(120), nullable=False),
        *zone,
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.String(200), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("figures_sha256", sa.String(64), nullable=False),
        sa.Column("manifest", sa.JSON, nullable=False),
    )


def _issues(*more: str) -> list[dict[str, Any]]:
    columns = [sa.Column(name, sa.String(64)) for name in more]
    table = sa.Table("issues", sa.MetaData(), *_table(*columns))
    return [dict(row._mapping) for row in op.get_bind().execute(sa.select(table))]


def _recreate(rows: list[dict[str, Any]], *, zone: tuple[sa.Column[Any], ...]) -> None:
    op.drop_table("issues")
    key = ("report", "system", "period", *(column.name for column in zone), "number")
    table = op.create_table("issues", *_table(*zone), sa.PrimaryKeyConstraint(*key, name="pk_issues"))
    if rows:
        op.bulk_insert(table, rows)
