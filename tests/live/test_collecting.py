"""The collector at real servers: targets and rules of a Prometheus, silences of an Alertmanager, and their changes."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.servers.fixtures import Omit, release_or_omit
from tests.servers.programs import Server
from tests.servers.prometheus import prometheus
from workbench.catalog import load_catalog
from workbench.query import PrometheusSource
from workbench.store import Store
from workbench.studies import Context
from workbench.studies.upkeep.collect import collect

pytestmark = pytest.mark.live

SYSTEM = "counterfactual-lab"


def silence(server: Server, comment: str) -> None:
    now = datetime.now(UTC)
    body = {
        "matchers": [{"name": "alertname", "value": "HighErrorRate", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "an engineer",
        "comment": comment,
    }
    request = urllib.request.Request(
        f"{server.url}/api/v2/silences", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).read()


@pytest.mark.parametrize("semantics", ["v2", "v3"])
def test_a_turn_keeps_what_real_servers_say_and_a_second_one_only_what_is_new(
    semantics: str, alertmanager: Server, tmp_path: Path, omit: Omit
) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    config = "global: {evaluation_interval: 1s, scrape_interval: 1s}\nrule_files: [rules.yml]\n"
    (folder / "rules.yml").write_text(
        "groups:\n- name: lab\n  rules:\n  - {alert: Always, expr: vector(1), labels: {severity: warning}}\n"
        "  - {record: 'job:up', expr: sum by (job) (up)}\n"
    )
    with prometheus(release_or_omit(semantics, omit), folder, config=config) as server:
        source = PrometheusSource("prod", server.url)
        store, clock = Store(f"sqlite:///{tmp_path / 'store.db'}"), [datetime.now(UTC)]
        ctx = Context(
            sources={"prod": source},
            catalog=load_catalog(),
            store=store,
            clock=lambda: clock[0],
            serves={"prod": (SYSTEM,)},
            alertmanagers={"prod": alertmanager.url},
        )
        silence(alertmanager, f"first of {semantics}")
        errors = {part.kind: error for part, error in collect(ctx, as_of=clock[0])}
        assert {kind: errors[kind] for kind in ("targets", "rules", "alerts", "silences")} == dict.fromkeys(
            ("targets", "rules", "alerts", "silences"), ""
        )
        (kept,) = store.observed("prod", "rules")
        assert {row["name"] for row in kept.document} == {"Always", "job:up"}
        comments = {row["comment"] for row in store.observed("prod", "silences")[0].document}
        assert f"first of {semantics}" in comments
        own = [
            row for row in store.observed("prod", "silences")[0].document if row["comment"] == f"first of {semantics}"
        ]
        assert own[0]["matchers"] == [{"name": "alertname", "value": "HighErrorRate", "regex": False, "equal": True}]
        silence(alertmanager, f"second of {semantics}")
        clock[0] += timedelta(minutes=5)
        list(collect(ctx, as_of=clock[0]))
        assert len(store.observed("prod", "silences")) == 2
