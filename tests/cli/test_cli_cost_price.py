"""`workbench cost price`: a usage priced from a table, at its date; unknown is an error and never free."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.cli.main import main

TABLE = """provider,model,unit,price,since,until
openai,o3,input_tokens,10,,2025-06-10
openai,o3,output_tokens,40,,2025-06-10
openai,o3,input_tokens,2,2025-06-10,
openai,o3,output_tokens,8,2025-06-10,
"""


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.csv").write_text(TABLE)
    return tmp_path / "prices.csv"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["cost", "price", *arguments])
    return int(str(left.value.code))


@pytest.mark.parametrize(("at", "total"), [("2025-06-09", "0.014"), ("2025-06-10", "0.0028")])
def test_a_usage_is_priced_at_its_date(book: Path, capsys: pytest.CaptureFixture[str], at: str, total: str):
    assert run("openai", "o3", "input_tokens=1000", "output_tokens=100", "--book", str(book), "--at", at) == 0
    shown = capsys.readouterr()
    assert f"{total} USD" in shown.out
    assert "prices.csv" in shown.err


def test_an_unknown_model_and_a_usage_that_is_none_are_errors(book: Path, capsys: pytest.CaptureFixture[str]):
    assert run("openai", "o9", "input_tokens=1", "--book", str(book)) != 0
    assert "Unknown is not free" in capsys.readouterr().err
    assert run("openai", "o3", "input_tokens", "--book", str(book)) != 0
    assert "is no usage" in capsys.readouterr().err
    book.with_suffix(".json").write_text("{")
    assert run("openai", "o3", "input_tokens=1", "--book", str(book.with_suffix(".json"))) != 0
    assert "cannot be read as prices" in capsys.readouterr().err
