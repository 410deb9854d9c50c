from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import Catalog, load_catalog
from workbench.catalog.slo.documents import CalendarUnit, CalendarWindow
from workbench.core.errors import ParameterError, SourceUnavailable
from workbench.core.periods import parse_period
from workbench.core.settings import load_settings
from workbench.core.source import EpisodeSource, LogSource, MetricSource, SpanSource
from workbench.core.timerange import TimeRange
from workbench.studies import Context, open_context
from workbench.studies.sources.periods import calendar_period, month_text
from workbench.studies.sources.unavailable import UnavailableSource

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def settings_with(folder: Path, text: str) -> Path:
    file = folder / "workbench.toml"
    file.write_text(f'home = "home"\n{text}')
    return file


def test_sources_are_opened_or_stand_there_with_their_reason(tmp_path: Path) -> None:
    Archive.open(tmp_path / "there", create=True)
    file = settings_with(
        tmp_path,
        '[sources.good]\nkind = "archive"\npath = "there"\n'
        '[sources.gone]\nkind = "archive"\npath = "nowhere"\nsystems = ["mine"]\n'
        '[sources.server]\nkind = "prometheus"\nurl = "http://127.0.0.1:1"\n',
    )
    ctx = open_context(load_settings(file))
    assert isinstance(ctx.sources["good"], ArchiveSource)
    gone = ctx.source_for("mine")
    assert isinstance(gone, UnavailableSource)
    assert gone.state().status == "unavailable"
    assert "nowhere" in gone.state().location
    assert ctx.sources["server"].name == "server"  # opening asks no server
    with pytest.raises(SourceUnavailable):
        gone.raw("up", TimeRange(NOW, NOW))


def test_a_source_that_names_the_system_goes_before_one_for_all() -> None:
    every, mine = UnavailableSource("every", "", ""), UnavailableSource("mine", "", "")
    ctx = Context({"every": every, "mine": mine}, Catalog(), serves={"mine": ("lab",)})
    assert ctx.source_for("lab") is mine
    assert ctx.source_for("other") is every


def test_without_any_source_the_state_says_what_to_do() -> None:
    ctx = Context({"mine": UnavailableSource("mine", "", "")}, Catalog(), serves={"mine": ("lab",)})
    assert "No source answers for the system 'other'" in ctx.source_for("other").state().detail


@pytest.mark.parametrize("contract", [MetricSource, LogSource, SpanSource, EpisodeSource])
def test_a_closed_source_and_an_archive_keep_the_contracts_of_sources(contract: type, tmp_path: Path) -> None:
    assert isinstance(UnavailableSource("x", "", ""), contract)
    assert isinstance(ArchiveSource("x", Archive.open(tmp_path / "a", create=True)), contract)


def test_records_come_from_the_source_that_names_a_system_then_one_for_all_then_an_archive(tmp_path: Path) -> None:
    Archive.open(tmp_path / "kept", create=True)
    text = '[sources.kept]\nkind = "archive"\npath = "kept"\n[sources.prom]\nkind = "prometheus"\nurl = "http://p"\n'
    ctx = open_context(load_settings(settings_with(tmp_path, text)))
    found = (ctx.logs_for("mine"), ctx.spans_for("mine"), ctx.episodes_for("mine"))
    assert [source.name for source in found] == ["kept"] * 3
    for kind, where in (
        ("loki", 'url = "http://l"'),
        ("tempo", 'url = "http://t"'),
        ("alertmanager", 'url = "http://a"'),
    ):
        text += f'[sources.all-{kind}]\nkind = "{kind}"\n{where}\n'
        text += f'[sources.mine-{kind}]\nkind = "{kind}"\n{where}\nsystems = ["mine"]\n'
    ctx = open_context(load_settings(settings_with(tmp_path, text)))
    assert (ctx.logs_for("mine").name, ctx.logs_for("other").name) == ("mine-loki", "all-loki")
    assert (ctx.spans_for("mine").name, ctx.spans_for("other").name) == ("mine-tempo", "all-tempo")
    assert ctx.episodes_for("mine").name == "mine-alertmanager"
    assert list(ctx.sources) == ["kept", "prom"]


def test_without_any_source_of_records_the_reason_stands_in_its_state() -> None:
    ctx = Context({"prom": UnavailableSource("prom", "", "", kind="prometheus")}, Catalog())
    assert "keeps logs of the system 'mine'" in ctx.logs_for("mine").state().detail


