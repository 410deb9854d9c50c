"""A whole OpenSearch node from Maven Central: `setup.sh` fetches it into `.servers`, this unpacks and starts it."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.programs import ROOT, Server, leash, program, running

FOLDER = ROOT / ".servers" / "opensearch"

#: Options of Java that a short-lived small node wants.
JAVA_OPTIONS = (
    "-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.security.manager=allow",
    "-Djava.util.concurrent.ForkJoinPool.common.threadFactory="
    "org.opensearch.secure_sm.SecuredForkJoinWorkerThreadFactory",
    "-Dopensearch.networkaddress.cache.ttl=60", "-Dlog4j2.disable.jmx=true", "-Dlog4j.shutdownHookEnabled=false",
)  # fmt: skip


def missing() -> str:
    """Say what is not there; empty when a node can be started."""
    if program("java") is None:
        return "java is not there (Debian package default-jre-headless)"
    return "" if _zip() else "the OpenSearch node is not there (.servers/opensearch): run tests/servers/setup.sh"


def _zip() -> Path | None:
    return next(iter(sorted(FOLDER.glob("opensearch-*.zip"))), None)


@contextmanager
def opensearch() -> Iterator[Server]:
    """Run a node of one; it refuses root, so that root runs it as ``nobody``."""
    java, zipped = program("java"), _zip()
    if java is None or zipped is None:
        raise RuntimeError(missing())
    # pytest's folders are closed to other users, so this one is not below them.
    directory = Path(tempfile.mkdtemp(prefix="workbench-opensearch-"))
    try:
        with zipfile.ZipFile(zipped) as archive:
            archive.extractall(directory)
        (home,) = directory.glob("opensearch-*")
        (home / "config" / "opensearch.yml").write_text(
            f"discovery.type: single-node\nnetwork.host: 127.0.0.1\npath.data: {directory}/data\n"
            f"path.logs: {directory}/logs\ncluster.routing.allocation.disk.threshold_enabled: false\n"
            "bootstrap.memory_lock: false\nnode.store.allow_mmap: false\n"
        )
        user: list[str] = []
        if os.geteuid() == 0:
            user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *leash()]
            for folder, _, files in os.walk(directory):
                for name in (folder, *(os.path.join(folder, file) for file in files)):
                    os.chown(name, 65534, 65534)

        def command(port: int) -> list[str]:
            return [
                *user, str(java), *JAVA_OPTIONS, f"-Djava.io.tmpdir={directory}", f"-Dopensearch.path.home={home}",
                f"-Dopensearch.path.conf={home / 'config'}", "-Dopensearch.distribution.type=zip",
                "-Dopensearch.bundled_jdk=false", "-cp", f"{home / 'lib'}/*", "org.opensearch.bootstrap.OpenSearch",
                f"-Ehttp.port={port}", f"-Etransport.port={port + 1 if port < 65_000 else port - 1}",
            ]  # fmt: skip

        with running(command, directory, ready="/_cluster/health?wait_for_status=yellow", deadline_s=120) as server:
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)
