"""The audit trail keeps what stood there before a change, and after it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("audit_trail", sa.Column("before", sa.JSON))
    op.add_column("audit_trail", sa.Column("after", sa.JSON))


def downgrade() -> None:
    """Take back."""
    op.drop_column("audit_trail", "after")
    op.drop_column("audit_trail", "before")
