"""A secret is planted in every place a setting may name; then everything the program says or writes is searched."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.query.served import Asked, Says, Served, build, serving
from workbench.cli.main import main
from workbench.core.settings import load_settings
from workbench.studies import open_context, source_checks

pytestmark = pytest.mark.slow

SECRET = "planted-Zq81x-secret"
HIDDEN = (
    SECRET,
    base64.b64encode(f"ana:{SECRET}".encode()).decode(),
    base64.b64encode(SECRET.encode()).decode(),
)
KINDS = ("prometheus", "tempo", "jaeger", "loki", "elasticsearch", "alertmanager")

COMMANDS = (
    ("sources", "check"),
    ("sources", "check", "--format", "json"),
    ("collect",),
    ("query", "up", "--source", "prometheus-401", "--last", "1h"),
    ("query", "up", "--source", "prometheus-200", "--format", "json"),
    ("query", "up", "--source", "prometheus-200", "--at", "now"),
    ("doctor",),
    ("traces", "conduit", "--last", "1h"),
    ("logs", "conduit", "--last", "1h"),
    ("slo", "status", "conduit"),
    ("alerts", "status", "conduit"),
    ("performance", "status", "conduit"),
    ("archive", "sync"),
)


def repeats(asked: Asked) -> Says:
    """A server that repeats in its error whatever it was sent."""
    told = "; ".join(f"{name}: {value}" for name, value in asked.headers.items())
    if "/200/" in asked.path:
        return _succeeds_with(f"{told} {quote(told)} {base64.b64encode(SECRET.encode()).decode()}")
    status = 401 if "401" in asked.path else 400 if "400" in asked.path else 503
    headers = {"Content-Type": "text/plain", "Retry-After": "0"}
    if "302" in asked.path:
        return Says(b"", 302, {"Location": f"http://ana:{SECRET}@elsewhere.invalid/?token={SECRET}"})
    if asked.path.endswith("buildinfo") and "503" in asked.path:
        return build()
    return Says(f"wrong credentials: {told}".encode(), status, headers)


def _succeeds_with(text: str) -> Says:
    """An answer of success that repeats it as a label, a warning and a header."""
    series = [{"metric": {"__name__": "up", "echo": text}, "value": [1_795_000_000, "1"]}]
    data = {"resultType": "vector", "result": series, "alerts": [{"labels": {"echo": text}, "state": "firing"}]}
    body = json.dumps({"status": "success", "data": data, "warnings": [text], "infos": [text]})
    return Says(body.encode(), 200, {"Content-Type": "application/json", "X-Echo": text.replace("\n", " ")})


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with ExitStack() as stack:
        yield stack.enter_context(serving(repeats, versioned=False))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: Served) -> Path:
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLANTED", SECRET)
    (tmp_path / "token").write_text(SECRET)
    text = 'home = "home"\n'
    for kind in KINDS:
        for status, way in (
            ("401", 'username = "ana"\npassword = { env = "PLANTED" }'),
            ("400", 'bearer = { file = "token" }'),
            ("503", 'headers = { X-Api-Key = { env = "PLANTED" } }'),
            ("302", 'bearer = { env = "PLANTED" }'),
            ("200", 'username = "ana"\npassword = { env = "PLANTED" }'),
        ):
            name, url = f"{kind}-{status}", f"{served.url}/{status}"
            index = 'index = "a-*"\n' if kind == "elasticsearch" else ""
            text += f'[sources.{name}]\nkind = "{kind}"\nurl = "{url}"\n{way}\n{index}timeout_s = 1\n'
    monkeypatch.setenv("PLANTED_DB", f"postgresql+psycopg://ana:{SECRET}@127.0.0.1:9/x?sslpassword={SECRET}")
    text += '[sources.bills]\nkind = "table"\ndatabase = { env = "PLANTED_DB" }\ntable = "t"\n'
    (tmp_path / "workbench.toml").write_text(text)
    return tmp_path


def leaks(text: str) -> list[str]:
    return [secret for secret in HIDDEN if secret in text]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_tells_or_writes_a_secret(
    command: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SystemExit):
        main(list(command))
    out, err = capsys.readouterr()
    assert out + err
    assert not leaks(out + err + caplog.text)
    written = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("token", "workbench.toml")]
    assert not [path for path in written if leaks(path.read_bytes().decode("latin-1"))]


def test_the_servers_did_get_the_secret_and_no_repr_has_it(folder: Path, served: Served) -> None:
    context = open_context(load_settings())
    study = source_checks(context, as_of=context.clock())
    sent = "".join(value for asked in served.asked for value in asked.headers.values())
    assert leaks(sent) == list(HIDDEN[:2])
    sources = [*context.sources.values(), *context.span_sources.values(), *context.log_sources.values(),
               *context.episode_sources.values(), *context.tables.values()]  # fmt: skip
    told = [repr(context), repr(study), str(study.warnings), context.given["bills"].model_dump_json(), load_settings()]
    told += [repr(part) for source in sources for part in (source, vars(source), source.state())]
    assert not leaks(" ".join(map(str, told)))
    assert len(study.results["sources"].frame) == len(context.given)


def test_no_report_or_notebook_holds_a_secret(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "workbench.toml").read_text()
    (folder / "workbench.toml").write_text(text[: text.index("[sources.prometheus-400]")])
    with pytest.raises(SystemExit):
        main(["report", "run", "monthly", "--system", "conduit", "--month", "2026-10", "--out", str(folder / "out")])
    out, err = capsys.readouterr()
    assert not leaks(out + err)
    written = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("token", "workbench.toml")]
    assert [path for path in written if path.suffix in (".html", ".ipynb")]
    assert not [path for path in written if leaks(path.read_bytes().decode("latin-1"))]
