"""What people decide: exclusions, annotations, definitions, issued reports, and who did what."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = ("exclusions", "annotations", "audit_trail", "definitions", "issues")


def _revocable() -> list[sa.Column[Any]]:
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_by", sa.String(200)),
        sa.Column("revoked_why", sa.Text),
    ]


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "exclusions",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("slo", sa.String(120), nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("semantics", sa.String(20), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule", sa.String(500), nullable=False),
        sa.Column("duration", sa.String(40), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        *_revocable(),
        sa.PrimaryKeyConstraint("id", name="pk_exclusions"),
    )
    op.create_index("ix_exclusions_system", "exclusions", ["system"])
    op.create_table(
        "annotations",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("slo", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        *_revocable(),
        sa.PrimaryKeyConstraint("id", name="pk_annotations"),
    )
    op.create_index("ix_annotations_system_starts", "annotations", ["system", "starts_at"])
    op.create_table(
        "audit_trail",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_trail"),
    )
    op.create_table(
        "definitions",
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("slo", sa.String(120), nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.String(64), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("system", "slo", "since_ms", name="pk_definitions"),
    )
    op.create_table(
        "issues",
        sa.Column("report", sa.String(120), nullable=False),
        sa.Column("system", sa.String(120), nullable=False),
        sa.Column("period", sa.String(120), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.String(200), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("figures_sha256", sa.String(64), nullable=False),
        sa.Column("manifest", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("report", "system", "period", "number", name="pk_issues"),
    )


def downgrade() -> None:
    """Take back."""
    for name in reversed(_TABLES):
        op.drop_table(name)
