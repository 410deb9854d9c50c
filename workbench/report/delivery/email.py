"""E-mail by SMTP: TLS and sign-in, the first page in the body, the files attached."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Any

from workbench.core.foreign_text import visible
from workbench.core.settings.channels import ChannelSettings
from workbench.report.delivery.addresses import checked_address, tls_context
from workbench.report.delivery.failures import SendError, redacted
from workbench.store import Message

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def mail(message: Message, channel: ChannelSettings, file_of: Callable[[str], bytes], *, at: datetime) -> EmailMessage:
    """Compose the mail of a message; it is the same at every attempt, its ``Message-ID`` too.

    Parameters
    ----------
    message : Message
        What is to be said, to whom.
    channel : ChannelSettings
        Address and sender of the mails.
    file_of : callable
        Gives a file by its SHA-256.
    at : datetime
        When the message was written.
    """
    domain = channel.sender.rpartition("@")[2].rstrip("> ") or "localhost"
    composed = EmailMessage(policy=SMTP_POLICY)
    composed["From"] = channel.sender
    composed["To"] = message.recipient
    composed["Subject"] = visible(message.subject)
    composed["Date"] = format_datetime(at)
    composed["Message-ID"] = f"<{message.id}@{domain}>"
    composed["Auto-Submitted"] = "auto-generated"
    composed["X-Workbench-Key"] = message.id
    composed.set_content(visible(str(message.content["text"]), lines=True) + "\n")
    if page := message.content.get("html"):
        composed.add_alternative(file_of(page).decode("utf-8"), subtype="html")
    for file in message.content.get("files", ()):
        major, _, minor = str(file["type"]).partition("/")
        composed.add_attachment(file_of(file["sha256"]), maintype=major, subtype=minor, filename=file["name"])
    return composed


def send_mail(
    message: Message,
    channel: ChannelSettings,
    file_of: Callable[[str], bytes],
    *,
    at: datetime,
    handing_over: Callable[[], None],
) -> None:
    """Send a message to its recipient.

    ``handing_over`` is called when the server has taken sender and recipient and the text comes next: until then the
    message cannot arrive.

    Raises
    ------
    SendError
        The server cannot be reached, its certificate does not verify, or it refuses the message.
    """
    text = mail(message, channel, file_of, at=at).as_bytes()
    secret = channel.password.reveal() if channel.password else ""
    try:
        with _connected(channel) as server:
            server.ehlo_or_helo_if_needed()
            if channel.username:
                server.login(channel.username, secret)
            sender = channel.sender.rpartition("<")[2].rstrip(">")
            _taken(*server.mail(sender))
            _taken(*server.rcpt(message.recipient))
            handing_over()
            _taken(*server.data(text))
    except smtplib.SMTPResponseException as error:
        refused = 500 <= error.smtp_code < 600 and not isinstance(error, smtplib.SMTPAuthenticationError)
        reply = redacted(_text(error.smtp_error), [secret])
        raise SendError(f"The mail server says {error.smtp_code} {reply}", permanent=refused) from None
    except smtplib.SMTPNotSupportedError as error:
        raise SendError(f"The mail server {channel.host} does not offer what is set: {redacted(str(error))}") from None
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message
        raise SendError(f"The certificate of {channel.host} does not verify: {reason}.") from None
    except (smtplib.SMTPException, OSError) as error:
        raise SendError(f"The mail server {channel.host} does not answer: {redacted(str(error), [secret])}") from None


def _connected(channel: ChannelSettings) -> smtplib.SMTP:
    port = channel.port or _PORTS[channel.tls]
    address = checked_address(channel.host, port, encrypted=channel.tls != "none")
    context = tls_context(channel.ca_file)
    if channel.tls == "tls":
        return _Tls(address, channel.host, port, timeout=channel.timeout_s, context=context)
    server = _Plain(address, channel.host, port, timeout=channel.timeout_s)
    if channel.tls == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


class _Plain(smtplib.SMTP):
    """Connects to the address that was checked, and knows the server by its name."""

    def __init__(self, address: str, host: str, port: int, **options: Any) -> None:
        self._address = address
        super().__init__(host, port, **options)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self._address, port), timeout)


class _Tls(smtplib.SMTP_SSL):
    def __init__(self, address: str, host: str, port: int, *, context: ssl.SSLContext, timeout: float) -> None:
        self._address, self._tls = address, context
        super().__init__(host, port, context=context, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((self._address, port), timeout)
        return self._tls.wrap_socket(plain, server_hostname=host)


def _taken(code: int, reply: bytes) -> None:
    if code not in (250, 251):
        raise smtplib.SMTPResponseException(code, reply)


def _text(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
