"""A message that was not sent, and whether another attempt can help."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.core.errors import WorkbenchError
from workbench.core.foreign_text import cut, visible

_LONGEST = 300


class SendError(WorkbenchError):
    """A message could not be sent; ``permanent`` where the same message will be refused again."""

    def __init__(self, message: str, *, permanent: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.wait_s = wait_s


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Return words of a server, harmless, short and without the secrets we sent it."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return cut(visible(" ".join(text.split())), _LONGEST)
