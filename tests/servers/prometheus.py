"""Real Prometheus servers: start one, load it with samples."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.programs import PROMETHEUS_3, Server, program, running

IDLE = "global: {scrape_interval: 1m}\nscrape_configs: []\n"


@dataclass(frozen=True)
class Release:
    """One installed Prometheus and its tool."""

    semantics: str
    server: Path
    promtool: Path


def installed(semantics: str) -> Release | None:
    """Return the Prometheus of range semantics ``v2`` (Debian's 2.42) or ``v3`` (unpacked aside), if it is there."""
    if semantics == "v3":
        found = Release("v3", PROMETHEUS_3 / "prometheus", PROMETHEUS_3 / "promtool")
        return found if found.server.exists() and found.promtool.exists() else None
    server, promtool = program("prometheus"), program("promtool")
    return Release("v2", server, promtool) if server and promtool else None


def load_blocks(release: Release, openmetrics: Path, data: Path, *, max_block: str = "4400h") -> None:
    """Turn an OpenMetrics file into blocks of the server's folder ``data``; each block is one more pass of the text."""
    done = subprocess.run(
        [release.promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration", max_block,
         openmetrics, data],
        capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"promtool could not load {openmetrics.name}:\n{done.stderr[-2000:]}")


@contextmanager
def prometheus(release: Release, directory: Path, *, config: str = IDLE, flags: Sequence[str] = ()) -> Iterator[Server]:
    """Run a Prometheus over ``directory/data``; blocks laid there before are served and never deleted."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "prometheus.yml").write_text(config)
    options = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        "--query.timeout=2m",
        "--query.max-samples=200000000",
        "--log.level=warn",
        *flags,
    ]
    with running(
        lambda port: [release.server, *options, f"--web.listen-address=127.0.0.1:{port}"], directory, ready="/-/ready"
    ) as server:
        yield server
