"""Which roles count the same things, and which are parts of others."""

from __future__ import annotations

from workbench.catalog.profile.model import Role


def views_of(role: Role) -> tuple[str, ...]:
    """Roles that count the same things already; empty when this role counts them first."""
    return (role.view_of,) if isinstance(role.view_of, str) else role.view_of or ()


def container_of(role: Role) -> str:
    """Return the role that contains what this one counts; empty when none does."""
    return role.inside or ""
