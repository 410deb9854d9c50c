"""Who asks, which systems they may see, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from workbench.core.errors import AccessRefused

Role = Literal["viewer", "editor", "admin"]

#: From the least to the most that a role may do.
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class Grant:
    """A role in some systems; ``systems`` is None where it holds in all."""

    role: Role
    systems: tuple[str, ...] | None = None

    def covers(self, system: str) -> bool:
        """Whether the role holds in a system."""
        return self.systems is None or system in self.systems


@dataclass(frozen=True)
class Identity:
    """A person or program that asks; part of every :class:`workbench.studies.Context`.

    Attributes
    ----------
    name : str
        As it stands in reports, decisions and the audit trail.
    grants : tuple of Grant
        What they may do, by system; none for somebody who may see nothing.

    Examples
    --------
    >>> ana = Identity("ana", (Grant("viewer", ("lab", "gateway")), Grant("editor", ("lab",))))
    >>> ana.scope, ana.may("editor", "lab"), ana.may("editor", "gateway"), ana.sees("choreo")
    (('gateway', 'lab'), True, False, False)
    """

    name: str
    grants: tuple[Grant, ...] = ()

    @property
    def scope(self) -> tuple[str, ...] | None:
        """Systems that may be seen, sorted; None means all. Two identities of one scope get the same answers."""
        if any(grant.systems is None for grant in self.grants):
            return None
        return tuple(sorted({system for grant in self.grants for system in grant.systems or ()}))

    def role(self, system: str = "") -> Role | None:
        """Return the highest role in a system; without one, the highest that holds in all systems."""
        held = [grant.role for grant in self.grants if (grant.covers(system) if system else grant.systems is None)]
        return max(held, key=ROLES.index, default=None)

    def sees(self, system: str) -> bool:
        """Whether a system may be seen."""
        return self.role(system) is not None

    def may(self, role: Role, system: str = "") -> bool:
        """Whether the identity has a role, or a higher one, in a system; without one, in all systems."""
        held = self.role(system)
        return held is not None and ROLES.index(held) >= ROLES.index(role)

    def require(self, role: Role, system: str = "") -> None:
        """Refuse whoever does not have a role.

        Raises
        ------
        AccessRefused
            With what is missing and who can give it.
        """
        if system and not self.sees(system):
            raise not_seen(system)
        if not self.may(role, system):
            where = f"for the system {system!r}" if system else "for all systems"
            held = self.role(system) or ("no role" if system else "no role that holds for all of them")
            raise AccessRefused(
                f"This needs the role {role} {where}; {self.name} has {held}.",
                hint="An admin grants roles under [access.groups] in the settings.",
            )


def not_seen(system: str) -> AccessRefused:
    """Return the refusal of a system; it does not say whether the system exists."""
    return AccessRefused(
        f"Your account cannot see a system {system!r}.",
        hint="An admin grants systems under [access.groups] in the settings.",
    )


def local_admin(name: str = "local") -> Identity:
    """Return whoever runs commands and notebooks on the machine itself: they can read its files anyway."""
    return Identity(name, (Grant("admin"),))
