"""Who reads the page: the person that the provider or the proxy signed in, or whoever is at this machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from workbench.core.access.identity import Grant, Identity, local_admin
from workbench.core.errors import AccessRefused
from workbench.core.settings import Settings
from workbench.ui.parts.markdown import plain

#: Headers that :mod:`workbench.ui.server` sets from those of a trusted proxy, and takes out of every other request.
USER_HEADER, GROUPS_HEADER = "X-Workbench-User", "X-Workbench-Groups"


def reader(settings: Settings) -> Identity:
    """Return who reads the page.

    Raises
    ------
    AccessRefused
        Nobody is signed in where the settings ask for it.
    """
    match settings.access.sign_in:
        case "oidc":
            return _of_claims(settings, st.user.to_dict())
        case "proxy":
            return _of_headers(settings, st.context.headers)
        case _:
            return Identity("anyone", (Grant("viewer"),)) if settings.access.open else local_admin(settings.identity)


def admitted(settings: Settings) -> bool:
    """Whether the page has a reader who may see a system; shows the way in, or why there is none, to who has not.

    Raises
    ------
    AccessRefused
        It is not known who reads.
    """
    if settings.access.sign_in == "oidc" and not st.user.to_dict().get("is_logged_in"):
        _alone("Sign in to see the systems of your team.")
        st.button("Sign in", icon=":material/login:", on_click=st.login)
        return False
    if reader(settings).scope == ():
        _alone("Your account is in no group that may see a system. Ask an admin of the workbench.")
        account(settings)
        return False
    return True


def _alone(text: str) -> None:
    """Show a page without menu."""
    st.navigation([st.Page(lambda: None, title="LLM workbench")], position="hidden")
    st.title("LLM workbench", anchor=False)
    st.markdown(text)


def account(settings: Settings) -> None:
    """Show who is signed in, and the way out where there is one."""
    if not settings.access.sign_in:
        return
    st.caption("Signed in as")
    st.text(plain(reader(settings).name))
    if settings.access.sign_in == "oidc":
        st.button("Sign out", type="tertiary", icon=":material/logout:", on_click=st.logout)


def _of_claims(settings: Settings, claims: dict[str, Any]) -> Identity:
    assert settings.access.oidc is not None
    oidc = settings.access.oidc
    if not claims.get("is_logged_in"):
        raise AccessRefused("You are not signed in.", hint="Load the first page of the dashboard to sign in.")
    name = str(claims.get(oidc.name_claim) or "")
    if not name:
        raise AccessRefused(
            f"The provider gives no {oidc.name_claim}, so it is not known who you are.",
            hint="Set name_claim under [access.oidc], or let the provider release the claim.",
        )
    if oidc.name_claim == "email" and claims.get("email_verified") is False:
        raise AccessRefused(
            "The provider has not verified your e-mail address, so it proves nothing.",
            hint="Verify it with the provider, then sign in again.",
        )
    return settings.access.identity(name, frozenset(_several(claims.get(oidc.groups_claim))))


def _of_headers(settings: Settings, headers: Any) -> Identity:
    name = (headers.get(USER_HEADER) or "").strip()
    if not name:
        raise AccessRefused("The proxy names no user.", hint="Open the dashboard at the address of the proxy.")
    groups = (headers.get(GROUPS_HEADER) or "").split(",")
    return settings.access.identity(name, frozenset(filter(None, map(str.strip, groups))))


def _several(claim: object) -> Iterable[str]:
    """Return the groups of a claim: a list of text, or one text."""
    return [claim] if isinstance(claim, str) else [str(item) for item in claim] if isinstance(claim, list) else []
