"""Answers of whole studies, computed once for all who may see them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "study_answers",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("study", sa.String(120), nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("as_of_ms", sa.BigInteger, nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.Column("data", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", "scope", name="pk_study_answers"),
    )
    op.create_index("ix_study_answers_made_ms", "study_answers", ["made_ms"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_study_answers_made_ms", "study_answers")
    op.drop_table("study_answers")
