"""Jupyter's libraries, imported late and without the grammars of internationalised addresses."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any, cast

#: Builds 38 grammars when it is imported, for formats that no schema of a notebook names: three seconds of each report.
_GRAMMARS = "rfc3987_syntax"


def jupyter_library(name: str) -> Any:
    """Return a module such as ``papermill``; its JSON schemas get along without the check of IRIs.

    Examples
    --------
    >>> jupyter_library("nbformat").current_nbformat
    4
    """
    if name in sys.modules or _GRAMMARS in sys.modules:
        return import_module(name)
    sys.modules[_GRAMMARS] = cast(ModuleType, None)
    try:
        return import_module(name)
    finally:
        sys.modules.pop(_GRAMMARS, None)
