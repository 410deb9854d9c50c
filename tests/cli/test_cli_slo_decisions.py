"""Exclusions, annotations, rules, imports and issues from the command line: what is printed, and how it ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.studies.conftest import SYSTEM, lab_series
from workbench.archive import Archive
from workbench.cli.main import main


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decisions") / "archive"
    Archive.open(folder, create=True).append_samples(lab_series())
    return folder


@pytest.fixture
def run(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for name in ("HOME", "ZONE", "STORE_URL", "IDENTITY"):
        monkeypatch.delenv(f"WORKBENCH_{name}", raising=False)
    file = tmp_path / "workbench.toml"
    file.write_text(f'home = "home"\nidentity = "ana"\n[sources.demo]\nkind = "archive"\npath = "{shelf}"\n')
    monkeypatch.setenv("WORKBENCH_CONFIG", str(file))

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


@pytest.mark.slow
def test_an_exclusion_is_made_listed_shown_and_revoked(run) -> None:
    period = ("--from", "2026-10-28", "--to", "2026-11-01")
    window = ("--slo", "quality", "--from", "2026-10-29T00:00Z", "--for", "2h")
    code, id, said = run("slo", "exclude", "add", SYSTEM, *window, "--reason", "=HYPERLINK(1)")
    assert (code, "figures count without it" in said) == (0, True)
    code, out, _ = run("slo", "exclude", "list", SYSTEM, "--format", "json")
    (kept,) = json.loads(out)
    assert (kept["id"], kept["created_by"], kept["semantics"]) == (id.strip(), "ana", "remove_time")
    assert "'=HYPERLINK(1)" in run("slo", "exclude", "list", SYSTEM, "--format", "csv")[1]
    code, out, said = run("slo", "status", SYSTEM, "--slo", "quality", *period)
    assert (code, "With and without exclusions:" in said) == (0, True)
    assert "bad without" in out
    assert run("slo", "exclude", "revoke", kept["id"], "--reason", "Wrong")[0] == 0
    assert run("slo", "exclude", "revoke", kept["id"], "--reason", "Wrong")[0] == 2
    assert "With and without" not in run("slo", "status", SYSTEM, "--slo", "quality", *period)[2]
    actions = [row["action"] for row in json.loads(run("slo", "exclude", "audit", SYSTEM, "--format", "json")[1])]
    assert actions == ["exclusion.revoke", "exclusion.add"]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("slo", "exclude", "add", SYSTEM, "--from", "soon", "--for", "2h", "--reason", "x"), 2, "not a date"),
        (("slo", "exclude", "add", "lab", "--from", "2026-10-29", "--for", "2h", "--reason", "x"), 2, "no system"),
        (("slo", "exclude", "add", SYSTEM, "--from", "2026-10-29", "--for", "2h", "--label", "x", "--reason", "x"), 2,
         "not name=value"),
        (("slo", "annotate", "add", SYSTEM, "--kind", "party", "--at", "2026-10-29", "--text", "x"), 2, "no kind"),
        (("slo", "rules", SYSTEM, "--slo", "none"), 2, "no objective 'none'"),
        (("report", "reproduce", SYSTEM, "--month", "2026-10"), 2, "has no issue"),
        (("report", "issue", "--system", SYSTEM, "--month", "2999-10"), 2, "has not begun"),
    ],
)  # fmt: skip
def test_a_wrong_command_says_why_and_what_next(run, words, code, why) -> None:
    found, out, said = run(*words)
    assert (found, out) == (code, "")
    assert why in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_rules_exports_and_imports_are_files_that_are_read_again(run, tmp_path: Path) -> None:
    code, _, said = run("slo", "rules", SYSTEM, "--slo", "availability", "--out", str(tmp_path / "rules"))
    assert (code, sorted(path.name for path in (tmp_path / "rules").iterdir())) == (
        0, [f"{SYSTEM}-availability.rules.yaml", f"{SYSTEM}-availability.test.yaml"])  # fmt: skip
    assert "promtool test rules" in said
    text = run("slo", "export", SYSTEM)[1]
    (tmp_path / "ours.yaml").write_text(text)
    target = tmp_path / "again.yaml"
    code, _, said = run("slo", "import", str(tmp_path / "ours.yaml"), "--system", SYSTEM, "--out", str(target))
    assert (code, target.read_text()) == (0, text)
    assert run("slo", "import", str(tmp_path / "ours.yaml"), "--system", SYSTEM, "--out", str(target))[0] == 2
    listed = json.loads(run("slo", "list", SYSTEM, "--format", "json")[1])
    assert {row["objective"] for row in listed} == {name.strip(" .\n") for name in said.split(":", 1)[1].split(",")}


@pytest.mark.slow
def test_an_issue_is_made_listed_and_made_again(run, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.studies.sources import context

    monkeypatch.setattr(context, "_now", lambda: datetime(2026, 11, 4, tzinfo=UTC))
    monkeypatch.setattr(context.Context.__dataclass_fields__["clock"], "default", context._now)
    code, path, _ = run("report", "issue", "--system", SYSTEM, "--month", "2026-10", "--early")
    assert (code, Path(path.strip()).is_file()) == (0, True)
    assert "stands: no number has changed" in run("slo", "report", SYSTEM, "--month", "2026-10", "--early")[2]
    (row,) = json.loads(run("report", "issues", "--format", "json")[1])
    assert (row["issue"], row["by"]) == (1, "ana")
    code, out, _ = run("report", "reproduce", SYSTEM, "--month", "2026-10")
    assert (code, out) == (0, "figures: the same\ndocument: the same\ndocument in the archive: the same\n")
    assert "is the first" in run("report", "diff", SYSTEM, "--month", "2026-10")[2]
    Path(path.strip()).write_text("spoilt")
    assert run("report", "reproduce", SYSTEM, "--month", "2026-10")[0] == 1
