"""The settings file: precedence, paths, secrets, and errors that name the line."""

from pathlib import Path

import pytest

from workbench.core.errors import SettingsError
from workbench.core.settings import load_settings
from workbench.store import open_store


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    for name in ("CONFIG", "HOME", "ZONE", "STORE_URL", "IDENTITY"):
        monkeypatch.delenv(f"WORKBENCH_{name}", raising=False)
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_a_file_the_demo_is_the_only_source(tmp_path):
    settings = load_settings()
    assert list(settings.sources) == ["demo"]
    assert settings.sources["demo"].path == tmp_path / ".workbench" / "demo"
    assert settings.database == f"sqlite:///{tmp_path / '.workbench' / 'workbench.db'}"


def test_the_nearest_file_wins_and_files_are_not_merged(tmp_path, monkeypatch):
    write(tmp_path / "xdg" / "workbench" / "workbench.toml", 'zone = "Asia/Tokyo"\nidentity = "xdg"\n')
    assert load_settings().zone == "Asia/Tokyo"
    write(tmp_path / "workbench.toml", 'zone = "Europe/Berlin"\n')
    assert (load_settings().zone, load_settings().identity) == ("Europe/Berlin", "local")
    named = write(tmp_path / "other.toml", 'zone = "America/New_York"\n')
    monkeypatch.setenv("WORKBENCH_CONFIG", str(named))
    assert load_settings().zone == "America/New_York"
    assert load_settings(write(tmp_path / "third.toml", 'zone = "UTC"\n')).zone == "UTC"


def test_environment_beats_file_and_command_line_beats_environment(tmp_path, monkeypatch):
    write(tmp_path / "workbench.toml", 'zone = "Europe/Berlin"\n')
    monkeypatch.setenv("WORKBENCH_ZONE", "Asia/Tokyo")
    assert load_settings().zone == "Asia/Tokyo"
    assert load_settings(zone="UTC").zone == "UTC"
    assert load_settings(zone=None).zone == "Asia/Tokyo"


def test_relative_paths_belong_to_the_file_that_names_them(tmp_path, monkeypatch):
    file = write(
        tmp_path / "conf" / "workbench.toml",
        'home = "data"\nprofiles = ["systems"]\n[sources.kept]\nkind = "archive"\npath = "kept"\n',
    )
    settings = load_settings(file)
    assert settings.home == tmp_path / "conf" / "data"
    assert settings.profiles == (tmp_path / "conf" / "systems",)
    assert settings.sources["kept"].path == tmp_path / "conf" / "kept"
    monkeypatch.setenv("WORKBENCH_HOME", "elsewhere")
    assert load_settings(file).home == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('zone = "Europe/Berlin"\nhom = "x"\n', ":2: hom: unknown setting 'hom'. Did you mean 'home'?"),
        ('zone = "Mars/Olympus"\n', ":1: No time zone 'Mars/Olympus'"),
        ('[sources.p]\nkind = "prometheus"\nurl = "ftp://x"\n', "http(s)://host"),
        (
            '[sources.p]\nkind = "prometheus"\nurl = "http://x"\ntimout_s = 3\n',
            ":4: sources.p.timout_s: unknown setting",
        ),
        ('[sources.p]\nkind = "prometheus"\nurl = "http://x"\nusername = "u"\n', "username and password go together"),
        ("[limits]\nsamples = -1\n", ":2: limits.samples: "),
        ('[sources.l]\nkind = "loki"\n', "a loki source needs url = 'http(s)://host[:port][/prefix]'"),
        ('[sources.f]\nkind = "logfiles"\nurl = "http://x"\n', "a logfiles source needs path = …"),
        ('[sources.t]\nkind = "table"\ntable = "x"\n', "a table source needs path = … or database = …"),
        (
            '[sources.l]\nkind = "loki"\nurl = "http://x"\nindex = "a"\n',
            "index means nothing to a loki source; it belongs to: elasticsearch, opensearch",
        ),
        ('[sources.l]\nkind = "loki"\nurl = "http://u:p@x"\n', "credentials may not stand in the url"),
        ('[sources.t]\nkind = "table"\ndatabase = "postgresql://u:p@x/y"\n', "a secret may not stand in this file"),
        ("[privacy]\npseudonym = []\n", ":2: privacy.pseudonym: unknown setting 'pseudonym'. Did you mean"),
        ('zone = "Europe\n', "not TOML"),
    ],
)
def test_a_wrong_file_names_the_line_and_the_reason(tmp_path, text, expected):
    file = write(tmp_path / "workbench.toml", text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(file) in str(caught.value)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        'username = "u"\npassword = "hunter2"',
        'bearer = "hunter2"',
        'headers = { Authorization = "Bearer hunter2" }',
    ],
)
def test_a_secret_written_into_the_file_is_refused_without_repeating_it(tmp_path, line):
    write(tmp_path / "workbench.toml", f'[sources.p]\nkind = "prometheus"\nurl = "https://x"\n{line}\n')
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
    assert "env" in str(caught.value)


def test_credentials_in_the_url_are_refused_without_repeating_them(tmp_path):
    write(tmp_path / "workbench.toml", '[sources.p]\nkind = "prometheus"\nurl = "https://u:hunter2@x"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_a_secret_is_read_when_used_and_never_shown(tmp_path, monkeypatch):
    token = write(tmp_path / "token", "first\n")
    write(
        tmp_path / "workbench.toml",
        f'[sources.p]\nkind = "prometheus"\nurl = "https://x"\nbearer = {{ file = "{token}" }}\n'
        'headers = { X-Scope-OrgID = "team-a" }\n',
    )
    source = load_settings().sources["p"]
    assert source.bearer is not None
    assert source.bearer.reveal() == "first"
    token.write_text("second\n")
    assert source.bearer.reveal() == "second"
    assert "second" not in repr(source)
    token.unlink()
    with pytest.raises(SettingsError, match="cannot be read"):
        source.bearer.reveal()


def test_a_named_file_that_is_absent_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="no settings file"):
        load_settings(tmp_path / "nothing.toml")


def test_weeks_begin_on_the_day_that_is_set(tmp_path: Path) -> None:
    file = tmp_path / "workbench.toml"
    file.write_text('week_start = "sunday"\n')
    assert load_settings(file).week_start == "sunday"
    file.write_text('week_start = "someday"\n')
    with pytest.raises(SettingsError, match="week_start"):
        load_settings(file)


@pytest.mark.parametrize(
    "text",
    [
        'store_url = "postgresql://ana:planted-secret@host/x"',
        'store_url = "postgresql://host/x?password=planted-secret"',
        '[sources.a]\nkind = "prometheus"\nurl = "http://host/?token=planted-secret"',
        '[sources.a]\nkind = "loki"\nurl = "http://host/#planted-secret"',
        '[sources.a]\nkind = "prometheus"\nurl = "http://host"\nalertmanager = "http://host?key=planted-secret"',
        '[systems.a]\nhealth = "http://host/health?api_key=planted-secret"\n[sources]',
        "week_start = " + "9" * 5_000,
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(tmp_path, text):
    file = tmp_path / "workbench.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert "planted-secret" not in str(caught.value)


def test_the_password_of_the_store_comes_from_its_place(tmp_path, monkeypatch):
    monkeypatch.setenv("STORE_PASSWORD", "planted-secret")
    file = tmp_path / "workbench.toml"
    file.write_text('store_url = "postgresql://ana@host/x"\nstore_password = { env = "STORE_PASSWORD" }\n[sources]')
    store = open_store(load_settings(file))
    assert "planted-secret" not in repr(store)
    assert store._url.password == "planted-secret"
