"""The Multimodal Counterfactual Lab, simulated."""

from workbench.demo.lab.model import LAB

__all__ = ["LAB"]
