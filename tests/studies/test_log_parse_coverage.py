"""Parse coverage: by parser for every kind of source, and figures of badly understood lines are never called OK."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.demo_home import END
from tests.query.fake_loki import FakeLoki, Line
from tests.query.served import serving
from workbench.core.filters import LogFilter
from workbench.core.settings import SourceSettings, load_settings
from workbench.core.timerange import TimeRange
from workbench.query.logs.loki.source import LokiSource
from workbench.studies import Context, log_overview, open_context
from workbench.studies.logs.reading import read_lines

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)
HOUR = TimeRange(AT, AT + timedelta(hours=1))
GOOD = '{{"time": "2026-11-01T10:{:02}:00Z", "level": "{}", "message": "done"}}'


@pytest.fixture
def of_file(tmp_path: Path) -> Callable[[list[str]], Context]:
    def context(lines: list[str]) -> Context:
        (tmp_path / "app.log").write_text("\n".join(lines) + "\n")
        file = tmp_path / "workbench.toml"
        file.write_text('home = "home"\n[sources.app]\nkind = "logfiles"\npath = "app.log"\nsystems = ["conduit"]\n')
        return replace(open_context(load_settings(file)), clock=lambda: HOUR.end)

    return context


def test_understood_lines_are_ok_and_counted_by_parser(of_file: Callable[[list[str]], Context]) -> None:
    lines = [GOOD.format(minute, "INFO") for minute in range(19)]
    study = log_overview(of_file(lines), system="conduit", range=HOUR, as_of=HOUR.end)
    assert study.status == "ok"
    frame = study.results["coverage"].frame
    assert frame[["parser", "records", "understood", "with_level"]].to_numpy().tolist() == [["json", 19, 19, 19]]


@pytest.mark.parametrize(
    ("bad", "said"),
    [('{"time": "2026-11-01T10:30:00Z", "level": "INF', "were understood"),
     ("2026-11-01T10:30:00Z something was done", "have a level")],
)  # fmt: skip
def test_lines_that_are_not_understood_are_never_ok(
    of_file: Callable[[list[str]], Context], bad: str, said: str
) -> None:
    lines = [*(GOOD.format(minute, "INFO") for minute in range(17)), bad, bad.replace("30", "31")]
    study = log_overview(of_file(lines), system="conduit", range=HOUR, as_of=HOUR.end)
    assert study.status == "at_risk"
    assert any(said in text and "of 19 records" in text for text in study.warnings), study.warnings


def test_an_archive_keeps_fields(demo_context: Context) -> None:
    study = log_overview(demo_context, system="conduit", range=TimeRange(END - timedelta(hours=2), END), as_of=END)
    frame = study.results["coverage"].frame
    assert frame["parser"].tolist() == ["fields"]
    assert frame["records"].iloc[0] == study.results["errors"].frame["kept"].iloc[0] > 0
    assert frame["level_share"].tolist() == [1]
    assert study.status == "ok"


def test_lines_of_loki_are_counted_by_the_parser_that_read_them() -> None:
    start = HOUR.start_ms * 1_000_000
    texts = ['{"level": "info", "message": "a"}', "level=warn msg=b", "just text", '{"level": "er']
    lines = [Line(start + number * 10**9, text, {"service_name": "shop"}) for number, text in enumerate(texts)]
    with serving(FakeLoki(lines).answer) as served:
        settings = SourceSettings(kind="loki", url=served.url, selector='{service_name="shop"}')
        read = read_lines(LokiSource.from_settings("loki", settings), LogFilter(), HOUR)
    assert {kind: dict(counts) for kind, counts in read.attrs["parsers"].items()} == {
        "json": {"records": 1, "understood": 1, "with_level": 1},
        "logfmt": {"records": 1, "understood": 1, "with_level": 1},
        "text": {"records": 2, "understood": 1, "with_level": 0},
    }
