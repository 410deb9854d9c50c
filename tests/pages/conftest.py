from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.pages.lab import NOW, build_lab
from workbench import studies
from workbench.core.shipped import shipped
from workbench.ui import background


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the small archive of the Lab; read only."""
    return build_lab(tmp_path_factory.mktemp("lab") / "demo")


@pytest.fixture
def settings_file(tmp_path: Path, lab: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings with the Lab's archive as the only source, in force."""
    file = tmp_path / "workbench.toml"
    file.write_text(
        f'home = "home"\n[sources.lab]\nkind = "archive"\npath = "{lab}"\nsystems = ["counterfactual-lab"]\n'
    )
    monkeypatch.setenv("WORKBENCH_CONFIG", str(file))
    for name in ("WORKBENCH_HOME", "WORKBENCH_ZONE", "WORKBENCH_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    return file


@pytest.fixture
def visit(settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a page of the dashboard, at an instant that does not move, with nothing kept from other tests."""
    opened = studies.open_context
    monkeypatch.setattr(studies, "open_context", lambda settings=None: replace(opened(settings), clock=lambda: NOW))
    monkeypatch.setattr(background, "read", lambda ctx, pairs, as_of: None)  # test_background.py answers them
    st.cache_data.clear()
    st.cache_resource.clear()

    def go(page: str = "", **query: str) -> AppTest:
        app = AppTest.from_file(str(shipped("pages", "app.py")), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        return (app.switch_page(page) if page else app).run()

    return go
