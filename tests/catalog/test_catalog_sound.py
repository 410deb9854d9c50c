"""One mistake stops one system or one objective; the others load, and the mistake is listed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from workbench.catalog import load_catalog, sound_catalog
from workbench.core.errors import CatalogError, ParameterError
from workbench.core.settings import load_settings
from workbench.studies.sources.context import open_context

PROFILE = "schema: 1\nsystem: {name}\ntitle: {name}\n"
SLO = """apiVersion: openslo/v1
kind: SLO
metadata: {name: NAME, labels: {system: SYSTEM}}
spec:
  service: s
  indicator: {metadata: {name: NAME}, spec: {ratioMetric: {counter: true,
    bad: {metricSource: {spec: {query: a}}}, total: {metricSource: {spec: {query: b}}}}}}
  timeWindow: [{duration: 7d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: TARGET}]
"""
MISTAKES = {
    "unknown key": "schema: 1\nsystem: bad\ntitle: bad\ncolour: red\n",
    "no yaml": "system: [\n",
    "role without select": "schema: 1\nsystem: bad\ntitle: bad\nroles: {up: {kind: gauge, unit: bool}}\n",
    "label not of the metric": "schema: 1\nsystem: bad\ntitle: bad\nmetrics: {a_total: {kind: counter, unit: requests, "
    "labels: {code: []}}}\nroles: {requests: {kind: counter, select: a_total, unit: requests, labels: {status: no}}}\n",
    "a system twice": "schema: 1\nsystem: bad\ntitle: bad\n---\nschema: 1\nsystem: bad\ntitle: bad\n",
}


def slo(name: str, system: str, target: str = "0.99") -> str:
    return SLO.replace("NAME", name).replace("SYSTEM", system).replace("TARGET", target)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_wrong_profile_stops_its_own_system_only(tmp_path: Path, mistake: str) -> None:
    (tmp_path / "bad.yaml").write_text(MISTAKES[mistake])
    (tmp_path / "good.yaml").write_text(PROFILE.format(name="good") + "---\n" + slo("good-a", "good"))
    read = sound_catalog([tmp_path])
    assert read.profile("good").title == "good"
    assert [one.id for one in read.objectives["good"]] == ["a"]
    assert all(Path(fault.file).name == "bad.yaml" for fault in read.faults)
    assert read.faults
    with pytest.raises(ParameterError if mistake == "no yaml" else CatalogError):
        read.profile("bad")
    with pytest.raises(CatalogError):
        load_catalog([tmp_path])
    settings = tmp_path / "workbench.toml"
    settings.write_text('home = "home"\nprofiles = ["."]\n[sources.a]\nkind = "archive"\npath = "archive"\n')
    assert len(open_context(load_settings(settings)).catalog.faults) == len(read.faults)


@pytest.mark.slow
def test_one_wrong_objective_leaves_the_others(tmp_path: Path) -> None:
    documents = [
        PROFILE.format(name="good"),
        *(slo(f"good-{name}", "good", t) for name, t in zip("abc", ("0.9", "1", "0.99"), strict=True)),
    ]
    for order in itertools.permutations(documents):
        (tmp_path / "all.yaml").write_text("---\n".join(order))
        read = sound_catalog([tmp_path])
        assert {one.id for one in read.objectives["good"]} == {"a", "c"}
        assert [fault.why.split(" must")[0] for fault in read.faults] == ["target 1"]


def test_a_folder_that_is_not_there_is_a_mistake_that_stops_nothing(tmp_path: Path) -> None:
    read = sound_catalog([tmp_path / "nowhere"])
    assert "conduit" in read.profiles
    assert ["cannot be read" in fault.why for fault in read.faults] == [True]


def test_a_wrong_profile_or_objective_of_a_shipped_system_leaves_no_shipped_one_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("schema: 1\nsystem: conduit\ntitle: c\ncolour: red\n")
    assert "conduit" not in sound_catalog([tmp_path]).profiles
    (tmp_path / "own.yaml").write_text(slo("conduit-own", "conduit", "1"))
    assert sound_catalog([tmp_path]).objectives["conduit"] == ()
