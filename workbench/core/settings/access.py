"""Settings of who may use the dashboard, and which systems each group may see."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Collection, Mapping
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from workbench.core.access.identity import Grant, Identity, Role
from workbench.core.errors import SettingsError
from workbench.core.settings.secrets import Frozen, SecretRef

#: Stands for every system in ``systems``, and for everybody who signed in in ``members``.
ALL = "*"

#: Names of this machine, which nobody else can reach.
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Group(Frozen):
    """A group of people: its name is the one that the provider or the proxy gives; ``members`` belong to it anyway."""

    role: Role = "viewer"
    systems: tuple[str, ...] = ()
    members: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.systems:
            raise ValueError('a group needs systems = ["name", ...], or ["*"] for all systems')
        if ALL in self.systems and len(self.systems) > 1:
            raise ValueError('systems is ["*"] or a list of names, not both')
        if self.role == "admin" and ALL not in self.systems:
            raise ValueError('an admin sees everything: write systems = ["*"], or role = "editor"')
        return self

    @property
    def grant(self) -> Grant:
        """The role of its people, and where it holds."""
        return Grant(self.role, None if ALL in self.systems else self.systems)


class OidcSettings(Frozen):
    """A provider of OpenID Connect; ``redirect_uri`` is the dashboard's own address with ``/oauth2callback``."""

    metadata_url: str
    client_id: str
    client_secret: SecretRef
    cookie_secret: SecretRef
    redirect_uri: str
    scopes: str = "openid profile email"
    name_claim: str = "email"
    groups_claim: str = "groups"

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        for field in ("metadata_url", "redirect_uri"):
            parts = urlsplit(getattr(self, field))
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{field} is a web address: https://…")
            if parts.scheme == "http" and parts.hostname not in LOOPBACK:
                raise ValueError(f"{field} must be https: codes and cookies would travel in the open")
        if urlsplit(self.redirect_uri).path.rsplit("/", 1)[-1] != "oauth2callback":
            raise ValueError("redirect_uri ends in /oauth2callback")
        return self


class ProxySettings(Frozen):
    """An authenticating proxy: its headers count only in requests that come from ``addresses``."""

    addresses: tuple[str, ...]
    user_header: str = "X-Forwarded-User"
    groups_header: str = "X-Forwarded-Groups"

    @model_validator(mode="after")
    def _networks(self) -> Self:
        if not self.addresses:
            raise ValueError('addresses names the proxy: ["10.0.0.5"] or a network ["10.0.0.0/24"]')
        for text in self.addresses:
            try:
                network = ipaddress.ip_network(text)
            except ValueError as error:
                raise ValueError(f"addresses: {error}") from None
            if network.prefixlen == 0:
                raise ValueError(f"addresses: {text} is everybody; name the proxy's own address")
        return self

    def trusts(self, address: str) -> bool:
        """Whether a peer is the proxy.

        Examples
        --------
        >>> ProxySettings(addresses=("10.0.0.0/24",)).trusts("10.0.1.7")
        False
        """
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in ipaddress.ip_network(text) for text in self.addresses)


class AccessSettings(Frozen):
    """Who may use the dashboard.

    ``sign_in`` is empty where it serves this machine only. ``open`` lets it listen on other addresses without
    sign-in: whoever reaches it then sees everything.
    """

    sign_in: Literal["", "oidc", "proxy"] = ""
    open: bool = False
    oidc: OidcSettings | None = None
    proxy: ProxySettings | None = None
    groups: Mapping[str, Group] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.sign_in and getattr(self, self.sign_in) is None:
            raise ValueError(f'sign_in = "{self.sign_in}" needs [access.{self.sign_in}]')
        if self.sign_in and self.open:
            raise ValueError("open = true and sign_in contradict each other: leave one out")
        if self.sign_in and not self.groups:
            raise ValueError("sign_in needs at least one group: without a group no user may see anything")
        if self.groups and not self.sign_in:
            raise ValueError('groups need sign_in = "oidc" or "proxy": without it users have no names')
        return self

    def check_address(self, address: str) -> None:
        """Refuse to listen where others reach the dashboard and nobody is asked who they are.

        Parameters
        ----------
        address : str
            Address to listen on; empty means all of this machine.

        Raises
        ------
        SettingsError
            It is no loopback address, and the settings name neither a sign-in nor ``open = true``.
        """
        if self.sign_in or self.open or is_loopback(address):
            return
        raise SettingsError(
            f"The dashboard would listen on {address or 'every address'} without a sign-in: "
            "everybody who reaches it would see every system.",
            hint='Set sign_in = "oidc" or "proxy" under [access] in the settings (docs/access.md), '
            "or write open = true there if everybody may see everything.",
        )

    def identity(self, name: str, groups: Collection[str]) -> Identity:
        """Return who somebody is, with the grants of all groups that they are in.

        Parameters
        ----------
        name : str
            As the provider or the proxy gives it.
        groups : collection of str
            Likewise.
        """
        theirs = [
            group.grant
            for title, group in self.groups.items()
            if title in groups or name in group.members or ALL in group.members
        ]
        return Identity(name, tuple(theirs))

    def unknown_systems(self, known: Collection[str]) -> list[str]:
        """Say which groups name a system that does not exist: their people see nothing of what was meant.

        Parameters
        ----------
        known : collection of str
            Systems of the catalog.

        Returns
        -------
        list of str
            A sentence per mistake, with the nearest name there is.

        Examples
        --------
        >>> settings = AccessSettings(
        ...     sign_in="proxy",
        ...     proxy=ProxySettings(addresses=("127.0.0.1",)),
        ...     groups={"ops": Group(systems=("condiut",))},
        ... )
        >>> settings.unknown_systems(["conduit", "choreoai"])
        ["Group 'ops' names the system 'condiut', which does not exist. Did you mean 'conduit'?"]
        """
        sentences = []
        for title, group in self.groups.items():
            for system in (name for name in group.systems if name != ALL and name not in known):
                nearest = difflib.get_close_matches(system, known, 1)
                suggestion = f" Did you mean {nearest[0]!r}?" if nearest else ""
                sentences.append(f"Group {title!r} names the system {system!r}, which does not exist.{suggestion}")
        return sentences


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("")
    (True, True, False, False)
    """
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def access_part(path: tuple[int | str, ...]) -> type[Frozen]:
    """Return which settings stand at a path below ``access``, for the names that are known there."""
    parts: Mapping[str, type[Frozen]] = {"oidc": OidcSettings, "proxy": ProxySettings, "groups": Group}
    return parts.get(str(path[0]), AccessSettings) if len(path) > 1 else AccessSettings
