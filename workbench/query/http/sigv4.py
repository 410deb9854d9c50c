"""Signatures of Amazon's services (SigV4), for Amazon Managed Service for Prometheus; by botocore, the extra ``aws``.

Credentials come from where botocore finds them: environment, shared files, the role of the machine. None is in ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.core.errors import SettingsError

#: Method, address, headers, body -> headers that prove who we are.
Signer = Callable[[str, str, Mapping[str, str], bytes | None], dict[str, str]]

_SIGNED = ("host", "content-type")


def signer(region: str, service: str = "aps", profile: str = "") -> Signer:
    """Return what signs requests for a service in a region; credentials are looked up, and renewed, at each request.

    Parameters
    ----------
    region, service : str
        E.g. ``eu-central-1`` and ``aps``.
    profile : str
        Section of the shared credentials file; the default ones when empty.

    Raises
    ------
    SettingsError
        botocore is not installed, or knows no such profile.
    """
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError:
        raise SettingsError("sigv4 needs botocore.", hint="From the checkout: pip install '.[aws]'") from None
    session = Session(profile=profile or None)

    def credentials() -> Any:
        try:
            keys = session.get_credentials()
        except BotoCoreError as error:
            raise SettingsError(f"botocore finds no credentials: {type(error).__name__}.") from None
        if keys is None:
            raise SettingsError(
                "botocore finds no credentials.", hint="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile."
            )
        return keys.get_frozen_credentials()

    def sign(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        kept = {name: value for name, value in headers.items() if name.lower() in _SIGNED}
        request = AWSRequest(method=method, url=url, data=body or b"", headers=kept)
        SigV4Auth(credentials(), service, region).add_auth(request)
        return {name: value for name, value in request.headers.items() if name not in kept}

    return sign
