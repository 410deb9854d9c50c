"""The errata page is made from the profiles and never edited."""

from pathlib import Path

from workbench.catalog.errata import corrections, errata
from workbench.catalog.load import load_catalog, read_catalog

PAGE = Path(__file__).parents[2] / "docs" / "errata.md"


def test_the_page_says_what_the_profiles_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == errata(load_catalog().profiles), (
        "run `python -m workbench.catalog.errata > docs/errata.md`"
    )


def test_every_correction_has_a_reason() -> None:
    for profile in load_catalog().profiles.values():
        for kind, title, entry in corrections(profile):
            assert entry.documented, (kind, title)
            assert len(entry.reason) > 40, (kind, title)


def test_a_text_with_fences_and_bars_stays_inside_its_place(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "schema: 1\nsystem: x\ntitle: X\n"
        "queries: [{name: q, title: Q, documented: '```up```', corrected: up, reason: fences}]\n"
        "not_measured: [{name: a, question: 'a | b?', signal: c}]\n"
    )
    text = errata(read_catalog([tmp_path]).profiles)
    assert "````text\n```up```\n````" in text
    assert r"| a \| b? | c |" in text
