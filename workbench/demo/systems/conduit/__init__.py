"""Conduit, a gateway in front of language and image models."""

from workbench.demo.systems.conduit.model import CONDUIT

__all__ = ["CONDUIT"]
