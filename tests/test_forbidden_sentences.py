"""No surface claims what was not looked at: a dead source, an empty one, ten minutes of data, half the metrics."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.claims import STATES, SYSTEM, claims, source_in
from workbench.cli.main import main
from workbench.core.settings import load_settings
from workbench.studies import open_context
from workbench.studies.overview.board import overview

pytestmark = pytest.mark.slow

WEEK = ("--last", "7d")
COMMANDS = (
    ("slo", "status", SYSTEM), ("slo", "burn", SYSTEM), ("slo", "policy", SYSTEM), ("slo", "attribute", SYSTEM),
    ("slo", "backtest", SYSTEM, *WEEK),
    ("performance", "status", SYSTEM, "--last", "1d"), ("cost", "status", SYSTEM, *WEEK),
    ("cost", "why", SYSTEM, *WEEK), ("cost", "forecast", SYSTEM), ("cost", "budgets", SYSTEM),
    ("cost", "windows", SYSTEM),
    ("quality", "status", SYSTEM, *WEEK),
    ("capacity", "status", SYSTEM), ("alerts", "status", SYSTEM, *WEEK),
    ("alerts", "rules", SYSTEM, *WEEK),
    ("operations", "status", SYSTEM), ("slo", "scorecard", "--system", SYSTEM, "--months", "2"),
    ("review", "all", SYSTEM),
    ("investigate", SYSTEM, "--last", "1h"),
)  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A settings file for each state of the source."""
    root, now = tmp_path_factory.mktemp("sweep"), datetime.now(UTC).replace(second=0, microsecond=0)
    files = {}
    for state in STATES:
        (root / state).mkdir()
        files[state] = root / state / "workbench.toml"
        files[state].write_text(source_in(state, root, now))
    return files


@pytest.mark.parametrize("state", STATES)
def test_no_command_claims_what_was_not_looked_at(
    state: str, settings: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(settings[state].parent / "home")
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(settings[state]), "--home", home, *command])
        told = capsys.readouterr()
        assert list(claims(told.out + told.err, state)) == [], command
        # A review lists what could not be looked at, item by item, and is a list all the same.
        assert ended.value.code == (3 if state == "down" and command[0] != "review" else 0), command


@pytest.mark.parametrize("state", STATES)
def test_the_overview_claims_only_what_was_read(state: str, settings: dict[str, Path]) -> None:
    from workbench.analysis.overview.evidence import quiet_sentence

    home = str(settings[state].parent / "home")
    study = overview(open_context(load_settings(settings[state], home=home)), as_of=datetime.now(UTC))
    looked = study.results["evidence"]
    text = f"{looked.clear()}\n{quiet_sentence(looked.frame)}"
    assert list(claims(text, state)) == []
