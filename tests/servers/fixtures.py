"""Fixtures of real servers: loopback, ports of their own, temporary folders, ended with the session."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.servers import jaeger, loki, opensearch
from tests.servers.openmetrics import write_openmetrics
from tests.servers.programs import Server, end, free_port, leash, program, running, wait_for
from tests.servers.prometheus import Release, installed, load_blocks, prometheus
from tests.servers.samples import sample_set

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Omit = Callable[[str], NoReturn]

BROWSER_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _loaded(semantics: str, factory: pytest.TempPathFactory, omit: Omit) -> Iterator[Server]:
    release = release_or_omit(semantics, omit)
    directory = factory.mktemp(f"prometheus-{semantics}")
    text = directory / "samples.om"
    write_openmetrics(sample_set(), text)
    load_blocks(release, text, directory / "data")
    with prometheus(release, directory) as server:
        yield server


def release_or_omit(semantics: str, omit: Omit) -> Release:
    """Return the installed Prometheus, or leave the test out."""
    release = installed(semantics)
    if release is None:
        wanted = "Prometheus 2 (Debian package prometheus)" if semantics == "v2" else "Prometheus 3 (.servers)"
        omit(f"{wanted} is not there: run tests/servers/setup.sh")
    return release


@pytest.fixture(scope="session")
def prometheus_v2(tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[Server]:
    """Prometheus 2.42 that holds ``tests.servers.samples.sample_set``."""
    yield from _loaded("v2", tmp_path_factory, omit)


@pytest.fixture(scope="session")
def prometheus_v3(tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[Server]:
    """Prometheus 3 that holds ``tests.servers.samples.sample_set``."""
    yield from _loaded("v3", tmp_path_factory, omit)


@pytest.fixture(scope="session")
def node_exporter(tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[Server]:
    """A node exporter of this machine."""
    found = program("prometheus-node-exporter") or program("node_exporter")
    if found is None:
        omit("the node exporter is not there (Debian package prometheus-node-exporter)")
    with running(
        lambda port: [found, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
        tmp_path_factory.mktemp("node-exporter"),
        ready="/metrics",
    ) as server:
        yield server


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[Server]:
    """An Alertmanager that sends nothing anywhere; each module has its own, as they leave silences behind."""
    found = program("prometheus-alertmanager") or program("alertmanager")
    if found is None:
        omit("Alertmanager is not there (Debian package prometheus-alertmanager)")
    directory = tmp_path_factory.mktemp("alertmanager")
    (directory / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    with running(
        lambda port: [found, "--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=",
                      f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
        directory,
        ready="/-/ready",
    ) as server:  # fmt: skip
        yield server


@pytest.fixture(scope="session")
def opensearch_node(omit: Omit) -> Iterator[Server]:
    """An empty OpenSearch 2.19."""
    reason = opensearch.missing()
    if reason:
        omit(reason)
    with opensearch.opensearch() as server:
        yield server


@pytest.fixture(scope="session")
def jaeger_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[jaeger.Jaeger]:
    """An empty Jaeger. Building it takes minutes, so no test command does it and its absence is no failure."""
    if not jaeger.PROGRAM.exists():
        pytest.skip("Jaeger is not there (.servers/jaeger): run make jaeger")
    with jaeger.jaeger(tmp_path_factory.mktemp("jaeger")) as one:
        yield one


@pytest.fixture(scope="session")
def loki_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An empty Loki. Building it takes minutes, so no test command does it and its absence is no failure."""
    if not loki.PROGRAM.exists():
        pytest.skip("Loki is not there (.servers/loki): run make loki")
    with loki.loki(tmp_path_factory.mktemp("loki")) as one:
        yield one


@pytest.fixture(scope="session")
def postgres_url(omit: Omit) -> Iterator[str]:
    """SQLAlchemy URL of an empty PostgreSQL database; the server is a fresh cluster, run as ``postgres`` under root."""
    initdb, postgres, pg_isready = program("initdb"), program("postgres"), program("pg_isready")
    if not (initdb and postgres and pg_isready):
        omit("PostgreSQL is not there (Debian package postgresql)")
    as_root = os.geteuid() == 0
    # pytest's folders are closed to other users, so this one is not below them.
    directory = Path(tempfile.mkdtemp(prefix="workbench-postgres-"))
    user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"] if as_root else []
    try:
        if as_root:
            shutil.chown(directory, "postgres", "postgres")
        subprocess.run(
            [*user, initdb, "--pgdata", directory / "data", "--username=workbench", "--auth=trust", "--no-sync",
             "--encoding=UTF8", "--locale=C.UTF-8"],
            check=True, capture_output=True, cwd=directory, timeout=120,
        )  # fmt: skip
        yield from _postgres(directory, postgres, pg_isready, user)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[str]:
    """SQLAlchemy URL of a database of its own, dropped after the test."""
    base, name = make_url(postgres_url), f"store_{uuid.uuid4().hex}"
    server = create_engine(base, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield base.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def _postgres(directory: Path, postgres: Path, pg_isready: Path, user: list[str]) -> Iterator[str]:
    port = free_port()
    command = [*user, *leash(), str(postgres), "-D", "data", "-h", "127.0.0.1", "-p", str(port), "-k", str(directory),
               "-c", "fsync=off"]  # fmt: skip
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)

    def ready() -> bool:
        asked = [str(pg_isready), "-h", "127.0.0.1", "-p", str(port), "-U", "workbench", "-d", "postgres"]
        return subprocess.run(asked, capture_output=True, timeout=10).returncode == 0

    try:
        if not wait_for(process, ready, deadline_s=60):
            raise RuntimeError(f"PostgreSQL did not start:\n{(directory / 'log').read_text(errors='replace')[-2000:]}")
        yield f"postgresql+psycopg://workbench@127.0.0.1:{port}/postgres"
    finally:
        end(process)


@pytest.fixture(scope="module")
def chromium(omit: Omit) -> Iterator[Browser]:
    """Debian's Chromium, driven by playwright.

    One a module, not one a session: playwright's loop stays set in its thread, and asyncio.run would fail elsewhere.
    """
    found = program("chromium")
    if found is None:
        omit("Chromium is not there (Debian package chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(found), args=BROWSER_FLAGS)
        yield browser
        browser.close()
