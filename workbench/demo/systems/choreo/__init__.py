"""ChoreoAI, one API in front of several providers, simulated."""

from workbench.demo.systems.choreo.model import CHOREO

__all__ = ["CHOREO"]
