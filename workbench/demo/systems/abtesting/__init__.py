"""The LLM A/B Testing Platform, simulated."""

from workbench.demo.systems.abtesting.model import ABTESTING

__all__ = ["ABTESTING"]
