"""An object store for tests that keep an archive in one: moto's server of S3, or the one that a variable names.

``WORKBENCH_OBJECTS_URL`` is the address of a prefix of no value (``s3://…``, ``gs://…``, ``az://…``); login and
endpoint are in the variables of its provider, which stay as they are.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

GIVEN = "WORKBENCH_OBJECTS_URL"
KEY, SECRET = "AKIAPLANTED", "planted-Zq81x-secret"


@contextmanager
def object_server() -> Iterator[str]:
    """Run a server; gives its address. Skips where moto or obstore is not installed."""
    pytest.importorskip("obstore")
    moto = pytest.importorskip("moto.server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


def fresh_prefix(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a bucket, and the environment by which it is found; gives the URL of a prefix in it."""
    from botocore.session import Session

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    name = f"b{uuid.uuid4().hex}"
    Session().create_client("s3", region_name="us-east-1").create_bucket(Bucket=name)
    return f"s3://{name}/team/history"


def given_prefix() -> str | None:
    """Return a fresh prefix in the store that a person names; None without one."""
    url = os.environ.get(GIVEN, "").rstrip("/")
    return f"{url}/{uuid.uuid4().hex}" if url else None
