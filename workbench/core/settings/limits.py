"""Settings of what a question may cost."""

from __future__ import annotations

from pydantic import Field

from workbench.core.settings.secrets import Frozen


class Limits(Frozen):
    """What one question may cost before it is refused; ``answer_mib`` is the memory of one answer of a server. [MiB]"""

    samples: int = Field(default=50_000_000, gt=0)
    series: int = Field(default=20_000, gt=0)
    seconds: float = Field(default=120.0, gt=0)
    answer_mib: int = Field(default=512, gt=0)
