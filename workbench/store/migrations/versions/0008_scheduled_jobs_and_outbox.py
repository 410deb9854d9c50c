"""Scheduled reports, their jobs, and the outbox of what is sent to people."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("planned_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_schedules"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("schedule", sa.String(120), nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("period", sa.String(120), nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("deadline_ms", sa.BigInteger, nullable=False),
        sa.Column("next_ms", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("claims", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        *_lease(),
        sa.Column("begun_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_status_next", "jobs", ["status", "next_ms"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("channel", sa.String(120), nullable=False),
        sa.Column("recipient", sa.String(320), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_ms", sa.BigInteger, nullable=False),
        *_lease(),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("message", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_status_next", "deliveries", ["status", "next_ms"])
    op.create_table(
        "outbox_files",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_outbox_files"),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("finding", sa.String(120), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("opened_ms", sa.BigInteger, nullable=False),
        sa.Column("closed_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", "opened_ms", name="pk_notices"),
    )


def _lease() -> tuple[sa.Column[str], sa.Column[int], sa.Column[float]]:
    return (
        sa.Column("holder", sa.String(120), nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("renewed_s", sa.Float(53), nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    for name in ("notices", "outbox_files", "deliveries", "jobs", "schedules"):
        op.drop_table(name)
