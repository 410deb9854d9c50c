"""Twenty secrets of every shape, planted in forty places each: none is printed, however a server repeats it."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.query.served import Asked, Says, serving
from workbench.cli.main import main
from workbench.query.http.secrets import struck_out

SHAPES = (
    "hunter22", "planted-Zq81x-secret", "pa ss word 1", "pä$$wörd-ü", "a/b+c=d/e+f==", "100%sure%41x",
    "quo\"te's-inside", "back\\slash\\n1", "<b>&amp;secret</b>", "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
    "sk-live-0123456789abcdefghij", "x" * 2_000, "-dash-first-9", "#hash;semi,comma", "1234567890123456", "{json: [1]}",
    "tab\tinside", "秘密のパスワード", "SELECT*FROM'x'--", "$(touch x)`id`",
)  # fmt: skip
LOGINS = {
    "basic": 'username = "ana"\npassword = { env = "PLANTED" }',
    "bearer": 'bearer = { env = "PLANTED" }',
    "header": 'headers = { X-Api-Key = { env = "PLANTED" } }',
    "file": 'bearer = { file = "token" }',
}
ANSWERS = ("200", "301", "400", "401", "502")
FORMATS = ("table", "json")


def forms(secret: str) -> dict[str, str]:
    """Ways in which a text may be repeated so that it can be read again."""
    raw = secret.encode()
    return {
        "raw": secret,
        "base64": base64.b64encode(raw).decode().rstrip("="),
        "base64 of a URL": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "percent": quote(secret, safe=""),
        "plus": quote_plus(secret),
        "percent twice": quote(quote(secret, safe=""), safe=""),
        "lower percent": quote(secret, safe="").lower(),
        "JSON": json.dumps(secret)[1:-1],
        "JSON in JSON": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "HTML": html.escape(secret),
        "numbers of HTML": "".join(f"&#{ord(letter)};" for letter in secret),
        "hexadecimal": raw.hex(),
        "escapes": "".join(f"\\u{ord(letter):04x}" for letter in secret),
        "Python": repr(secret)[1:-1],
        "HTML of Go": html.escape(secret).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
        "XML": html.escape(secret).replace("&#x27;", "&apos;"),
        "encodeURIComponent": quote(secret, safe="!'()*"),
        "encodeURI": quote(secret, safe=";/?:@&=+$,#!'()*"),
        "nginx": "".join(f"\\x{byte:02X}" if byte in b'"\\' or not 32 <= byte < 127 else chr(byte) for byte in raw),
        "bytes of Go": " ".join(map(str, raw)),
        "base32": base64.b32encode(raw).decode().rstrip("="),
        **{f"inside base64, {at}": inside(raw, at) for at in range(3)},
    }


def inside(raw: bytes, before: int) -> str:
    """What of base64 of a longer text is the secret's alone."""
    whole = base64.b64encode(b"Bearer: "[-6 - before :] + raw + b"; more").decode()
    begin = -(-(6 + before) * 8 // 6)
    return whole[begin : (6 + before + len(raw)) * 8 // 6]


def echo(asked: Asked, secret: str) -> Says:
    """Repeat what was sent, in every form, wherever an answer has room for text."""
    sent = "; ".join(f"{name}: {value}" for name, value in asked.headers.items())
    written = forms(secret)
    said = " | ".join([sent, *written.values()])
    if "/200/" in asked.path:
        labels = {f"l{at}": value for at, value in enumerate(written.values())}
        series = [{"metric": {"__name__": "up", **labels, "echo": sent}, "value": [1_795_000_000, "1"]}]
        data = {"resultType": "vector", "result": series}
        return Says(json.dumps({"status": "success", "data": data, "warnings": [said], "infos": [said]}).encode())
    if "/301/" in asked.path:
        return Says(b"", 301, {"Location": f"http://elsewhere.invalid/?t={written['percent']}"})
    if "/400/" in asked.path:
        header = said.encode("ascii", "replace").decode().replace("\t", " ")
        body = json.dumps({"status": "error", "errorType": "bad_data", "error": said})
        return Says(body.encode(), 400, {"Content-Type": "application/json", "X-Echo": header})
    if "/502/" in asked.path:
        return Says(f"<html>{html.escape(said)} {said}</html>".encode(), 502, {"Content-Type": "text/html"})
    return Says(said.encode(), 401, {})


def found(secret: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Say in which places a secret was printed, and in which form."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PLANTED", secret)
    (folder / "token").write_text(secret)
    leaks, places = [], 0
    with serving(lambda asked: echo(asked, secret), versioned=False) as served:
        text = 'home = "home"\n'
        for login, lines in LOGINS.items():
            for answer in ANSWERS:
                text += f'[sources.{login}-{answer}]\nkind = "prometheus"\nurl = "{served.url}/{answer}"\n{lines}\n'
                text += "timeout_s = 1\n"
        (folder / "workbench.toml").write_text(text)
        for login in LOGINS:
            for answer in ANSWERS:
                for form in FORMATS:
                    with pytest.raises(SystemExit):
                        main(["query", "up", "--source", f"{login}-{answer}", "--at", "now", "--format", form])
                    out, err = capsys.readouterr()
                    assert out + err
                    if form == "json" and out.strip():
                        out += json.dumps(json.loads(out), ensure_ascii=False)
                    leaks += [
                        f"{login} {answer} {form}: {name}" for name, way in forms(secret).items() if way in out + err
                    ]
                    places += 1
    assert places == 40
    return leaks


@pytest.mark.parametrize("secret", SHAPES)
def test_a_secret_is_struck_out_in_every_form(secret: str) -> None:
    said = " | ".join(forms(secret).values())
    struck = bytes(struck_out(said.encode(), [secret], data=True)).decode()
    assert [name for name, way in forms(secret).items() if way in struck] == []
    for ascii_only in (True, False):  # as a server that answers in JSON repeats it
        answer = json.dumps({"error": json.dumps(said, ensure_ascii=ascii_only)}, ensure_ascii=ascii_only)
        once = json.loads(bytes(struck_out(answer.encode(), [secret], data=True)))["error"]
        shown = once + json.loads(once)
        assert [name for name, way in forms(secret).items() if way in shown] == []


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize("secret", SHAPES)
def test_twenty_secrets_in_forty_places_are_not_printed(secret, tmp_path, capsys, monkeypatch) -> None:
    assert found(secret, tmp_path, capsys, monkeypatch) == []
