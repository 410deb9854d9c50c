"""Requests for Amazon's Prometheus are signed, and an implementation of the published algorithm here agrees."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from tests.query.served import Asked, vector
from workbench.core.errors import SettingsError
from workbench.core.settings import SourceSettings
from workbench.query import PrometheusSource
from workbench.query.http.sigv4 import signer

KEY = "planted/secret/key"


def signature(asked: Asked, host: str, body: bytes, stamp: str, names: str) -> str:
    """SigV4 of a POST without a query, from AWS' description of the canonical request."""
    lower = {name.lower(): value for name, value in asked.headers.items()} | {"host": host}
    headers = "".join(f"{name}:{lower[name]}\n" for name in names.split(";"))
    canonical = "\n".join([asked.method, asked.path, "", headers, names, hashlib.sha256(body).hexdigest()])
    scope = f"{stamp[:8]}/eu-central-1/aps/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{KEY}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, omit) -> None:
    try:
        import botocore  # noqa: F401
    except ImportError:
        omit("botocore is not installed (the extra aws)")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_a_query_carries_a_signature_of_its_own_body(serve) -> None:
    from urllib.parse import urlencode

    served = serve(lambda _: vector(({}, 0, "1")))
    settings = SourceSettings(kind="prometheus", url=f"{served.url}/workspaces/ws-1", sigv4={"region": "eu-central-1"})
    PrometheusSource.from_settings("amp", settings).instant("up", datetime(2026, 11, 1, tzinfo=UTC))
    asked = served.queries()[0]
    headers = {name.lower(): value for name, value in asked.headers.items()}
    told = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/eu-central-1/aps/aws4_request, "
        r"SignedHeaders=([a-z;-]+), Signature=([0-9a-f]{64})",
        headers["authorization"],
    )
    assert told is not None
    body = urlencode(list(asked.fields.items())).encode()
    host = served.url.removeprefix("http://")
    assert told[2] == signature(asked, host, body, headers["x-amz-date"], told[1])


def test_a_profile_that_is_not_there_and_a_second_login_are_refused() -> None:
    with pytest.raises(SettingsError, match="no credentials"):
        signer("eu-central-1", profile="nobody")("GET", "https://x.example/", {}, None)
    with pytest.raises(ValidationError, match="a login of its own"):
        SourceSettings(kind="prometheus", url="http://x", bearer={"env": "A"}, sigv4={"region": "r"})
