"""The LLM A/B Testing Platform, simulated."""

from workbench.demo.abtesting.model import ABTESTING

__all__ = ["ABTESTING"]
