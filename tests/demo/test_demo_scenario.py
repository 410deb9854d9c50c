from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from workbench.core.errors import CatalogError, ParameterError
from workbench.core.shipped import shipped
from workbench.core.timerange import to_ms
from workbench.demo.engine.systems import SYSTEMS
from workbench.demo.kinds import KINDS
from workbench.demo.scenario import Scenario, load_scenario, offset_ms

DIMENSIONS = {model.name: model.dimensions for model in SYSTEMS}
ANCHOR = to_ms(datetime(2026, 11, 21, tzinfo=UTC))
HEAD = "schema: 1\nname: x\nevents:\n"


def at(text: str) -> datetime:
    return datetime.fromtimestamp(offset_ms(text, ANCHOR) / 1000, UTC)


def load(tmp_path: Path, *lines: str) -> Scenario:
    file = tmp_path / "scenario.yaml"
    file.write_text(HEAD + "".join(f"  - {line}\n" for line in lines))
    return load_scenario(file, DIMENSIONS)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("-9d12h", "2026-11-11T12:00"),
        ("+4d", "2026-11-25T00:00"),
        ("anchor", "2026-11-21T00:00"),
        ("last-month", "2026-10-01T00:00"),
        ("last-month+7d13h20m", "2026-10-08T13:20"),
        ("last-month-1d", "2026-09-30T00:00"),
    ],
)
def test_offsets_relate_to_the_anchor_or_to_the_month_before_it(text: str, instant: str) -> None:
    assert at(text) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


def test_on_the_first_of_a_month_the_month_before_is_the_one_that_just_ended() -> None:
    first = to_ms(datetime(2027, 1, 1, tzinfo=UTC))
    assert offset_ms("last-month", first) == to_ms(datetime(2026, 12, 1, tzinfo=UTC))
    assert offset_ms("last-month", first - 1) == to_ms(datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "9d", "-", "tomorrow", "last-month 3d", "-3 days", "last-month+"])
def test_a_text_that_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        offset_ms(text, ANCHOR)


def test_the_shipped_scenario_has_every_kind_of_trouble_the_readme_goals() -> None:
    scenario = load_scenario(shipped("data", "scenarios", "demo.yaml"), DIMENSIONS)
    kinds = {event.kind for event in scenario.place(ANCHOR)}
    assert kinds >= {
        "outage", "slow_burn", "latency_regression", "deploy", "quality_drift", "filling_disk",
        "flapping_alert", "stale_alert", "maintenance", "scrape_gap",
    }  # fmt: skip


LAB = "system: counterfactual-lab"
USUAL = f"kind: outage, {LAB}, start: -1d, duration: 5m, magnitude: 1"


@pytest.mark.parametrize(
    ("entry", "why", "nearest"),
    [
        (f"kind: outtage, {LAB}, start: -1d", "is not a kind of event", "outage"),
        ("kind: outage, system: conterfactual-lab, start: -1d", "is not a simulated system", "counterfactual-lab"),
        (f"kind: outage, {LAB}, start: -1d, duration: 5m", "needs a magnitude", ""),
        (f"kind: outage, {LAB}, start: -1d, magnitude: 0.5", "needs a duration", ""),
        (f"kind: outage, {LAB}, start: -1d, duration: 5m, magnitude: 50", "outside 0 to 1", ""),
        (f"kind: outage, {LAB}, start: soon, duration: 5m, magnitude: 1", "not an offset", ""),
        (f"kind: outage, {LAB}, start: -1d, duration: 90s, magnitude: 1", "whole minutes", ""),
        (f"kind: outage, {LAB}, start: -1d, duraton: 5m, magnitude: 1", "is not a key", "duration"),
        (f"{USUAL}, where: {{method: PSOT}}", "has no method", "POST"),
        (f"{USUAL}, where: {{metod: GET}}", "is not narrowed by", "method"),
    ],
)
def test_a_mistake_is_shown_with_its_line_and_the_nearest_word(
    tmp_path: Path, entry: str, why: str, nearest: str
) -> None:
    good = "{id: fine, kind: deploy, system: counterfactual-lab, start: -2d}"
    with pytest.raises(CatalogError) as caught:
        load(tmp_path, good, f"{{id: a, {entry}}}")
    fault = caught.value.faults[0]
    assert (fault.line, Path(fault.file).name) == (5, "scenario.yaml")
    assert why in fault.why
    assert fault.nearest == nearest


def test_all_mistakes_are_shown_at_once(tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as caught:
        load(
            tmp_path,
            "{id: a, kind: deploy, system: counterfactual-lab, start: -1d, duration: 5m}",
            "{id: a, kind: crash, system: counterfactual-lab, start: -1d}",
        )
    assert [fault.line for fault in caught.value.faults] == [4, 5, 5]


def test_a_missing_file_is_a_sentence_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"nowhere.yaml:1: the scenario cannot be read"):
        load_scenario(tmp_path / "nowhere.yaml", DIMENSIONS)


def test_levels_follow_the_shape(tmp_path: Path) -> None:
    common = "system: counterfactual-lab, start: anchor, duration: 8m"
    scenario = load(
        tmp_path,
        f"{{id: flat, kind: outage, {common}, magnitude: 0.5}}",
        f"{{id: rising, kind: filling_disk, {common}, magnitude: 0.8}}",
        f'{{id: pulsing, kind: flapping_alert, {common}, magnitude: 1, "on": 2m, "off": 3m}}',
    )
    minutes = ANCHOR // 60_000 + np.arange(-1, 9)
    levels = {event.id: event.level(minutes).round(3).tolist() for event in scenario.place(ANCHOR)}
    assert levels == {
        "flat": [0, *[0.5] * 8, 0],
        "rising": [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0],
        "pulsing": [0, 1, 1, 0, 0, 0, 1, 1, 0, 0],
    }


def test_every_kind_stands_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "demo.md").read_text()
    assert [kind for kind in KINDS if f"| `{kind}` |" not in text] == []
