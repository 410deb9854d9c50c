"""The shipped scenario with recorded traffic, cut to two days."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from workbench.core.shipped import shipped
from workbench.demo import build
from workbench.demo.world import World, world_of

SCENARIO = shipped("data", "scenarios", "servegen.yaml")
SLICE = SCENARIO.parent / "servegen"
DAYS = 2


def short_scenario(directory: Path, **more: Any) -> Path:
    """Write the scenario with a shorter history, its release in it; ``more`` replaces keys of the head."""
    data = yaml.safe_load(SCENARIO.read_text(encoding="utf-8"))
    data["days"], data["events"][0]["start"] = DAYS, "-1d10h"
    data["traffic"]["slice"] = str(SLICE)
    file = directory / "short.yaml"
    file.write_text(yaml.safe_dump(data | more), encoding="utf-8")
    return file


def simulate_conduit_alone(patch: pytest.MonkeyPatch) -> None:
    """Leave out the systems beside Conduit, which no count of recorded traffic reads and which take most of a build."""

    def world(*paths: Any) -> World:
        whole = world_of(*paths)
        return replace(whole, models=[model for model in whole.models if model.name == "conduit"])

    patch.setattr(build, "world_of", world)
