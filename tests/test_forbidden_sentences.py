"""No surface claims what was not looked at: a dead source, an empty one, ten minutes of data, half the metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.pages.lab import _series
from workbench.archive import Archive
from workbench.cli.main import main
from workbench.core.series import SeriesSet
from workbench.core.settings import load_settings
from workbench.studies import open_context
from workbench.studies.overview.board import overview

pytestmark = pytest.mark.slow

SYSTEM = "counterfactual-lab"

#: Id of a claim -> how it reads, and the states of the source in which nothing could prove it.
FORBIDDEN: dict[str, tuple[str, tuple[str, ...]]] = {
    "overview/all-clear": (r"Nothing needs attention:", ("down", "empty", "ten", "half")),
    "overview/no-alert": (r"No alert fires", ("down", "empty", "half")),
    "alerts/none-began": (r"No alert began in this period", ("down", "empty", "ten", "half")),
    "slo/on-track": (r"\bon track\b|\bOK\b", ("down", "empty")),
    "slo/nothing-fires": (r"  none$", ("down", "empty")),
    "slo/policy-clear": (r"No step of the error-budget policy is reached|\bclear\b", ("down", "empty")),
    "slo/no-episode": (r"No episode spent|out of the ordinary", ("down", "empty")),
    "performance/kept": (r"\bWithin\b", ("down", "empty")),
    "cost/no-unusual-day": (r"No unusual day|No day left the level", ("down", "empty", "ten", "half")),
    "cost/zero": (r"\b0\.00 USD", ("down", "empty", "ten", "half")),
    "quality/no-drift": (r"No drift|Nothing drifts|\bsteady\b(?! scores)", ("down", "empty", "ten", "half")),
    "capacity/no-limit": (r"Nothing runs out|No resource runs out", ("down", "empty", "ten", "half")),
}

COMMANDS = (
    ("slo", "status", SYSTEM), ("slo", "burn", SYSTEM), ("slo", "policy", SYSTEM), ("slo", "attribute", SYSTEM),
    ("performance", "status", SYSTEM, "--last", "1d"), ("cost", "status", SYSTEM, "--last", "7d"),
    ("quality", "status", SYSTEM, "--last", "7d"), ("capacity", "status", SYSTEM),
    ("alerts", "status", SYSTEM, "--last", "7d"),
)  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A settings file for each state of the source."""
    root, now = tmp_path_factory.mktemp("sweep"), datetime.now(UTC).replace(second=0, microsecond=0)
    every = list(_series(now))
    kept = {
        "empty": [],
        "ten": [(labels, times[-11:], values[-11:]) for labels, times, values in every],
        "half": [one for one in every if one[0]["__name__"] == "http_requests_total"],
    }
    files = {"down": _settings(root / "down", 'kind = "prometheus"\nurl = "http://127.0.0.1:9"')}
    for state, series in kept.items():
        archive = Archive.open(root / f"{state}-archive", create=True)
        if series:
            archive.append_samples(SeriesSet.of(series))
        files[state] = _settings(root / state, f'kind = "archive"\npath = "{root / f"{state}-archive"}"')
    return files


def _settings(folder: Path, source: str) -> Path:
    folder.mkdir()
    file = folder / "workbench.toml"
    file.write_text(f'[sources.lab]\n{source}\nsystems = ["{SYSTEM}"]\n')
    return file


def _claims(text: str, state: str) -> Iterator[str]:
    for finding, (pattern, states) in FORBIDDEN.items():
        if state in states and (said := re.search(pattern, text, re.MULTILINE)):
            yield f"{finding}: {said[0]}"


@pytest.mark.parametrize("state", ["down", "empty", "ten", "half"])
def test_no_command_claims_what_was_not_looked_at(
    state: str, settings: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(settings[state].parent / "home")
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(settings[state]), "--home", home, *command])
        told = capsys.readouterr()
        assert list(_claims(told.out + told.err, state)) == [], command
        assert ended.value.code == (3 if state == "down" else 0), command


@pytest.mark.parametrize("state", ["down", "empty", "ten", "half"])
def test_the_overview_claims_only_what_was_read(state: str, settings: dict[str, Path]) -> None:
    from workbench.analysis.overview.evidence import quiet_sentence

    home = str(settings[state].parent / "home")
    study = overview(open_context(load_settings(settings[state], home=home)), as_of=datetime.now(UTC))
    looked = study.results["evidence"]
    text = f"{looked.clear()}\n{quiet_sentence(looked.frame)}"
    assert list(_claims(text, state)) == []
