"""A number per slice of counts that shows whether its row is what was written; rows from before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("slice_counts", sa.Column("row_sum", sa.BigInteger))


def downgrade() -> None:
    """Take back."""
    op.drop_column("slice_counts", "row_sum")
