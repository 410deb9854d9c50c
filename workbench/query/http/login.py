"""Who we are to a server and how we trust it: headers, certificates, proxies.

Secrets are read when a request is sent, so a rotated token file counts at once, and they are in no repr.
"""

from __future__ import annotations

import base64
import os
import re
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import urllib3

from workbench.core.errors import SettingsError
from workbench.core.settings import SourceSettings
from workbench.query.http.secrets import SECRET_HEADERS
from workbench.query.http.sigv4 import Signer, signer
from workbench.query.http.timed import timed

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Revealed(Protocol):
    """Something that gives a secret when asked, like :class:`workbench.core.settings.secrets.Secret`."""

    def reveal(self) -> str:
        """Read the secret."""
        ...


SecretText = str | Revealed


@dataclass(frozen=True, repr=False)
class Login:
    """Everything a request needs besides its question; the repr names no value.

    Attributes
    ----------
    username, password
        Basic authentication.
    bearer
        Token for ``Authorization: Bearer``; use either this or the pair above.
    bearer_file
        File with the token, read anew when a request is sent.
    headers
        Further headers, e.g. ``{"X-Scope-OrgID": "team-a"}`` for a tenant.
    ca_file
        Authorities to trust in place of the system's.
    cert_file, key_file
        Our client certificate (PEM).
    signer
        Signs each request (:mod:`workbench.query.http.sigv4`).
    """

    username: str = ""
    password: SecretText | None = None
    bearer: SecretText | None = None
    bearer_file: Path | None = None
    headers: Mapping[str, SecretText] = field(default_factory=dict)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    signer: Signer | None = None

    def __post_init__(self) -> None:
        if sum(bool(way) for way in (self.username, self.bearer, self.bearer_file)) > 1:
            raise SettingsError("Use one of username and password, bearer, or bearer_file.")
        if bool(self.cert_file) != bool(self.key_file):
            raise SettingsError("cert_file and key_file go together.")
        for name in self.headers:
            if not _HEADER_NAME.fullmatch(name):
                raise SettingsError(f"{name!r} is not the name of a header.")

    def __repr__(self) -> str:
        ways = [name for name in ("username", "bearer", "bearer_file", "ca_file", "cert_file") if getattr(self, name)]
        return f"Login({', '.join([*ways, *self.headers])})"

    def request_headers(self) -> dict[str, str]:
        """Headers of one request, secrets read now.

        Raises
        ------
        SettingsError
            A secret cannot be read, or holds a line break or another character no header may have.
        """
        sent = {name: _sendable(name, _text(value)) for name, value in self.headers.items()}
        if self.username:
            pair = f"{self.username}:{_text(self.password) if self.password is not None else ''}"
            sent["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        token = self._token()
        if token:
            sent["Authorization"] = _sendable("Authorization", f"Bearer {token}")
        return sent

    def signed(self, method: str, url: str, sent: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        """Headers that prove who we are for one request; none without a signer.

        Raises
        ------
        SettingsError
            No credentials are found.
        """
        return self.signer(method, url, sent, body) if self.signer else {}

    def secrets(self, sent: Mapping[str, str]) -> tuple[str, ...]:
        """Return what must not come back from a server: our secrets, and headers that were sent and hold one."""
        given = [_text(value) for value in self.headers.values() if not isinstance(value, str)]
        given += [value for name, value in sent.items() if name.lower() in SECRET_HEADERS]
        return tuple(filter(None, [*given, _text(self.password), self._token()]))

    def _token(self) -> str:
        if self.bearer_file is not None:
            try:
                return Path(self.bearer_file).expanduser().read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    f"The bearer file {self.bearer_file} cannot be read: {error.strerror}.", hint="Check bearer_file."
                ) from None
        return _text(self.bearer).strip() if self.bearer is not None else ""

    def tls(self) -> ssl.SSLContext:
        """Return a context that verifies the server, trusts ``ca_file`` and shows our certificate.

        Raises
        ------
        SettingsError
            A certificate file is absent or is not PEM.
        """
        try:
            context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"ca_file {self.ca_file} cannot be used: {_reason(error)}.") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file and self.key_file:
            try:
                context.load_cert_chain(str(self.cert_file), str(self.key_file), password=_no_password)
            except (OSError, ssl.SSLError) as error:
                raise SettingsError(
                    f"cert_file {self.cert_file} with key_file {self.key_file} cannot be used: {_reason(error)}.",
                    hint="Both must be PEM, belong together, and the key must not be encrypted.",
                ) from None
        return context


