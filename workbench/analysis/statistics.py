"""Statistics of scipy take half a second to load, which the first to need them would wait for."""

from __future__ import annotations

from importlib import import_module


def load_statistics() -> None:
    """Load them now."""
    for name in ("scipy.special", "scipy.stats"):
        import_module(name)
