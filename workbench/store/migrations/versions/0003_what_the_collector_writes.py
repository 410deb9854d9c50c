"""What the collector writes down: leases, kept answers, observations, health, episodes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("leases", "kept_answers", "observations", "collections", "health_results", "alert_episodes")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("holder", sa.String(120), nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "kept_answers",
        sa.Column("question", sa.String(120), nullable=False),
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("as_of_ms", sa.BigInteger, nullable=False),
        sa.Column("read_at_ms", sa.BigInteger, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("question", "subject", "revision", name="pk_kept_answers"),
    )
    op.create_table(
        "observations",
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("first_seen_ms", sa.BigInteger, nullable=False),
        sa.Column("last_seen_ms", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("subject", "kind", "first_seen_ms", name="pk_observations"),
    )
    op.create_table(
        "collections",
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("tried_ms", sa.BigInteger, nullable=False),
        sa.Column("succeeded_ms", sa.BigInteger),
        sa.Column("every_ms", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("subject", "kind", name="pk_collections"),
    )
    op.create_table(
        "health_results",
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("endpoint", sa.String(120), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("code", sa.Integer),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("system", "endpoint", "at_ms", name="pk_health_results"),
    )
    op.create_table(
        "alert_episodes",
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("alertname", sa.String(200), nullable=False),
        sa.Column("labels_key", sa.String(64), nullable=False),
        sa.Column("starts_ms", sa.BigInteger, nullable=False),
        sa.Column("active_ms", sa.BigInteger),
        sa.Column("ends_ms", sa.BigInteger),
        sa.Column("severity", sa.String(40), nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("left_censored", sa.Boolean, nullable=False),
        sa.Column("right_censored", sa.Boolean, nullable=False),
        sa.Column("unknown_s", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("system", "alertname", "labels_key", "starts_ms", name="pk_alert_episodes"),
    )


def downgrade() -> None:
    """Take back."""
    for name in reversed(_TABLES):
        op.drop_table(name)
