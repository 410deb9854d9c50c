"""A number leads out to the server it came from: Grafana where one is set, else the pages of the Prometheus."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from workbench.core.errors import SettingsError
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange
from workbench.ui.parts.external import grafana_url

SYSTEM = "counterfactual-lab"


def links(app) -> list[str]:
    return [element.proto.url for element in app.get("link_button")]


def test_a_grafana_of_the_settings_opens_the_query_over_the_period(visit, settings_file):
    settings_file.write_text(
        f'{settings_file.read_text()}\n[grafana]\nurl = "https://grafana.example/"\ndatasource = "uid-1"\n'
    )
    app = visit("slo.py", system=SYSTEM, slo="availability", period="1d")
    assert not app.exception
    parts = urlsplit(links(app)[0])
    assert (parts.hostname, parts.path) == ("grafana.example", "/explore")
    pane = json.loads(parse_qs(parts.query)["panes"][0])["a"]
    assert "http_requests_total" in pane["queries"][0]["expr"]
    assert int(pane["range"]["to"]) - int(pane["range"]["from"]) == 86_400_000


def test_queries_of_log_lines_open_in_a_loki_and_nowhere_else(visit, settings_file):
    settings_file.write_text(
        f'{settings_file.read_text()}\n[grafana]\nurl = "https://grafana.example/"\ndatasource = "uid-1"\n'
    )
    for page in ("logs.py", "investigate.py"):
        app = visit(page, system=SYSTEM)
        assert not app.exception
        assert links(app) == [], "a Prometheus takes no query of log lines"
    span = TimeRange.from_ms(0, 60_000)
    address = grafana_url("https://g.example", "uid-2", '{app="api"}', span, kind="loki")
    pane = json.loads(parse_qs(urlsplit(address).query)["panes"][0])["a"]
    assert pane["queries"][0]["datasource"] == {"type": "loki", "uid": "uid-2"}


def test_an_archive_has_no_pages_of_its_own(visit):
    assert links(visit("slo.py", system=SYSTEM, slo="availability", period="1d")) == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://ana:secret@g.example", "https://g.example/?token=x"])
def test_an_address_that_is_none_or_holds_a_secret_is_refused(settings_file, url):
    settings_file.write_text(f'{settings_file.read_text()}\n[grafana]\nurl = "{url}"\ndatasource = "x"\n')
    with pytest.raises(SettingsError, match="grafana"):
        load_settings()
