"""The dashboard as a web application, as ``workbench dashboard`` runs it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from starlette.middleware import Middleware
from streamlit import get_option
from streamlit.starlette import App

from workbench.core.errors import SettingsError
from workbench.core.settings import load_settings
from workbench.core.settings.access import AccessSettings
from workbench.core.shipped import shipped
from workbench.studies.answers import pool
from workbench.ui import launch, startup
from workbench.ui.access.doors import AllowedHosts, ProxyUsers, allowed_names


def sign_in_secrets(access: AccessSettings) -> dict[str, Any] | None:
    """Return what Streamlit's sign-in needs, held in memory only; None where no provider signs people in."""
    oidc = access.oidc
    if access.sign_in != "oidc" or oidc is None:
        return None
    if find_spec("authlib") is None:
        raise SettingsError("Sign-in needs the package Authlib.", hint="Run: pip install 'slo-workbench[auth]'.")
    return {
        "auth": {
            "redirect_uri": oidc.redirect_uri,
            "cookie_secret": oidc.cookie_secret.reveal(),
            "client_id": oidc.client_id,
            "client_secret": oidc.client_secret.reveal(),
            "server_metadata_url": oidc.metadata_url,
            "client_kwargs": {"scope": oidc.scopes},
        }
    }


settings = load_settings()
settings.access.check_address(str(get_option("server.address") or ""))
if launch.workers():
    pool.begin(launch.workers(), *launch.begun())

# Streamlit looks for this very call in the text of the file; without it the file would run as a page, and nobody would
# be asked anything.
app = App(
    shipped("pages", "app.py"),
    middleware=[
        Middleware(AllowedHosts, names=allowed_names()),
        Middleware(ProxyUsers, proxy=settings.access.proxy if settings.access.sign_in == "proxy" else None),
    ],
    secrets=sign_in_secrets(settings.access),
    lifespan=startup.ready,
)
