"""A whole Loki 2.2, the last one under the Apache License, built from its Go module by `make loki`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.programs import ROOT, Server, free_port, running

PROGRAM = ROOT / ".servers" / "loki" / "loki"


def configuration(directory: Path, port: int) -> dict[str, Any]:
    """One process with its chunks and index in a folder; it takes lines of any age."""
    ring = {"kvstore": {"store": "inmemory"}}
    lifecycler = {"address": "127.0.0.1", "ring": {**ring, "replication_factor": 1}, "final_sleep": "0s",
                  "min_ready_duration": "0s"}  # fmt: skip
    schema = {"from": "2020-10-24", "store": "boltdb-shipper", "object_store": "filesystem", "schema": "v11",
              "index": {"prefix": "index_", "period": "24h"}}  # fmt: skip
    return {
        "auth_enabled": False,
        "server": {"http_listen_address": "127.0.0.1", "http_listen_port": port, "log_level": "warn",
                   "grpc_listen_address": "127.0.0.1", "grpc_listen_port": free_port()},
        # Without the last key only lines that were written to disk are read of more than a moment ago.
        "ingester": {"lifecycler": lifecycler, "max_transfer_retries": 0, "query_store_max_look_back_period": "-1ns"},
        "schema_config": {"configs": [schema]},
        "storage_config": {
            "boltdb_shipper": {"active_index_directory": f"{directory}/index", "cache_location": f"{directory}/cache",
                               "shared_store": "filesystem"},
            "filesystem": {"directory": f"{directory}/chunks"},
        },
        "compactor": {"working_directory": f"{directory}/compactor", "shared_store": "filesystem"},
        "ruler": {"storage": {"type": "local", "local": {"directory": f"{directory}/rules"}}, "ring": ring,
                  "rule_path": f"{directory}/rules.part"},
        "limits_config": {"reject_old_samples": False, "ingestion_rate_mb": 100, "ingestion_burst_size_mb": 100,
                          "enforce_metric_name": False},
    }  # fmt: skip


@contextmanager
def loki(directory: Path) -> Iterator[Server]:
    """Run one on ports of its own."""

    def command(port: int) -> list[str | Path]:
        (directory / "loki.yaml").write_text(json.dumps(configuration(directory, port)))
        return [PROGRAM, f"-config.file={directory}/loki.yaml"]

    with running(command, directory, ready="/ready") as server:
        yield server
