"""What was said at reviews: items that people ticked off, and the verdicts of each finished review."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("review", sa.String(20), nullable=False),
        sa.Column("item", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
    )
    op.create_index("ix_reviews_system_review", "reviews", ["system", "review"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_reviews_system_review", table_name="reviews")
    op.drop_table("reviews")
