from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from hypothesis import settings
from streamlit.components.v2 import manifest_scanner

from tests.demo_home import (  # noqa: F401
    demo_context,
    demo_home,
    demo_settings,
    monthly_page,
    monthly_run,
    run_folder,
    shared_settings,
)
from tests.scheduling import in_order, pytest_xdist_make_scheduler  # noqa: F401
from tests.servers.fixtures import (  # noqa: F401
    alertmanager,
    chromium,
    empty_database,
    jaeger_node,
    loki_node,
    node_exporter,
    opensearch_node,
    postgres_url,
    prometheus_v2,
    prometheus_v3,
)

# Jupyter's schemas load it for formats that no notebook has; see workbench/report/run/jupyter.py.
sys.modules.setdefault("rfc3987_syntax", cast(Any, None))

# AppTest looks through the metadata of every installed package at each visit, a third of a second of processor time.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)

# Speed is measured by `make bench`; a test must not fail because the machine is busy.
settings.register_profile("house", deadline=None)
# `make check` draws a few cases of each property; `make test` a hundred.
settings.register_profile("quick", deadline=None, max_examples=20)

#: Programs, not tests: `make bench` runs them.
collect_ignore_glob = ["benchmarks/bench_*.py"]

PAGES = Path(__file__).parent / "pages"


@pytest.fixture(autouse=True)
def _main_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep ``__main__``: page tests put scripts of theirs in its place, and a process spawned later would run them."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("quick" if "not slow" in config.option.markexpr else "house")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import files that are slow, live or soak as a whole where the command leaves just these out."""
    left_out = [mark for mark in ("slow", "live", "soak") if re.search(rf"\bnot {mark}\b", config.option.markexpr)]
    if collection_path.suffix != ".py" or not left_out:
        return None
    whole = rf"^pytestmark = .*\.({'|'.join(left_out)})\b"
    return bool(re.search(whole, collection_path.read_text(), re.MULTILINE)) or None


def omit(reason: str) -> NoReturn:
    """Leave a test out for want of something on this machine; a failure under ``WORKBENCH_STRICT=1``."""
    if os.environ.get("WORKBENCH_STRICT") == "1":
        pytest.fail(f"WORKBENCH_STRICT=1 allows no omission: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session", name="omit")
def omission() -> Callable[[str], NoReturn]:
    return omit


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what needs the whole demo, which takes longer to build than all quick tests together, and pages."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "demo_home" in fixtures or item.path.is_relative_to(PAGES):
            item.add_marker(pytest.mark.slow)
    in_order(items)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Let a failure on hostile text be reported: a worker can send no lone surrogates."""
    return encodable((yield))


def encodable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {encodable(key): encodable(inner) for key, inner in value.items()}
        case list() | tuple():
            return type(value)(encodable(inner) for inner in value)
    return value
