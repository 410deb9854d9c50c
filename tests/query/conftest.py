from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.query.served import Answering, Certificates, Served, serving


@pytest.fixture(autouse=True)
def _without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach the loopback interface directly, whatever proxies this machine's environment names."""
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Start servers that run until the test ends."""
    with ExitStack() as stack:

        def start(answer: Answering, **options: Any) -> Served:
            return stack.enter_context(serving(answer, **options))

        yield start


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory, omit: Callable[[str], NoReturn]) -> Certificates:
    openssl = shutil.which("openssl")
    if openssl is None:
        omit("openssl is not installed: TLS cases need certificates")
    folder = tmp_path_factory.mktemp("certificates")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test authority",
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip

    def issue(name: str, alternative: str) -> tuple[Path, Path]:
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text(
            f"subjectAltName={alternative}\nauthorityKeyIdentifier=keyid\nbasicConstraints=CA:FALSE\n"
        )
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
        return folder / f"{name}.pem", folder / f"{name}.key"

    return Certificates(
        folder / "ca.pem",
        issue("server", "IP:127.0.0.1"),
        issue("elsewhere", "DNS:elsewhere.example"),
        issue("client", "DNS:client.example"),
    )
