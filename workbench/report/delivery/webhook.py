"""Webhooks: those of Slack and what speaks like it, and generic ones signed as Standard Webhooks say.

Source of the signature: https://www.standardwebhooks.com, ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature``; the id is the idempotency key, the same at every attempt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from workbench.core.foreign_text import visible
from workbench.core.settings.channels import ChannelSettings
from workbench.report.delivery.addresses import checked_address, tls_context
from workbench.report.delivery.failures import SendError, redacted
from workbench.store import Message

#: Answers after which the same message may be taken later.
_LATER = {408, 409, 425, 429}
#: Longest text of a message in a chat. [characters]
_LONGEST = 3_000
#: Longest wait that a server may ask for. [s]
_LONGEST_WAIT_S = 3600.0


def slack_body(message: Message) -> dict[str, Any]:
    """Return the JSON of a Slack-compatible webhook: plain text, in which no label or log line becomes a mention.

    Examples
    --------
    >>> slack_body(Message("k", "", "notice", "ops", "", "A & B", {"text": "<!channel>"}))["text"]
    '*A &amp; B*\\n&lt;!channel&gt;'
    """
    text = _escaped(str(message.content["text"]))
    return {"text": f"*{_escaped(message.subject)}*\n{text[:_LONGEST]}", "unfurl_links": False, "unfurl_media": False}


def webhook_body(message: Message) -> dict[str, Any]:
    """Return the JSON of a generic webhook: what happened and the facts; files by name and SHA-256, not their bytes."""
    facts = {name: value for name, value in message.content.items() if name != "html"}
    return {"type": f"workbench.{message.kind}", "id": message.id, "subject": message.subject, "data": facts}


def signature(secret: str, key: str, stamp: int, body: bytes) -> str:
    """Sign a body; ``whsec_`` before a secret means that the rest is base64.

    Examples
    --------
    >>> secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    >>> signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    raw = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.new(raw, f"{key}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def post(message: Message, channel: ChannelSettings, *, now: datetime, handing_over: Callable[[], None]) -> None:
    """Post a message.

    Raises
    ------
    SendError
        The address is not allowed, the server does not answer, or it refuses the message.
    """
    url, headers = channel.address, {"content-type": "application/json", "idempotency-key": message.id}
    document = slack_body(message) if channel.kind == "slack" else webhook_body(message)
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    secrets = [url if isinstance(channel.url, dict) else ""]
    if channel.secret is not None:
        secret, stamp = channel.secret.reveal(), int(now.timestamp())
        secrets.append(secret)
        headers |= {
            "webhook-id": message.id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signature(secret, message.id, stamp, body),
        }
    reply = _sent(url, channel, body, headers, handing_over)
    if reply.is_success:
        return
    words = redacted(reply.text, secrets)
    host = urlsplit(url).hostname
    if reply.status_code in _LATER or reply.status_code >= 500:
        wait_s = _wait(reply.headers)
        raise SendError(f"{host} answers {reply.status_code} {words}".strip(), wait_s=wait_s)
    what = "redirects, which is not followed" if reply.is_redirect else f"refuses with {reply.status_code} {words}"
    raise SendError(f"{host} {what}".strip(), permanent=True)


def _sent(
    url: str, channel: ChannelSettings, body: bytes, headers: Mapping[str, str], handing_over: Callable[[], None]
) -> httpx.Response:
    parts = urlsplit(url)
    host = parts.hostname or ""
    encrypted = parts.scheme == "https"
    if parts.scheme not in ("http", "https") or not host:
        raise SendError("The address of the webhook is not http(s)://host/…", permanent=True)
    target, extra = url, {}
    if not channel.proxy:  # behind a proxy it is the proxy that looks the host up
        address = checked_address(host, parts.port or (443 if encrypted else 80), encrypted=encrypted)
        shown = f"[{address}]" if ":" in address else address
        target = parts._replace(netloc=shown + (f":{parts.port}" if parts.port else "")).geturl()
        extra = {"sni_hostname": host}
    netloc = parts.netloc.rpartition("@")[2]
    try:
        with httpx.Client(
            verify=tls_context(channel.ca_file),
            trust_env=False,
            follow_redirects=False,
            proxy=channel.proxy or None,
            timeout=channel.timeout_s,
        ) as client:
            handing_over()
            return client.post(target, content=body, headers={**headers, "host": netloc}, extensions=extra)
    except httpx.ConnectError as error:
        cause = error.__cause__ or error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise SendError(f"The certificate of {host} does not verify: {cause.verify_message}.") from None
        raise SendError(f"{host} cannot be reached.") from None
    except httpx.TimeoutException:
        raise SendError(f"{host} does not answer within {channel.timeout_s:g} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SendError(f"{host} does not answer as a web server does ({type(error).__name__}).") from None


def _wait(headers: Mapping[str, str]) -> float:
    text = headers.get("retry-after", "")
    return min(float(text), _LONGEST_WAIT_S) if text.isdigit() else 0.0


def _escaped(text: str) -> str:
    return visible(text, lines=True).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
