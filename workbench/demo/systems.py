"""The simulated systems, in the order in which they are written."""

from __future__ import annotations

from workbench.demo.abtesting import ABTESTING
from workbench.demo.choreo import CHOREO
from workbench.demo.conduit import CONDUIT
from workbench.demo.day import SystemModel
from workbench.demo.lab import LAB

SYSTEMS: tuple[SystemModel, ...] = (LAB, CONDUIT, ABTESTING, CHOREO)
