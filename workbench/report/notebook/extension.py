"""What ``%load_ext workbench`` does."""

from __future__ import annotations

from typing import Any

from workbench.report.notebook.completion import promql_matcher
from workbench.report.notebook.magics import WorkbenchMagics


def load(shell: Any) -> None:
    """Register the magics and their completion with an IPython shell."""
    shell.register_magics(WorkbenchMagics)
    matchers = getattr(shell.Completer, "custom_matchers", None)
    if matchers is not None and promql_matcher not in matchers:
        matchers.append(promql_matcher)
