"""What went wrong at an object store, in one line that holds no signature of an address."""

from __future__ import annotations

import re


def plain(error: BaseException) -> str:
    """One line of an error of an object store, without the part of an address that may hold a signature.

    Examples
    --------
    >>> plain(OSError("Error performing GET https://a.invalid/c/x?sig=abc in 1ms: <Error><Code>Denied</Code></Error>"))
    'Error performing GET https://a.invalid/c/x (Denied)'
    """
    text = re.sub(r"\x1b\[[\d;]*m|↳", "", str(error).partition("Debug source:")[0])
    text = ": ".join(line.strip() for line in text.splitlines() if line.strip())
    code = re.search(r"<Code>(\w+)</Code>", text)
    head = re.sub(r"\?\S*", "", text.partition("<")[0])
    head = re.sub(r" in [\d.]+\S?s\b(, after .*?retry_timeout: \S+ *)?", "", head).rstrip(" :.")
    return f"{head} ({code[1]})" if code else head or type(error).__name__
