from __future__ import annotations

import json
import shlex

import pytest

from tests.pages.lab import NOW
from workbench import studies
from workbench.cli.main import main
from workbench.core.periods import parse_period
from workbench.core.settings import load_settings
from workbench.core.units import ratio_text
from workbench.ui.parts import exports, load

SYSTEM = "counterfactual-lab"


def seen(app) -> str:
    """All text on the page."""
    kinds = (app.title, app.markdown, app.caption, app.text, app.warning, app.info, app.error, app.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u00a0", " ")


def tiles(app) -> dict[str, str]:
    return {tile.label: tile.value.replace("\\", "").replace("\u00a0", " ") for tile in app.metric}


def test_the_overview_shows_every_slo_worst_first(visit):
    app = visit()
    assert not app.exception
    table = app.dataframe[0]
    assert len(table.value) == 5
    assert table.value["Status"].iloc[0] == ["Budget spent"]
    assert [heading.value for heading in app.subheader] == ["What to do today", "How it stands", "All SLOs"]
    assert "Data to 7 Nov 2026 00:00 UTC" in seen(app)


def test_the_overview_begins_with_what_to_do_with_owner_runbook_and_evidence(visit):
    app = visit()
    text = seen(app)
    assert "1. :material/" in text
    assert "owner SRE team" in text
    assert "runbook: Monitoring and Observability, Troubleshooting" in text
    assert "of budget left" in text or "budget overspent by" in text
    spend = next(table.value for table in app.dataframe if "Spent" in table.value)
    assert set(spend["Spent"]) == {"no data"}
    assert "No alert fires (" in text


def test_the_slo_list_shows_what_the_study_counts(visit):
    app = visit("slo.py")
    assert not app.exception
    table = app.dataframe[0].value.set_index("SLO")
    assert table.loc["Latency under 2 s", "Objective"] == "95.00 %"
    assert table["Status"].iloc[0] == ["Budget spent"]
    assert app.selectbox(key="slo").value == "all"


def test_the_episode_that_was_chosen_and_what_was_opened_are_part_of_the_address(visit):
    link = {"system": SYSTEM, "slo": "availability", "period": "7d"}
    listed = visit("slo.py", **link).selectbox(key="episode").options
    app = visit("slo.py", **link, episode=listed[-1], replay="true", table="Alerting policies")
    assert not app.exception
    assert app.selectbox(key="episode").value == listed[-1]
    assert app.toggle(key="replay").value
    assert "There is no episode" in seen(visit("slo.py", **link, episode="1 Jan 1970 00:00 UTC"))


def test_a_deep_link_opens_the_detail_with_the_numbers_of_the_study(visit):
    app = visit("slo.py", system=SYSTEM, slo="availability", period="7d")
    assert not app.exception
    assert app.title[0].value == "Availability"
    context = studies.open_context(load_settings())
    as_of = NOW.replace(second=0, minute=0)
    span = parse_period("7d", zone="UTC", week_start="monday", as_of=as_of)
    row = (
        studies.slo_compliance(context, system=SYSTEM, range=span, as_of=as_of, slo="availability")
        .results["compliance"]
        .frame.iloc[0]
    )
    assert row["bad"] == 60 * 40
    shown = tiles(app)
    assert shown["Measured"] == ratio_text(row["sli"])
    assert shown["Budget left"] == ratio_text(row["budget_left_ratio"], digits=1)
    assert shown["Bad"] == "2,400"
    assert len(app.get("plotly_chart")) == 2
    text = seen(app)
    assert f"workbench --zone UTC slo status {SYSTEM} --slo availability --last 7d --to 2026-11-07T00:00:00Z" in text
    assert f"workbench --zone UTC notebook open slo_budget --system {SYSTEM} --period 7d" in text


def test_the_command_on_the_page_prints_the_numbers_of_the_page(visit, capsys):
    app = visit("slo.py", slo="availability", period="7d")
    shown = next(code.value for code in app.code if " slo status " in code.value)
    with pytest.raises(SystemExit) as ended:
        main([*shlex.split(shown)[1:], "--format", "json"])
    assert ended.value.code == 0
    printed = json.loads(capsys.readouterr().out)
    as_of = NOW.replace(second=0, minute=0)
    study = load.slo_compliance(
        SYSTEM, parse_period("7d", zone="UTC", week_start="monday", as_of=as_of), "UTC", "availability"
    )
    assert printed == json.loads(exports.json_text(study))
    (row,) = printed["results"]["compliance"]["rows"]
    assert tiles(app)["Measured"] == ratio_text(row["sli"])


def test_a_bad_deep_link_names_what_is_not_there_and_shows_the_list(visit):
    app = visit("slo.py", system="no-such", slo="<b>x</b>", period="soon", zone="Mars/Base")
    assert not app.exception
    text = seen(app)
    for asked in ("'no-such'", "'<b>x</b>'", "'soon'", "'Mars/Base'"):
        assert asked in text
    assert app.selectbox(key="slo").value == "all"


def test_markup_in_the_address_is_escaped(visit):
    app = visit("slo.py", slo=":red[x] <img src=x> $a$")
    (warning,) = app.warning
    assert "\\<img" in warning.value
    assert "\\:red\\[" in warning.value
    assert "\\$a\\$" in warning.value


def test_a_calendar_month_is_cut_in_the_chosen_zone(visit):
    app = visit("slo.py", slo="availability", period="this-month", zone="Europe/Berlin")
    assert not app.exception
    assert "31 Oct 2026 23:00 to 30 Nov 2026 23:00 UTC" in seen(app)
    assert "--period 2026-11" in seen(app)


@pytest.mark.parametrize(("asked", "span"), [("3d", "4 Nov 2026"), ("2025-02", "1 Feb 2025")])
def test_a_window_that_is_not_on_offer_can_still_be_asked_for_by_address(visit, asked, span):
    app = visit("slo.py", slo="availability", period=asked)
    assert not app.exception
    assert app.selectbox(key="period").value == asked
    assert span in seen(app)


@pytest.mark.parametrize("asked", ["3y", "9999999999d", "99999-01", "0d", "2026-13", "-5d"])
def test_an_absurd_window_falls_back_and_says_so(visit, asked):
    app = visit("slo.py", slo="availability", period=asked)
    assert not app.exception
    assert app.selectbox(key="period").value == "default"
    assert f"There is no period '{asked}'" in seen(app)


def test_a_window_before_the_first_sample_is_no_data_and_not_a_hundred_percent(visit):
    app = visit("slo.py", slo="availability", period="2026-08")
    assert not app.exception
    assert "No data" in seen(app)
    assert tiles(app)["Measured"] == "–"
    assert not app.get("plotly_chart")


@pytest.mark.slow
def test_an_empty_archive_says_so_on_every_page(visit, settings_file, tmp_path):
    from workbench.archive import Archive

    Archive.open(tmp_path / "empty", create=True)
    settings_file.write_text(
        f'home = "home"\n[sources.lab]\nkind = "archive"\npath = "{tmp_path / "empty"}"\n'
        'systems = ["counterfactual-lab"]\n'
    )
    for page in ("", "slo.py", "sources.py"):
        app = visit(page)
        assert not app.exception, page
        assert "No data" in seen(app) or any("No data" in str(table.value) for table in app.dataframe), page
    app = visit("slo.py", slo="availability")
    assert not app.exception
    assert tiles(app)["Measured"] == "–"


@pytest.mark.slow
def test_a_source_that_is_down_is_a_message_with_a_next_step(visit, settings_file):
    settings_file.write_text(
        'home = "home"\n[sources.prod]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\n'
        'systems = ["counterfactual-lab"]\n'
    )
    app = visit()
    assert not app.exception
    assert app.dataframe[0].value["Status"].tolist() == [["Unavailable"]] * 5
    assert "0 missed, 0 at risk, 5 not known" in seen(app)
    assert "broken now" not in seen(app)
    assert " met" not in seen(app)
    app = visit("slo.py", slo="availability")
    assert not app.exception
    assert "Unavailable" in seen(app)
    assert "workbench sources check" in seen(app)
    assert tiles(app)["Measured"] == "–"
    app = visit("sources.py")
    assert not app.exception
    assert app.dataframe[0].value["Status"].tolist() == [["Unavailable"]]


def test_a_missing_archive_says_how_to_make_one(visit, settings_file, tmp_path):
    settings_file.write_text(f'home = "home"\n[sources.lab]\nkind = "archive"\npath = "{tmp_path / "nowhere"}"\n')
    app = visit("sources.py")
    assert not app.exception
    assert "workbench demo build" in seen(app)


def test_wrong_settings_are_shown_with_file_and_line(visit, settings_file):
    settings_file.write_text('hme = "x"\n')
    app = visit()
    assert not app.exception
    assert "The settings cannot be used" in seen(app)
    assert "workbench.toml:1" in seen(app)
    assert "Did you mean 'home'?" in seen(app)


def test_a_wrong_profile_is_shown_with_file_and_line(visit, settings_file, tmp_path):
    (tmp_path / "mine.yaml").write_text("schema: 1\nsystem: mine\ntitel: Mine\n")
    settings_file.write_text(f'profiles = ["mine.yaml"]\n{settings_file.read_text()}')
    app = visit()
    assert not app.exception
    assert "mine.yaml:3: 'titel' is not a key of this entry" in seen(app)


def test_a_fault_of_the_program_is_one_sentence_and_no_traceback(visit, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("secret detail 4711")

    monkeypatch.setattr(studies, "slo_compliance", broken)
    app = visit("slo.py")
    assert not app.exception
    assert "This page could not be built" in seen(app)
    assert "4711" not in seen(app)


def test_the_sources_page_says_what_is_and_what_is_not_measured(visit):
    app = visit("sources.py")
    assert not app.exception
    tables = [table.value for table in app.dataframe]
    assert tables[0].loc[0, "Source"] == "lab"
    assert tables[0].loc[0, "Semantics"] == "v3"
    assert "7 Nov 2026 00:00 UTC" in tables[0].loc[0, "Newest sample"]
    assert any("Signal" in table for table in tables)
    assert "**Not measured**" in seen(app)


def test_hostile_titles_reach_the_page_as_text(visit, settings_file, tmp_path):
    title = "<img src=x onerror=alert(1)> :red[x] [l](javascript:alert(1))"
    (tmp_path / "slos").mkdir()
    (tmp_path / "slos" / "evil.yaml").write_text(
        json.dumps(
            {
                "apiVersion": "openslo/v1",
                "kind": "SLO",
                "metadata": {"name": "evil", "displayName": title, "labels": {"system": SYSTEM}},
                "spec": {
                    "description": title,
                    "service": SYSTEM,
                    "indicator": {
                        "metadata": {"name": "evil"},
                        "spec": {
                            "ratioMetric": {
                                "counter": True,
                                "good": {
                                    "metricSource": {
                                        "type": "Prometheus",
                                        "spec": {"query": 'sum(http_requests_total{status!~"5.."})'},
                                    }
                                },
                                "total": {
                                    "metricSource": {
                                        "type": "Prometheus",
                                        "spec": {"query": "sum(http_requests_total)"},
                                    }
                                },
                            }
                        },
                    },
                    "timeWindow": [{"duration": "30d", "isRolling": True}],
                    "budgetingMethod": "Occurrences",
                    "objectives": [{"displayName": "x", "target": 0.999}],
                },
            }
        )
    )
    settings_file.write_text(f'slos = ["slos"]\n{settings_file.read_text()}')
    app = visit("slo.py", slo="evil")
    assert not app.exception
    for element in (*app.markdown, *app.title, *app.caption):
        assert "<img" not in element.value.replace("\\<", "")
    assert title in [element.value for element in app.text], seen(app)


def test_a_system_without_slos_has_a_row_and_a_page_that_says_what_to_add(visit, settings_file, tmp_path):
    (tmp_path / "mine.yaml").write_text("schema: 1\nsystem: mine\ntitle: Mine\nscope: {system: mine}\n")
    served = settings_file.read_text().replace('["counterfactual-lab"]', '["counterfactual-lab", "mine"]')
    settings_file.write_text(f'profiles = ["mine.yaml"]\n{served}')
    app = visit()
    assert not app.exception
    rows = app.dataframe[0].value.set_index("System")
    assert rows.loc["Mine", "SLO"] == "–"
    assert rows.loc["Mine", "Status"] == ["No data"]
    app = visit("slo.py", system="mine")
    assert not app.exception
    assert "Mine" in seen(app)
    assert "No SLO is defined for this system" in seen(app)
    app = visit("sources.py", system="mine")
    assert not app.exception


def test_the_page_of_reviews_opens_with_one_that_the_system_has(visit, settings_file):
    settings_file.write_text(settings_file.read_text().replace("counterfactual-lab", "conduit"))
    app = visit("reviews.py", system="conduit")
    assert app.selectbox(key="review").value != "morning"
    assert "has no checklist" not in seen(app)
