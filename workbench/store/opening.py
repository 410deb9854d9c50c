"""The store that the settings name, its password read from where they say."""

from __future__ import annotations

from sqlalchemy.engine import make_url

from workbench.core.settings import Settings
from workbench.store.store import Store


def open_store(settings: Settings) -> Store:
    """Return the store of the settings; it is opened at the first use.

    Raises
    ------
    SettingsError
        The URL is none of a database the store can use, or its password cannot be read.
    """
    location = settings.database
    if settings.store_password is not None:
        named = make_url(location).set(password=settings.store_password.reveal())
        location = named.render_as_string(hide_password=False)
    return Store(location, mark=settings.home / ".stores")
