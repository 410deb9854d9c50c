"""The three readers give the same bits for whatever a server may write."""

from __future__ import annotations

import json
import math
import struct
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import AnswerTruncated, AnswerUnreadable
from workbench.query.metrics.decode import Answer, ReaderName, decode, envelope, warm_up

READERS: list[ReaderName] = ["generic", "table", "scan"] if warm_up() else ["generic", "table"]

Read = list[tuple[dict[str, str], list[int], list[int]]]


def read(body: bytes, reader: ReaderName) -> tuple[Answer, Read]:
    found: Read = []

    def sink(series):
        for labels, times, values in series:
            bits = np.where(np.isnan(values), np.nan, values).view(np.int64)
            found.append((dict(labels), times.tolist(), bits.tolist()))

    return decode(body, sink, reader=reader), found


def bits(*values: float) -> list[int]:
    return np.array(values).view(np.int64).tolist()


def answer(*series: str, tail: str = "") -> bytes:
    return ('{"status":"success","data":{"resultType":"matrix","result":[' + ",".join(series) + f"]}}{tail}}}").encode()


def one(values: str, labels: str = '"a":"b"') -> bytes:
    return answer(f'{{"metric":{{{labels}}},"values":[{values}]}}')


def prometheus_text(value: float) -> str:
    """Go's strconv.FormatFloat(v, 'f', -1, 64)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if text not in ("", "-") else f"{text}0"


def victoria_text(value: float) -> str:
    """Go's strconv with exponents for the very large and small."""
    if not math.isfinite(value):
        return prometheus_text(value)
    return repr(value).removesuffix(".0")


def prometheus_time(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03d}" if ms % 1000 else str(ms // 1000)


def victoria_time(ms: int) -> str:
    return f"{ms / 1000:.3f}".rstrip("0").rstrip(".")


any_double = st.integers(0, 2**64 - 1).map(lambda pattern: struct.unpack("<d", struct.pack("<Q", pattern))[0])
usual = st.one_of(
    any_double, st.floats(), st.integers(-(10**18), 10**18).map(float), st.decimals(-1000, 1000, places=4).map(float)
)
label = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['","values":[[', "}", '},"values":[[', "\\", '"]]', "é\u2028"]
)
series = st.tuples(
    st.dictionaries(st.sampled_from(["__name__", "job", "label.with.dots", "é"]), label, max_size=3),
    st.lists(st.tuples(st.integers(0, 4_000_000_000_000), usual), min_size=1, max_size=20),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(st.lists(series, max_size=5), st.booleans(), st.booleans())
def test_all_readers_agree_bit_for_bit_on_random_matrices(data, victoria, escape) -> None:
    write_value, write_time = (victoria_text, victoria_time) if victoria else (prometheus_text, prometheus_time)
    texts, expected = [], []
    for labels, points in data:
        values = ",".join(f'[{write_time(ms)},"{write_value(value)}"]' for ms, value in points)
        name_text = json.dumps(labels, separators=(",", ":"), ensure_ascii=escape)
        texts.append(f'{{"metric":{name_text},"values":[{values}]}}')
        kept = [math.nan if math.isnan(value) else value for _, value in points]
        expected.append((labels, [ms for ms, _ in points], bits(*kept)))
    body = answer(*texts, tail=',"infos":["x"]')
    for reader in READERS:
        told, found = read(body, reader)
        assert found == expected, reader
        assert told == Answer("matrix", infos=("x",))


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(st.from_regex(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_any_decimal_text_is_read_as_python_reads_it(text: str) -> None:
    for reader in READERS:
        _, found = read(one(f'[1,"{text}"]'), reader)
        assert found[0][2] == bits(float(text)), (reader, text)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", math.nan),
        ("+Inf", math.inf),
        ("-Inf", -math.inf),
        ("-0", -0.0),
        ("0", 0.0),
        ("5e-324", 5e-324),
        ("2.2250738585072011e-308", 2.2250738585072011e-308),
        ("1.7976931348623157e+308", 1.7976931348623157e308),
        ("1e309", math.inf),
        ("123456789012345678", 123456789012345678.0),
        ("9007199254740993", 9007199254740992.0),
        ("9007199254740993.00000000000000000000000000001", 9007199254740994.0),
        ("0.000001", 1e-6),
        ("1E3", 1000.0),
    ],
)
def test_hard_numbers_are_exact(reader: ReaderName, text: str, value: float) -> None:
    _, found = read(one(f'[1795209060,"{text}"]'), reader)
    assert found == [({"a": "b"}, [1_795_209_060_000], bits(value))]


@pytest.mark.parametrize("reader", READERS)
def test_timestamps_of_both_servers_mean_the_same_milliseconds(reader: ReaderName) -> None:
    _, found = read(one('[1795209060.500,"1"],[1795209061.5,"2"],[1795209062,"3"],[1795209062.007,"4"]'), reader)
    assert found[0][1] == [1795209060500, 1795209061500, 1795209062000, 1795209062007]


@pytest.mark.parametrize("reader", READERS)
def test_a_label_value_that_looks_like_the_layout_is_a_label_value(reader: ReaderName) -> None:
    text = one('[1,"2"]', r'"a":"\",\"values\":[[","b":"]}]}"')
    assert read(text, reader)[1] == [({"a": '","values":[[', "b": "]}]}"}, [1000], bits(2.0))]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("place", ["beside", "instead"])
def test_native_histograms_are_left_out_and_said(reader: ReaderName, place: str) -> None:
    histograms = '"histograms":[[1,{"count":"3","sum":"1.5"}]]'
    first = '{"metric":{"i":"1"},"values":[[1,"1"]]}'
    odd = f'{{"metric":{{"i":"2"}},"values":[[1,"5"]],{histograms}}}'
    if place == "instead":
        odd = f'{{"metric":{{"i":"2"}},{histograms}}}'
    told, found = read(answer(first, odd, '{"metric":{"i":"3"},"values":[[1,"7"]]}'), reader)
    assert [labels["i"] for labels, _, _ in found] == ["1", "2", "3"]
    assert [values for _, _, values in found] == [bits(1.0), bits(5.0) if place == "beside" else [], bits(7.0)]
    assert "1 series" in told.warnings[0]


@pytest.mark.parametrize("reader", READERS)
def test_json_with_spaces_and_another_order_of_keys_is_read_too(reader: ReaderName) -> None:
    text = json.dumps(
        {
            "data": {"result": [{"values": [[1, "2"]], "metric": {"a": "b"}}], "resultType": "matrix"},
            "status": "success",
        },
        indent=1,
    )
    assert read(text.encode(), reader)[1] == [({"a": "b"}, [1000], bits(2.0))]


@pytest.mark.parametrize("reader", READERS)
def test_an_answer_cut_at_any_byte_is_called_truncated(reader: ReaderName) -> None:
    whole = answer(
        '{"metric":{"a":"b"},"values":[[1795209060,"1"],[1795209120.500,"NaN"]]}',
        '{"metric":{"a":"c"},"values":[[1795209060,"-1.5e3"]]}',
        tail=',"warnings":["slow"]',
    )
    for length in range(1, len(whole)):
        with pytest.raises(AnswerTruncated):
            read(whole[:length], reader)


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><title>Sign in</title></html>",
        b"[]",
        b"null",
        b"12",
        b'{"status":"success"}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"abc"]]}]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1]]}]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{}]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":1},"values":[[1,"1"]]}]}}',
        b'{"status":"success","data":{"resultType":"streams","result":[]}}',
        b"",
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_what_is_not_of_this_api_is_unreadable(body: bytes) -> None:
    with pytest.raises(AnswerUnreadable) as caught:
        read(body, "auto")
    assert not isinstance(caught.value, AnswerTruncated)


def test_scalar_string_vector_and_an_empty_matrix() -> None:
    scalar = b'{"status":"success","data":{"resultType":"scalar","result":[1.5,"2"]}}'
    string = b'{"status":"success","data":{"resultType":"string","result":[1,"abc"]}}'
    vector = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"-0"]}]}}'
    assert read(scalar, "auto") == (Answer("scalar"), [({}, [1500], bits(2.0))])
    assert read(string, "auto") == (Answer("string", text="abc"), [])
    assert read(vector, "auto") == (Answer("vector"), [({"a": "b"}, [1000], bits(-0.0))])
    assert read(answer(), "auto") == (Answer("matrix"), [])


