"""ChoreoAI, one API in front of several providers, simulated."""

from workbench.demo.choreo.model import CHOREO

__all__ = ["CHOREO"]
