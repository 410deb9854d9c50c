"""The shipped scenario with recorded traffic, cut to two days."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from workbench.core.shipped import shipped

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