def login_of(settings: SourceSettings) -> Login:
    """Return what the settings of a source say of us; its tenant is a header.

    Raises
    ------
    SettingsError
        Two ways of authentication, or a header that is none.
    """
    tenant = {"X-Scope-OrgID": settings.tenant} if settings.tenant else {}
    return Login(
        settings.username,
        settings.password,
        settings.bearer,
        headers={**tenant, **settings.headers},
        ca_file=settings.ca_file,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        signer=signer(**settings.sigv4.model_dump()) if settings.sigv4 else None,
    )


def checked_url(url: str) -> str:
    """Return a base address without trailing slash; refuse credentials and parameters in it.

    Raises
    ------
    SettingsError
        Not ``http(s)://host[:port][/prefix]``. The message does not repeat the address, it may hold a secret.

    Examples
    --------
    >>> checked_url("https://metrics.example.com/prometheus/")
    'https://metrics.example.com/prometheus'
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise SettingsError(
            "The url of the source cannot be read.", hint="Write http(s)://host[:port][/prefix]."
        ) from None
    if "@" in parts.netloc:
        raise SettingsError(
            "The url of the source holds credentials.", hint="Use username and password, or bearer, in the settings."
        )
    if parts.query or parts.fragment:
        raise SettingsError("The url of the source holds parameters.", hint="Use headers in the settings.")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise SettingsError("The url of the source is not http(s)://host[:port][/prefix].")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def pool_for(url: str, login: Login, *, connections: int) -> urllib3.PoolManager:
    """Return the connection pool for an address: direct, or by the proxy that the environment names."""
    parts = urlsplit(url)
    options: dict[str, Any] = {"maxsize": connections, "block": True, "retries": False}
    if parts.scheme == "https":
        options["ssl_context"] = login.tls()
    proxy = _proxy(parts.scheme, parts.hostname or "")
    if not proxy:
        return timed(urllib3.PoolManager(num_pools=2, **options))
    through = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if through.scheme not in ("http", "https"):
        raise SettingsError(f"A {through.scheme} proxy is not supported.", hint="Use an http(s) proxy or NO_PROXY.")
    headers = None
    if through.username:
        pair = f"{unquote(through.username)}:{unquote(through.password or '')}"
        headers = urllib3.make_headers(proxy_basic_auth=pair)
    address = f"{through.scheme}://{through.hostname}" + (f":{through.port}" if through.port else "")
    return timed(urllib3.ProxyManager(address, num_pools=2, proxy_headers=headers, **options))


def _proxy(scheme: str, host: str) -> str:
    if os.environ.get("REQUEST_METHOD"):
        return ""
    proxies = urllib.request.getproxies_environment()
    if urllib.request.proxy_bypass_environment(host, proxies):  # type: ignore[attr-defined]
        return ""
    return proxies.get(scheme) or proxies.get("all") or ""


def _text(secret: SecretText | None) -> str:
    if secret is None:
        return ""
    return secret if isinstance(secret, str) else secret.reveal()


def _sendable(name: str, value: str) -> str:
    if not value.isprintable():
        raise SettingsError(f"The value for the header {name} has a line break or another unprintable character.")
    return value


def _no_password() -> str:
    return ""


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or type(error).__name__
