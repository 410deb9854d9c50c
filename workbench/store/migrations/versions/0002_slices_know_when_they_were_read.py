"""Each slice knows when it was read; the counts so far are dropped, they are read again from their source."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _recreate(history=(), slice_=(sa.Column("read_at_ms", sa.BigInteger, nullable=False),))


def downgrade() -> None:
    """Take back."""
    _recreate(history=(sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),), slice_=())


def _recreate(history: tuple[sa.Column[Any], ...], slice_: tuple[sa.Column[Any], ...]) -> None:
    op.drop_table("slice_counts")
    op.drop_table("slice_histories")
    op.create_table(
        "slice_histories",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("slo", sa.String(120), nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("slice_ms", sa.Integer, nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        *history,
        sa.PrimaryKeyConstraint("id", name="pk_slice_histories"),
        sa.UniqueConstraint("system", "slo", "revision", "slice_ms", name="uq_slice_histories_system"),
    )
    op.create_table(
        "slice_counts",
        sa.Column("history_id", sa.Integer, nullable=False),
        sa.Column("start_ms", sa.BigInteger, nullable=False),
        sa.Column("good", sa.Float(53), nullable=False),
        sa.Column("total", sa.Float(53), nullable=False),
        sa.Column("covered", sa.Float(53), nullable=False),
        *slice_,
        sa.PrimaryKeyConstraint("history_id", "start_ms", name="pk_slice_counts"),
        sa.ForeignKeyConstraint(
            ["history_id"], ["slice_histories.id"], name="fk_slice_counts_history_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
