"""The Multimodal Counterfactual Lab, simulated."""

from workbench.demo.systems.lab.model import LAB

__all__ = ["LAB"]
