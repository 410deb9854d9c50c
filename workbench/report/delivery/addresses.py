"""Where a message may go: addresses are looked up once, checked, and then used; nobody can change them in between."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from pathlib import Path

from workbench.report.delivery.failures import SendError

#: Services of clouds that give out credentials, beyond the link-local ones.
_METADATA = {ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")}


def checked_address(host: str, port: int, *, encrypted: bool) -> str:
    """Look a host up and return an address of it that may be used.

    Parameters
    ----------
    host : str
        Name or address of the host.
    port : int
        TCP port.
    encrypted : bool
        Whether the connection is; in the clear only addresses of this machine and of private networks are used.

    Raises
    ------
    SendError
        The host is not known; or an address of it is link-local, multicast, unspecified, reserved or the metadata
        service of a cloud; or a public one would be used in the clear.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SendError(f"The host {host} is not known: {error.strerror or error}.") from None
    texts = list(dict.fromkeys(str(item[4][0]).partition("%")[0] for item in addresses))
    for text in texts:
        address = ipaddress.ip_address(text)
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        if not address.is_loopback and (
            address.is_link_local
            or address.is_multicast
            or address.is_unspecified
            or address.is_reserved
            or address in _METADATA
        ):
            raise SendError(f"{host} is {text}: nothing is sent to such an address.", permanent=True)
        if not encrypted and not address.is_private:
            raise SendError(f"{host} is {text}, a public address: nothing is sent there without TLS.", permanent=True)
    return texts[0]


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that verifies certificates, by the system's authorities or those of a file."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise SendError(f"The ca_file {ca_file} cannot be used: {error}.", permanent=True) from None
