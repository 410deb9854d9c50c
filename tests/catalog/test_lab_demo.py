"""The demo exposes what the Lab's profile says, and every query of the profile has an answer in it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from workbench.archive import Archive
from workbench.catalog import iter_queries, load_catalog
from workbench.core.timerange import to_ms
from workbench.promql import Matcher, evaluate_range, scoped

pytestmark = pytest.mark.slow

CATALOG = load_catalog()
LAB = CATALOG.profile("counterfactual-lab")
END_MS = to_ms(datetime(2026, 11, 1, tzinfo=UTC))
TARGET_LABELS = {"__name__", "job", "instance", "system", "le"}


def test_the_demo_has_the_families_labels_and_values_of_the_profile(demo_home: Path) -> None:
    archive = Archive.open(demo_home / "demo")
    found: dict[str, dict[str, set[str]]] = {}
    for labels in archive.select([Matcher("system", "=", LAB.system)], END_MS - 600_000, END_MS).labels:
        name = labels["__name__"]
        bare = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        values = found.setdefault(bare if bare in LAB.metrics else name, {})
        for label in labels.keys() - TARGET_LABELS:
            values.setdefault(label, set()).add(labels[label])
    rules = {rule.name for rule in LAB.recording_rules}
    assert found.keys() - {"ALERTS", "ALERTS_FOR_STATE"} == LAB.metrics.keys() | rules
    for name, family in LAB.metrics.items():
        assert found[name].keys() == family.labels.keys(), name
        for label, known in family.labels.items():
            assert not known or found[name][label] <= set(known), (name, label)


def test_every_query_answers_on_the_demo(demo_home: Path) -> None:
    archive = Archive.open(demo_home / "demo")
    empty = []
    for query in iter_queries(CATALOG):
        if query.system == LAB.system and not query.where.startswith("alert_rules/"):
            text = scoped(query.text, LAB.scope)
            answer = evaluate_range(text, archive, start_ms=END_MS - 7_200_000, end_ms=END_MS, step_ms=600_000)
            if not answer.present.any():
                empty.append(query.where)
    assert empty == []
