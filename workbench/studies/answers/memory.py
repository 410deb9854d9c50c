"""Memory that was freed and is given back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

import pyarrow as pa


def release() -> None:
    """Give freed memory back: a question leaves some hundred MB of it, a drawn page some MB."""
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # glibc alone keeps what was freed and can be asked for it
        ctypes.CDLL(None).malloc_trim(0)
