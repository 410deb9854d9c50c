"""Report runs and slice counts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "report_runs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("report", sa.String(120), nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("period", sa.String(120), nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("path", sa.Text),
        sa.Column("sha256", sa.String(64)),
        sa.Column("error", sa.Text),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("identity", sa.String(200), nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_runs"),
    )
    op.create_index("ix_report_runs_report_system_started", "report_runs", ["report", "system", "started_at"])
    op.create_table(
        "slice_histories",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("slo", sa.String(120), nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("slice_ms", sa.Integer, nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
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
        sa.PrimaryKeyConstraint("history_id", "start_ms", name="pk_slice_counts"),
        sa.ForeignKeyConstraint(
            ["history_id"], ["slice_histories.id"], name="fk_slice_counts_history_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("slice_counts")
    op.drop_table("slice_histories")
    op.drop_index("ix_report_runs_report_system_started", "report_runs")
    op.drop_table("report_runs")
