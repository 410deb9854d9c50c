"""Analytics and SLO reporting workbench for teams that run LLM platforms."""

__version__ = "0.1.0"
