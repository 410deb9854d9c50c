"""Hostile text at each border: a terminal, a spreadsheet, JSON, Markdown, HTML."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cli.main import complain
from workbench.cli.shared.output import print_csv, print_json, print_table, say
from workbench.core.foreign_text import cut, json_safe, markup, spreadsheet, unlinked, visible

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x9d0;title\x9c",
    "user\u202egpj.exe",
    "\u2066isolated\u2069",
    "a\rb",
    "a\x7fb",
    "\u2028line",
    "tag\U000e0041",
    "half\ud800",
]
TEXTS = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(HOSTILE)


def acts(text: str) -> list[str]:
    """Characters that act on a terminal or on the direction of a line."""
    return [
        char
        for char in text
        if (unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") and char not in "\t\n")
        or unicodedata.bidirectional(char) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    ]


@given(TEXTS)
def test_nothing_that_acts_passes_any_border(text):
    assert acts(visible(text)) == []
    assert "\n" not in visible(text)
    assert acts(markup(text)) == []
    assert acts(spreadsheet(text)) == []
    written = json_safe(json.dumps({"a": text}, ensure_ascii=False))
    assert acts(written) == []
    assert json.loads(written) == {"a": text}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("way", [print_table, print_csv, print_json])
def test_the_command_line_prints_none_of_it(capsys, way, text):
    way([{"label": text, "n": 1}])
    say(text)
    complain(text)
    out = capsys.readouterr()
    assert acts((out.out + out.err).replace("\x1b[31m\x1b[1mError: \x1b[0m", "")) == []


SIGNS = ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%"]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", ["", " ", "\n", "  \n ", "text\n", "\u3000", "\u200b", "'", '"'])
def test_a_spreadsheet_runs_nothing(capsys, sign, before):
    print_csv([{"a": f"{before}{sign}cmd|' /C calc'!A0"}])
    ((cell,),) = [tuple(row.values()) for row in csv.DictReader(io.StringIO(capsys.readouterr().out))]
    for line in cell.splitlines():
        assert line.lstrip(' "\u3000\u200b')[:1] not in SIGNS


@pytest.mark.parametrize("number", ["-12.50", "+3", "-1,234.56 USD", "-1.5 %", "-2e-5", "-0.3 s", "1 of 2"])
def test_numbers_stay_numbers(number):
    assert spreadsheet(number) == number


def test_a_long_cell_is_cut(capsys):
    print_table([{"label": "x" * 100_000, "n": 1}, *({"label": "y", "n": n} for n in range(200))])
    out = capsys.readouterr().out
    assert len(out) < 300_000
    assert "(100,000 chars)" in out
    assert cut("short", 10) == "short"


@pytest.mark.parametrize("text", ["https://evil.example/a", "www.evil.example", "HTTP://x.y", "a@evil.example"])
def test_a_bare_address_is_no_link_in_markdown(text):
    import re

    linked = re.compile(r"(?i)(https?://|www\.)|[-.\w+]+@[-\w]+\.\w")
    assert linked.search(text)
    assert not linked.search(unlinked(text))
    assert unlinked(text).replace("\u2060", "") == text