def test_the_clock_is_aware() -> None:
    assert Context({}, Catalog()).clock().tzinfo is UTC


@pytest.mark.parametrize(("text", "start", "end"), [
    ("30d", NOW - timedelta(days=30), NOW), ("90m", NOW - timedelta(minutes=90), NOW),
    ("last-month", datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)),
    ("This-Month", datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC)),
    ("2026-03", datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)),
])  # fmt: skip
def test_periods_as_people_write_them(text: str, start: datetime, end: datetime) -> None:
    assert parse_period(text, zone="Europe/Berlin", week_start="monday", as_of=NOW) == TimeRange(start, end)


@pytest.mark.parametrize("text", ["", "0d", "thirty days", "2026-13", "2026-1", "month"])
def test_what_is_no_period_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ParameterError, match=r"period|month"):
        parse_period(text, zone="UTC", week_start="monday", as_of=NOW)


def counted(count: int, unit: CalendarUnit, start: str = "2026-01-01 00:00:00", *, zone: str = "UTC") -> CalendarWindow:
    return CalendarWindow(count, unit, start, zone)


WEEKLY = CalendarWindow(1, "week", "2022-01-01 12:00:00", "America/New_York")
MONTHLY = CalendarWindow(1, "month", "2022-09-01 08:00:00", "America/New_York")


@pytest.mark.parametrize(("calendar", "asked", "start", "end"), [
    (WEEKLY, "2022-03-15T00:00", "2022-03-12T17:00", "2022-03-19T16:00"),  # 167 h, OpenSLO PR 93
    (WEEKLY, "2022-11-08T00:00", "2022-11-05T16:00", "2022-11-12T17:00"),  # 169 h
    (MONTHLY, "2022-10-12T00:00", "2022-10-01T12:00", "2022-11-01T12:00"),  # Kibana PR 143190, zone kept
    (MONTHLY, "2022-10-01T11:59", "2022-09-01T12:00", "2022-10-01T12:00"),
    (MONTHLY, "2022-10-01T12:00", "2022-10-01T12:00", "2022-11-01T12:00"),
    (MONTHLY, "2022-08-20T00:00", "2022-08-01T12:00", "2022-09-01T12:00"),
    (counted(1, "quarter"), "2026-11-21T00:00", "2026-10-01T00:00", "2027-01-01T00:00"),
    (counted(2, "week", "2026-01-05 00:00:00"), "2026-01-20T00:00", "2026-01-19T00:00", "2026-02-02T00:00"),
    (counted(1, "year", "2024-01-01 00:00:00"), "2026-06-01T00:00", "2026-01-01T00:00", "2027-01-01T00:00"),
    (counted(1, "day", zone="Europe/Warsaw"), "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),
])  # fmt: skip
def test_calendar_periods_follow_the_wall_clock(calendar: CalendarWindow, asked: str, start: str, end: str) -> None:
    found = calendar_period(calendar, datetime.fromisoformat(asked).replace(tzinfo=UTC))
    assert found == TimeRange(*(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end)))


def test_a_period_is_named_by_its_month_in_the_zone_only_there() -> None:
    span = parse_period("2026-10", zone="Europe/Berlin", week_start="monday", as_of=NOW)
    assert month_text(span, "Europe/Berlin") == "2026-10"
    assert month_text(span, "UTC") == ""


def test_a_shipped_system_that_no_source_answers_for_stays_off_the_board() -> None:
    catalog = load_catalog()
    shipped = tuple(catalog.profiles)
    mine = Catalog({**catalog.profiles, "mine": catalog.profiles["counterfactual-lab"]}, catalog.objectives)
    source = UnavailableSource("prod", "", "not asked")
    assert Context({"prod": source}, mine, serves={"prod": ("mine",)}).systems == ("mine",)
    assert Context({"prod": source}, mine, serves={"prod": ()}).systems == (*shipped, "mine")
    assert Context({"prod": source}, mine, serves={"prod": ("other",)}).systems == (*shipped, "mine")


def test_opening_writes_nothing(tmp_path: Path) -> None:
    open_context(load_settings(settings_with(tmp_path, "")))
    assert [path.name for path in tmp_path.iterdir()] == ["workbench.toml"]
