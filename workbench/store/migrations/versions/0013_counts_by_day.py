"""Counts of slices are kept by day, packed and sealed, in place of a row each: a month is read in a tenth of the time.

Rows that were not what was written stay damaged: their day gets no valid seal.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op
from numpy.typing import NDArray

from workbench.store.sums import COUNTED, opened, packed, sealed, unpacked

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_DAY_MS = 86_400_000
_ROWS = sa.table("slice_counts", *(sa.column(name) for name in ("history_id", *COUNTED, "row_sum")))
_DAYS = sa.table("count_days", sa.column("history_id"), sa.column("day"), sa.column("content", sa.LargeBinary))


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "count_days",
        sa.Column("history_id", sa.Integer, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("history_id", "day", name="pk_count_days"),
        sa.ForeignKeyConstraint(
            ["history_id"], ["slice_histories.id"], name="fk_count_days_history_id", ondelete="CASCADE"
        ),
    )
    connection = op.get_bind()
    for history in connection.execute(sa.select(_ROWS.c.history_id).distinct()).scalars().all():
        query = sa.select(*_ROWS.c).where(_ROWS.c.history_id == history).order_by(_ROWS.c.start_ms)
        days = list(_days(history, connection.execute(query).fetchall()))
        connection.execute(_DAYS.insert(), days)
    op.drop_table("slice_counts")


def downgrade() -> None:
    """Take back."""
    op.create_table(
        "slice_counts",
        sa.Column("history_id", sa.Integer, nullable=False),
        sa.Column("start_ms", sa.BigInteger, nullable=False),
        sa.Column("good", sa.Float(53), nullable=False),
        sa.Column("total", sa.Float(53), nullable=False),
        sa.Column("covered", sa.Float(53), nullable=False),
        sa.Column("read_at_ms", sa.BigInteger, nullable=False),
        sa.Column("good_low", sa.Float(53)),
        sa.Column("good_high", sa.Float(53)),
        sa.Column("row_sum", sa.BigInteger),
        sa.PrimaryKeyConstraint("history_id", "start_ms", name="pk_slice_counts"),
        sa.ForeignKeyConstraint(
            ["history_id"], ["slice_histories.id"], name="fk_slice_counts_history_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    for history, day, content in connection.execute(sa.select(*_DAYS.c)).fetchall():
        if (counts := opened(content, history, day)) is not None:
            connection.execute(_ROWS.insert(), list(_rows(history, unpacked(counts))))
    op.drop_table("count_days")


def _days(history: int, rows: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for day, own in groupby(rows, key=lambda row: row.start_ms // _DAY_MS):
        part = list(own)
        columns = {name: np.array([getattr(row, name) for row in part], np.float64) for name in COUNTED}
        sums = _row_sums(history, columns).tolist()
        whole = all(row.row_sum in (None, now) for row, now in zip(part, sums, strict=True))
        content = sealed(packed(columns), history, day) if whole else bytes(16) + packed(columns)
        yield {"history_id": history, "day": day, "content": content}


def _rows(history: int, columns: dict[str, NDArray[np.float64]]) -> Iterator[dict[str, Any]]:
    times = {name: columns[name].astype(np.int64) for name in ("start_ms", "read_at_ms")}
    sums, held = _row_sums(history, columns).tolist(), {**columns, **times}
    for row_sum, *row in zip(sums, *(held[name].tolist() for name in COUNTED), strict=True):
        counts = {name: None if value != value else value for name, value in zip(COUNTED, row, strict=True)}
        yield {"history_id": history, **counts, "row_sum": row_sum}


def _row_sums(history: int, columns: dict[str, NDArray[np.float64]]) -> NDArray[np.int64]:
    """Return the sums of revision 0012: the 64 bits of each column are mixed in as in MurmurHash3's finaliser."""
    mixed = np.zeros(len(columns["start_ms"]), np.uint64)
    for values in (np.full(len(mixed), float(history)), *(columns[name] for name in COUNTED)):
        numbers = values + 0.0
        numbers[np.isnan(numbers)] = np.nan
        mixed = (mixed ^ numbers.view(np.uint64)) * np.uint64(0xFF51AFD7ED558CCD)
        mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
        mixed ^= mixed >> np.uint64(33)
    return (mixed >> np.uint64(1)).astype(np.int64)
