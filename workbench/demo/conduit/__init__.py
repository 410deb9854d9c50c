"""Conduit, a gateway in front of language and image models."""

from workbench.demo.conduit.model import CONDUIT

__all__ = ["CONDUIT"]
