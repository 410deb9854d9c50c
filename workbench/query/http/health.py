"""Health endpoints over HTTP: asked all at once, each with a deadline for the whole answer, the body cut off."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from workbench.query.http.failures import clean

#: More of a body than this is not read. [bytes]
MAX_BYTES = 65_536

_WELL = frozenset({"healthy", "ok", "up", "pass", "passing", "success", "green", "alive", "ready"})
_SO_SO = frozenset({"degraded", "warn", "warning", "yellow"})
_AT_ONCE = 8


@dataclass(frozen=True)
class HealthAnswer:
    """What an endpoint said: ``healthy``, ``degraded``, ``unhealthy``, or ``unreachable`` when it did not answer.

    ``detail`` is foreign text: one line, without control characters, not endless.
    """

    status: str
    code: int | None
    seconds: float
    detail: str


def ask_health(urls: Sequence[tuple[str, float]]) -> list[HealthAnswer]:
    """Ask endpoints once each, never raising for what they do.

    Parameters
    ----------
    urls : sequence of (str, float)
        Address and deadline, from the connection to the last byte. [s]

    Notes
    -----
    Only a 2xx counts as an answer of a healthy part; then the ``status`` of a JSON body decides, and names of checks
    in it that are not well become the detail. No redirect is followed, no cookie, proxy or ``.netrc`` is used.
    """
    # A notebook has a loop running in its own thread already, and asyncio.run refuses to start beside it.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="health") as pool:
        return pool.submit(asyncio.run, _ask_all(urls)).result()


def judged_body(body: bytes) -> tuple[str, str]:
    """Read the state from a body of an answer with a good code: status, and what is not well.

    Examples
    --------
    >>> judged_body(b'{"status": "degraded", "checks": [{"name": "redis", "status": "unhealthy"}]}')
    ('degraded', 'says degraded; not well: redis')
    >>> judged_body(b"Prometheus Server is Healthy."), judged_body(b'{"database": "failing", "version": "12.1"}')
    (('healthy', ''), ('unhealthy', 'says database failing'))
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "healthy", ""
    phrase = document.get("status") if isinstance(document, dict) else None
    database = document.get("database") if isinstance(document, dict) else None
    if phrase is None and isinstance(database, str):
        # Grafana names no status of its own, only that of its database.
        well = database.strip().lower() in _WELL
        return ("healthy", "") if well else ("unhealthy", clean(f"says database {database}", 200))
    if not isinstance(phrase, str):
        return "healthy", ""
    word = phrase.strip().lower()
    status = "healthy" if word in _WELL else "degraded" if word in _SO_SO else "unhealthy"
    bad = _unwell(document.get("checks"))
    detail = "" if status == "healthy" else f"says {phrase}"
    if bad:
        status = "degraded" if status == "healthy" else status
        detail = "; ".join(filter(None, [detail, f"not well: {', '.join(bad)}"]))
    return status, clean(detail, 200)


async def _ask_all(urls: Sequence[tuple[str, float]]) -> list[HealthAnswer]:
    gate = asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=None) as client:  # noqa: S113

        async def answer(url: str, timeout_s: float) -> HealthAnswer:
            async with gate:
                return await _ask(client, url, timeout_s)

        return list(await asyncio.gather(*(answer(url, timeout_s) for url, timeout_s in urls)))


async def _ask(client: httpx.AsyncClient, url: str, timeout_s: float) -> HealthAnswer:
    began = time.monotonic()
    code: int | None = None
    try:
        async with asyncio.timeout(timeout_s), client.stream("GET", url, headers={"Accept": "*/*"}) as answer:
            code, body = answer.status_code, b""
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) >= MAX_BYTES:
                    break
    except TimeoutError:
        return HealthAnswer("unreachable", code, time.monotonic() - began, f"No whole answer in {timeout_s:g} s.")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        why = clean(str(error), 200) or type(error).__name__
        return HealthAnswer("unreachable", code, time.monotonic() - began, why)
    seconds = time.monotonic() - began
    if not 200 <= code < 300:
        return HealthAnswer("unhealthy", code, seconds, f"answers with HTTP {code}")
    status, detail = judged_body(body)
    return HealthAnswer(status, code, seconds, detail)


def _unwell(checks: Any) -> list[str]:
    if isinstance(checks, dict):
        checks = [{**check, "name": name} for name, check in checks.items() if isinstance(check, dict)]
    if not isinstance(checks, list):
        return []
    rows = [check for check in checks[:100] if isinstance(check, dict)]
    return [str(row.get("name")) for row in rows if str(row.get("status", "healthy")).lower() not in _WELL]
