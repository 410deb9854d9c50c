"""Counts are kept whole: bounds of the good events by slice, and what is to be known about a history."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("slice_counts", sa.Column("good_low", sa.Float(53)))
    op.add_column("slice_counts", sa.Column("good_high", sa.Float(53)))
    op.add_column("slice_histories", sa.Column("header", sa.JSON))


def downgrade() -> None:
    """Take back."""
    op.drop_column("slice_histories", "header")
    op.drop_column("slice_counts", "good_high")
    op.drop_column("slice_counts", "good_low")
