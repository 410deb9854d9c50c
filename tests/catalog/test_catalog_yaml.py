"""YAML of strangers: every refusal has its place, and nothing in a file can run or grow."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.catalog.yaml_lines import MAX_BYTES, parse_documents, read_documents
from workbench.core.errors import CatalogError


def refusal(text: str) -> tuple[int, str]:
    with pytest.raises(CatalogError) as caught:
        parse_documents(text, file="x.yaml")
    (fault,) = caught.value.faults
    return fault.line, fault.why


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands here twice, first in line 1"),
        ("a:\n  - {x: 1, x: 2}\n", 2, "'x' stands here twice"),
        ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ("a: b: c\n", 1, "not YAML"),
        ("a:\n\t- b\n", 2, "not YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, "is not read; write plain values"),
        ("a: !secret x\n", 1, "is not read"),
        ("b: &b {x: 1}\na:\n  <<: *b\n", 3, "merge keys"),
        ("? [1, 2]\n: x\n", 1, "a key is plain text"),
        ("a: .inf\n", 1, ".inf is not a decimal number"),
        ("a: *nothing\n", 1, "not YAML"),
        ("a: \x07\n", 1, "not YAML"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, line: int, why: str) -> None:
    found_line, found_why = refusal(text)
    assert found_line == line
    assert why in found_why


def test_deep_nesting_is_refused_before_it_can_exhaust_the_stack() -> None:
    assert "nested deeper than 40" in refusal("[" * 100_000)[1]
    assert "nested deeper than 40" in refusal("a: " + "{b: " * 60 + "1" + "}" * 60)[1]


def test_an_alias_bomb_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    assert "100,000 values once its aliases are followed" in refusal(bomb)[1]
    assert "1000 aliases" in refusal("a: &a x\nb: [" + "*a, " * 2000 + "]\n")[1]


def test_a_value_that_holds_itself_is_refused() -> None:
    assert "nested deeper" in refusal("a: &a [*a]\n")[1]


def test_a_file_too_large_or_not_utf_8_is_refused(tmp_path: Path) -> None:
    large, latin = tmp_path / "large.yaml", tmp_path / "latin.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    latin.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    with pytest.raises(CatalogError, match="at most 1,048,576 are read"):
        read_documents(large)
    with pytest.raises(CatalogError, match=r"latin\.yaml:2: the file is not UTF-8"):
        read_documents(latin)


def test_numbers_keep_their_digits_and_words_stay_words() -> None:
    (document,) = parse_documents(
        "a: 99.90\nb: 5m\nc: 2026-11-01\nd: 1:30\ne: yes\nf: 1_000\ng: 0x10\nh: ~\n", file="x"
    )
    assert document.data == {
        "a": Decimal("99.90"), "b": "5m", "c": "2026-11-01", "d": "1:30", "e": True, "f": 1000, "g": "0x10", "h": None,
    }  # fmt: skip


def test_an_alias_keeps_the_line_of_its_key() -> None:
    (document,) = parse_documents("a: &x\n  k: 1\nb: *x\n", file="x")
    assert document.line(("b",)) == 3
    assert document.line(("b", "k")) == 2


def test_several_documents_are_read_and_empty_ones_left_out() -> None:
    documents = parse_documents("---\na: 1\n---\n---\nb: 2\n", file="x")
    assert [(document.data, document.line(())) for document in documents] == [({"a": 1}, 2), ({"b": 2}, 5)]


@pytest.mark.slow
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    lines: list[int] = []
    try:
        parse_documents(text, file="x.yaml")
    except CatalogError as error:
        lines = [fault.line for fault in error.faults]
    assert all(line >= 1 for line in lines)


@pytest.mark.parametrize(
    "number", ["9" * 5_000, "0." + "9" * 5_000, "1.0e+999999999", "1.0e-999999999", "-" + "1" * 200]
)
def test_a_number_that_takes_for_ever_is_refused_with_its_line(number):
    with pytest.raises(CatalogError) as caught:
        parse_documents(f"a: 1\nb: {number}\n", file="x.yaml")
    assert caught.value.faults[0].line == 2
