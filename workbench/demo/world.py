"""Which systems a scenario runs: all simulated, or one of them driven by recorded traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.core.errors import ParameterError
from workbench.core.timerange import DAY_MS
from workbench.demo.engine.day import SystemModel
from workbench.demo.engine.systems import SYSTEMS
from workbench.demo.engine.volumes import read_volumes
from workbench.demo.scenario import load_traffic
from workbench.demo.systems.conduit.replay import Replay


@dataclass(frozen=True)
class World:
    """The systems of a demo.

    Attributes
    ----------
    models : sequence of SystemModel
        In the order in which they are written.
    input : mapping
        What the truth says of recorded traffic; empty when everything is simulated.
    """

    models: Sequence[SystemModel] = SYSTEMS
    input: Mapping[str, Any] = field(default_factory=dict)

    def anchored(self, anchor_ms: int) -> World:
        """Return the same systems with recorded traffic placed before an anchor."""
        day = anchor_ms // DAY_MS
        models = [replace(model, anchor_day=day) if isinstance(model, Replay) else model for model in self.models]
        return replace(self, models=models)


def world_of(scenario: Path, source: Path | None = None) -> World:
    """Return the systems of a scenario file.

    Parameters
    ----------
    scenario : Path
        File of the scenario.
    source : Path, optional
        Folder of the recorded traffic; the slice beside the scenario by default.

    Raises
    ------
    CatalogError
        The head of the file is wrong.
    ParameterError
        The folder is not what the scenario asks for, or the scenario asks for none.
    """
    traffic = load_traffic(scenario)
    if traffic is None:
        if source is not None:
            says = f"{scenario} simulates everything; it reads nothing from {source}."
            raise ParameterError(says, hint="Leave --from out, or name a scenario with traffic, e.g. servegen.yaml.")
        return World()
    volumes = read_volumes(traffic, source.expanduser() if source else scenario.parent / traffic.slice)
    models = [Replay(volumes) if model.name == traffic.system else model for model in SYSTEMS]
    return World(models, volumes.facts())
