"""The simulated systems, in the order in which they are written."""

from __future__ import annotations

from workbench.demo.engine.day import SystemModel
from workbench.demo.systems.abtesting import ABTESTING
from workbench.demo.systems.choreo import CHOREO
from workbench.demo.systems.conduit import CONDUIT
from workbench.demo.systems.lab import LAB

SYSTEMS: tuple[SystemModel, ...] = (LAB, CONDUIT, ABTESTING, CHOREO)
