"""Secrets inside free text: masked before a line is kept, grouped or shown.

The name stays and the value goes, so that a reader still sees that a password was there. What looks like a secret by
its name (``password=``, ``Authorization:``) or by its own form (a JWT, a cloud key, a password in a URL) is masked; a
secret that looks like any other word is not found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

MASK = "***"

_NAMES = (
    r"pass(?:word|wd|phrase)|pwd|secret|api[_.-]?key|access[_.-]?key|private[_.-]?key|secret[_.-]?key|authorization"
    r"|(?:access|auth|bearer|refresh|session|id|api|csrf|security)?[_.-]?token|(?:set-)?cookie|credentials?"
)
_NAME = re.compile(rf"(?i)(?:.*[_.-])?(?:{_NAMES})")
_ASSIGNED = re.compile(
    rf"(?i)((?<![a-z])(?:[\w.-]*[_.-])?(?:{_NAMES})\\?[\"']?\s*(?:[:=]|=>)\s*\\?[\"']?(?:(?:bearer|basic|token)\s+)?)"
    r"(?!(?:\*\*\*|null|none|true|false)\b)([^\s\"'\\,;&}\])]+)"
)
_FORMS = re.compile(
    r"(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{12,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|\b(?:sk|pk|rk)-[\w-]{16,}|\bsk_(?:live|test)_\w{10,}"
    r"|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\bxox[abeprs]-[\w-]{10,}|\bhf_[A-Za-z]{30,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_URL = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)(?=@)")

#: Texts without any of these hold nothing that the patterns find; looking for words is cheap.
_HINT = re.compile(
    r"(?i)pass|pwd|secret|key|auth|token|cookie|credential|bearer|eyJ|[sr]k[-_]|pk-|gh[pousr]_|github_pat|glpat|AKIA|ASIA"
    r"|AIza|xox|hf_|://"
)


def masked(text: str) -> str:
    """Return a text with stars in place of what looks like a secret.

    Parameters
    ----------
    text : str
        A log message or the value of an attribute.

    Examples
    --------
    >>> masked("login of ann with password=hunter2 from 10.0.0.1")
    'login of ann with password=*** from 10.0.0.1'
    >>> masked("GET postgres://app:s3cret@db/main"), masked("used 512 tokens: fine")
    ('GET postgres://app:***@db/main', 'used 512 tokens: fine')
    """
    if not _HINT.search(text):
        return text
    text = _URL.sub(rf"\1:{MASK}", text)
    text = _FORMS.sub(MASK, text)
    return _ASSIGNED.sub(rf"\g<1>{MASK}", text)


def masked_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes with stars in place of secrets: by the name of the attribute, or inside its text.

    Values that are no text stay as they are, unless the name says that they are secret.

    Examples
    --------
    >>> masked_attributes({"api_key": "abc", "model": "gpt-4o", "url": "http://a:b@c/", "streamed": True})
    {'api_key': '***', 'model': 'gpt-4o', 'url': 'http://a:***@c/', 'streamed': True}
    """
    return {
        name: MASK
        if value not in (None, "") and _NAME.fullmatch(name)
        else masked(value)
        if isinstance(value, str)
        else value
        for name, value in attributes.items()
    }


def masked_records(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of LOGS or SPANS whose messages and attributes hold no secret that can be recognised.

    The frame that was given stays as it is; its ``attrs`` are kept.
    """
    columns = {"attributes": pd.Series(map(masked_attributes, frame["attributes"]), index=frame.index, dtype=object)}
    if "message" in frame.columns:
        texts = [masked(text) if isinstance(text, str) else text for text in frame["message"]]
        columns["message"] = pd.Series(texts, index=frame.index, dtype="str")
    shown = frame.assign(**columns)
    shown.attrs = frame.attrs
    return shown