def test_a_partial_answer_of_victoriametrics_is_a_warning() -> None:
    body = b'{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}'
    assert "isPartial" in read(body, "auto")[0].warnings[0]


@pytest.mark.slow
def test_a_long_series_outgrows_the_first_buffer() -> None:
    values = ",".join(f'[{60 * i},"{i}.25"]' for i in range(40_000))
    for reader in READERS:
        _, found = read(one(values), reader)
        assert found[0][1] == [60_000 * i for i in range(40_000)]
        assert found[0][2] == bits(*(i + 0.25 for i in range(40_000)))


def test_an_envelope_needs_status_and_data() -> None:
    assert envelope(b'{"status":"success","data":["a"],"warnings":["w"]}') == (["a"], ("w",))
    for body in (b'{"status":"error"}', b'{"data":[]}', b"[]"):
        with pytest.raises(AnswerUnreadable):
            envelope(body)


@pytest.mark.slow
def test_more_than_the_room_of_a_reader_is_read_in_parts() -> None:
    """Many series, many numbers of more digits than an integer holds, a series longer than all room, odd labels."""
    many = [
        (f'"n":"{n}","brace":"}}],\\"{{"', ",".join(f'[{n}.5,"0.{n + 1}{k:024d}7"]' for k in range(20)))
        for n in range(600)
    ]
    long = ('"long":"yes"', ",".join(f'[{t},"{t}"]' for t in range(70_000)))
    series = [f'{{"metric":{{{labels}}},"values":[{values}]}}' for labels, values in (*many, long, *many[:3], long)]
    spaced = f'{{"metric": {{"n": "spaced"}}, "values": [{many[0][1]}]}}'
    _, expected = read(answer(*series, spaced, *series[:2]), "generic")
    assert [len(values) for _, _, values in expected[598:602]] == [20, 20, 70_000, 20]
    for reader in READERS:
        assert read(answer(*series, spaced, *series[:2]), reader)[1] == expected, reader
