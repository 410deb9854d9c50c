"""Secrets in log lines are masked, and ordinary words stay."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.core.secret_text import masked, masked_attributes, masked_records

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("login failed password=hunter2 for ann", "hunter2"),
        ('body {"api_key": "k-9431"} refused', "k-9431"),
        (r'nested "{\"client_secret\":\"s9431\"}"', "s9431"),
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("sent bearer 0123456789abcdef", "0123456789abcdef"),
        (f"cookie {JWT} expired", JWT),
        ("using sk-proj-abcdefghijklmnop1234", "sk-proj-abcdefghijklmnop1234"),
        ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
        ("push with ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_abcdef"),
        ("connect postgres://app:p4ss@db:5432/main", "p4ss"),
        ("x-api-key: 11aa22bb", "11aa22bb"),
        ("refresh_token=r3fr3sh&x=1", "r3fr3sh"),
    ],
)
def test_a_secret_is_masked_and_its_name_stays(text: str, secret: str) -> None:
    assert secret not in masked(text)
    assert "***" in masked(text)
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "POST /auth/login 401: wrong password",
        "used 512 tokens, max_tokens=4096, tokens_used=12",
        "virtual key vk-004 has spent its budget of the month",
        "rate limit of the key reached",
        "GET http://db:5432/main 200",
        "the author and the monkey",
        "token limit reached",
        "password=null, secret: none",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert masked(text) == text


def test_attributes_are_masked_by_name_and_by_value() -> None:
    shown = masked_attributes({"http.request.header.authorization": "x", "auth.method": "password", "n": "1"})
    assert shown == {"http.request.header.authorization": "***", "auth.method": "password", "n": "1"}


def test_values_that_are_no_text_stay_as_they_are() -> None:
    held = {"streamed": True, "tags": ["a"], "none": None, "count": 3, "password": 12}
    assert masked_attributes(held) == held | {"password": "***"}


def test_records_are_masked_in_a_copy() -> None:
    frame = pd.DataFrame({"message": ["token=abc"], "attributes": [{"password": "x"}]})
    frame.attrs = {"warnings": ("w",)}
    shown = masked_records(frame)
    assert shown.to_dict(orient="records") == [{"message": "token=***", "attributes": {"password": "***"}}]
    assert frame["message"][0] == "token=abc"
    assert shown.attrs == frame.attrs
