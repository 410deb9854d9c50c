"""What people say of single alerts: useful, or no action was needed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "alert_tags",
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("alertname", sa.String(500), nullable=False),
        sa.Column("labels_key", sa.String(64), nullable=False),
        sa.Column("starts_ms", sa.BigInteger, nullable=False),
        sa.Column("tag", sa.String(20), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("tagged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tagged_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("system", "alertname", "labels_key", "starts_ms", name="pk_alert_tags"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("alert_tags")
