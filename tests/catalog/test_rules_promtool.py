"""Prometheus' own checker accepts the rules of every profile, templates of the annotations included."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from workbench.catalog import iter_queries, load_catalog
from workbench.core.timerange import duration_text

pytestmark = pytest.mark.live

CATALOG = load_catalog()


@pytest.mark.parametrize("system", CATALOG.profiles)
def test_promtool_accepts_every_rule(system: str, tmp_path: Path, omit: Callable[[str], NoReturn]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        omit("promtool is not installed (Debian: apt install prometheus)")
    profile = CATALOG.profile(system)
    recorded = [{"record": rule.name, "expr": rule.expr, "labels": rule.labels} for rule in profile.recording_rules]
    alerts = [
        {
            "alert": rule.name,
            "expr": rule.expr,
            "for": duration_text(rule.for_ms),
            "labels": {**rule.labels, "severity": rule.severity},
            "annotations": rule.annotations,
        }
        for rule in profile.alert_rules
    ]
    rules = tmp_path / "rules.yml"
    rules.write_text(json.dumps({"groups": [{"name": system, "rules": [*recorded, *alerts]}]}), encoding="utf-8")
    done = subprocess.run(
        [promtool, "check", "rules", str(rules)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert f"SUCCESS: {len(recorded) + len(alerts)} rules found" in done.stdout


def test_promtool_refuses_the_rules_as_conduits_document_writes_them(
    tmp_path: Path, omit: Callable[[str], NoReturn]
) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        omit("promtool is not installed (Debian: apt install prometheus)")
    for rule in CATALOG.profile("conduit").alert_rules:
        if rule.derived:
            continue
        rules = tmp_path / f"{rule.name}.yml"
        block = "\n".join(f"      {line}" for line in str(rule.documented).splitlines())
        rules.write_text(f"groups:\n  - name: documented\n    rules:\n{block}\n", encoding="utf-8")
        done = subprocess.run(
            [promtool, "check", "rules", str(rules)], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode != 0
        assert "severity" in done.stdout + done.stderr


def test_promtool_accepts_every_query_documented_ones_too(tmp_path: Path, omit: Callable[[str], NoReturn]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        omit("promtool is not installed (Debian: apt install prometheus)")
    everything = load_catalog([Path(__file__).with_name("litellm.yaml")])
    asked = [{"record": f"query:{at}", "expr": query.text} for at, query in enumerate(iter_queries(everything))]
    rules = tmp_path / "queries.yml"
    rules.write_text(json.dumps({"groups": [{"name": "queries", "rules": asked}]}), encoding="utf-8")
    done = subprocess.run(
        [promtool, "check", "rules", str(rules)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(asked)} rules found" in done.stdout
