"""The shipped investigations: papermill parameters, and one run of each on the demo and on a second system."""

from __future__ import annotations

import json
from pathlib import Path

import papermill
import pytest

from tests.surfaces import run_notebook
from workbench.cli.main import main
from workbench.core.settings import Settings
from workbench.core.shipped import shipped

PATHS = sorted(shipped("notebooks").glob("*.ipynb"))

#: Shorter than two days where a notebook is about a short window.
PERIOD = {"incident_window": "2026-10-30T10:00..2026-10-30T12:00"}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_takes_system_and_period(path: Path) -> None:
    parameters = papermill.inspect_notebook(str(path))
    assert list(parameters) == ["system", "period", "as_of", "home", "config"]
    assert all(parameter["inferred_type_name"] == "str" and parameter["help"] for parameter in parameters.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "system"),
    [(path, ("counterfactual-lab", "conduit")[number % 2]) for number, path in enumerate(PATHS)],
    ids=lambda value: getattr(value, "stem", value),
)
def test_a_notebook_runs(path: Path, system: str, demo_settings: Settings, tmp_path: Path) -> None:
    assert run_notebook(path, tmp_path, period=PERIOD.get(path.stem, "2026-10-30..2026-11-01"), system=system)


def test_a_notebook_is_opened_with_its_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    words = ["notebook", "open", "slo_budget", "--system", "conduit", "--period", "2026-10", "--no-lab"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0, capsys.readouterr().err
    (copy,) = (tmp_path / "notebooks-mine").glob("*.ipynb")
    assert copy.name == "slo_budget-conduit-2026-10.ipynb"
    parameters = papermill.inspect_notebook(str(copy))
    assert [parameters[name]["default"] for name in ("system", "period")] == ['"conduit"', '"2026-10"']
    assert len(json.loads(copy.read_text())["cells"]) > 5
    for system in ("conduit", "choreoai"):  # copies of another system are not what is asked for
        with pytest.raises(SystemExit) as ended:
            main(["notebook", "open", "--system", system, "--no-lab"])
        assert ended.value.code == 0
        copy = tmp_path / "notebooks-mine" / f"cost_drivers-{system}.ipynb"
        assert papermill.inspect_notebook(str(copy))["system"]["default"] == f'"{system}"'
    with pytest.raises(SystemExit) as ended:
        main(["notebook", "open", "nothing", "--no-lab"])
    assert ended.value.code == 2
