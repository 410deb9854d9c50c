"""A real provider of OpenID Connect on loopback, as a process of its own, with two people and their groups."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.programs import answers, end, free_port, wait_for


@contextmanager
def provider(folder: Path, *people: dict[str, Any]) -> Iterator[str]:
    """Start the provider; gives its address. Each person is their claims, ``sub`` among them."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    for claims in people:
        command += ["--user-claims", json.dumps(claims)]
    with (folder / "provider.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        if not wait_for(process, lambda: answers(f"{address}/.well-known/openid-configuration"), deadline_s=30):
            raise RuntimeError(f"the provider did not start:\n{(folder / 'provider.log').read_text()[-2000:]}")
        yield address
    finally:
        end(process)
