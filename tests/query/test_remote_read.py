"""Remote read: every bit of every sample, and no sample from a damaged answer."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.query import xor_written as written
from tests.query.served import Asked, Says, matrix, vector
from tests.servers.fixtures import Omit, release_or_omit
from tests.servers.programs import Server
from tests.servers.prometheus import prometheus
from tests.servers.samples import END_MS, START_MS, sample_set
from workbench.core.errors import AnswerTruncated, AnswerUnreadable, SourceUnavailable
from workbench.core.histograms import Histogram, marked_rows
from workbench.core.series import STALE, SeriesSet, is_stale, label_key
from workbench.core.timerange import TimeRange
from workbench.query import PrometheusSource
from workbench.query.metrics.remote import histogram_chunks, remote_read, wire_fast, xor_chunks
from workbench.query.metrics.remote import wire as remote_read_wire
from workbench.query.metrics.remote.checksum import crc32c, crc32c_of
from workbench.query.metrics.selector import LabelMatch, conditions

STREAMED = {"Content-Type": "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"}
READERS = {
    "arrays": (remote_read_wire.chunk_index, xor_chunks.decode_chunks),
    "compiled": (wire_fast.chunk_index, xor_chunks.decode_chunks),
}

BITS = st.one_of(
    st.integers(0, 2**64 - 1),
    st.floats(-1e6, 1e6).map(lambda value: int(np.float64(value).view(np.uint64))),
    st.integers(0, 50).map(lambda value: int(np.float64(value).view(np.uint64))),
    st.sampled_from([0, 1 << 63, 0x7FF0000000000002, 0x7FF8000000001234, 0x7FF0000000000000, 0xFFF0000000000000]),
)
STEPS = st.one_of(st.just(60_000), st.integers(1, 70_000), st.integers(1, 2**21), st.integers(2**21, 2**40))
SAMPLES = st.lists(st.tuples(STEPS, BITS), min_size=1, max_size=25)


def risen(steps: list[tuple[int, int]], start: int = -5_000_000) -> list[tuple[int, int]]:
    times = np.cumsum([start, *(step for step, _ in steps[1:])])
    return [(int(time), bits) for time, (_, bits) in zip(times, steps, strict=True)]


def decoded(body: bytes, reader: str) -> tuple[remote_read_wire.ChunkIndex, list, list]:
    indexer, decoder = READERS[reader]
    index = indexer(bytearray(body))
    _, times, values = decoder(np.frombuffer(bytearray(body + bytes(16)), np.uint8), index.starts, index.lengths)
    return index, times.tolist(), values.view(np.uint64).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=60, deadline=None)
@given(chunks=st.lists(SAMPLES.map(risen), min_size=1, max_size=6))
def test_any_times_and_any_bits_come_back(chunks, reader) -> None:
    pieces = [[(1, written.chunk(chunk))] for chunk in chunks]
    body = b"".join(written.frame(written.message({"n": str(i)}, piece)) for i, piece in enumerate(pieces))
    index, times, bits = decoded(body, reader)
    assert [labels["n"] for labels in index.labels] == [str(i) for i in range(len(chunks))]
    assert times == [time for chunk in chunks for time, _ in chunk]
    assert bits == [value for chunk in chunks for _, value in chunk]


@pytest.mark.parametrize("reader", READERS)
def test_thousands_of_chunks_of_several_lengths_and_frames(reader) -> None:
    rng = np.random.default_rng(3)
    chunks = [
        risen([(60_000, int(np.float64(v).view(np.uint64))) for v in rng.normal(50, 3, rng.integers(1, 9)).round(2)])
        for _ in range(300)
    ]
    data = [written.chunk(chunk) for chunk in chunks]
    body = b"".join(
        written.frame(written.message({"s": str(i // 100)}, [(1, each) for each in data[i : i + 50]]))
        for i in range(0, 300, 50)
    )
    index, times, bits = decoded(body, reader)
    assert [labels["s"] for labels in index.labels] == ["0", "1", "2"]
    assert index.series.tolist() == [i // 100 for i in range(300)]
    assert times == [time for chunk in chunks for time, _ in chunk]
    assert bits == [value for chunk in chunks for _, value in chunk]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=1200), min_size=1, max_size=5))
def test_checksums_are_those_of_the_definition(parts) -> None:
    ends = np.cumsum([len(part) for part in parts])
    sums = crc32c_of(np.frombuffer(b"".join(parts), np.uint8), ends - [len(part) for part in parts], ends)
    assert sums.tolist() == [written.crc32c(part) for part in parts]


def test_checksums_of_the_standard() -> None:
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_no_damage_to_an_answer_gives_samples(reader) -> None:
    samples = risen([(60_000, int(np.float64(i * 1.1).view(np.uint64))) for i in range(30)])
    body = written.frame(written.message({"__name__": "up", "job": "a"}, [(1, written.chunk(samples))]))
    for cut in range(1, len(body)):
        with pytest.raises((AnswerTruncated, AnswerUnreadable)):
            decoded(body[:cut], reader)
    for at in range(len(body)):
        broken = bytearray(body)
        broken[at] ^= 0x10
        with pytest.raises((AnswerTruncated, AnswerUnreadable)):
            decoded(bytes(broken), reader)


@pytest.mark.parametrize("reader", READERS)
def test_a_chunk_that_goals_more_than_it_has_is_refused(reader) -> None:
    chunk = bytearray(written.chunk(risen([(60_000, 7 << 50)] * 5)))
    chunk[:2] = struct.pack(">H", 90)
    body = written.frame(written.message({"a": "b"}, [(1, bytes(chunk))]))
    with pytest.raises(ValueError, match="ends before its last sample"):
        decoded(body, reader)


def test_a_plain_selector_becomes_conditions() -> None:
    assert conditions('{"a.b", job!="x\\"y", z=~`\\d+`,}') == (
        LabelMatch("__name__", "=", "a.b"),
        LabelMatch("job", "!=", 'x"y'),
        LabelMatch("z", "=~", r"\d+"),
    )
    for more in ("up[5m]", "up offset 5m", '{a="b" or c="d"}', "sum(up)", "1 + up", "", "{}"):
        assert conditions(more) is None, more


def answering(body: bytes, **headers: str):
    def answer(asked: Asked) -> Says:
        if asked.path.endswith("/read"):
            return Says(body, 200, {**STREAMED, **headers})
        return vector(({}, 0, "10"))

    return answer


#: Recorded from Prometheus 3.5: three samples of whole numbers 15 s apart, and two of floats with custom bounds.
WHOLE = "000300ff3f50624dd2f1a9fc4a378ce3197f0000d0ca33f4005a380240000000000012bcbe0ea6271d61710be03e00ade6"
FLOATS = (
    "00020000ee5ca28c52e7d8ff55555555555557f8000686519fa00100200000000000000000000000000001008c000000000000ffc0000000"
    "0000010000000000000003e0ea63585b685e12fff8"
)


def test_chunks_are_cut_to_the_range_and_hold_floats_and_native_histograms(serve) -> None:
    one = written.chunk(risen([(1000, int(np.float64(i).view(np.uint64))) for i in range(10)], start=1_793_491_190_000))
    body = written.frame(written.message({"__name__": "up"}, [(1, one)]))
    chunks = [(2, bytes.fromhex(WHOLE)), (3, bytes.fromhex(FLOATS))]
    body += written.frame(written.message({"__name__": "a"}, chunks[:1]))
    body += written.frame(written.message({"__name__": "b"}, chunks[1:]))
    served = serve(answering(body), reads=True)
    source, span = PrometheusSource("prod", served.url), TimeRange.from_ms(1_793_491_197_000, 1_793_491_215_000)
    found = source.history("up", span.left_open())
    assert found.way == "remote read"
    told = {labels["__name__"]: times.tolist() for labels, times, _ in found.series}
    assert told == {
        "up": [1_793_491_198_000, 1_793_491_199_000],
        "a": [1_793_491_200_000, 1_793_491_215_000],
        "b": [1_793_491_200_000, 1_793_491_215_000],
    }
    native = {labels["__name__"]: marked_rows(values[-1:])[0] for labels, _, values in found.series}
    assert found.series.histograms is not None
    assert found.series.histograms.at(native["a"]) == Histogram(
        0, 9, -3.25, 0.001, 2, {-1: 3, 3: 2}, {2: 2}, hint="not_reset"
    )
    assert found.series.histograms.at(native["b"]) == Histogram(
        -53, 4, 10.5, positive={0: 2, 2: 2}, custom_bounds=(0.25, 1 / 3), hint="not_reset"
    )
    assert [labels["__name__"] for labels in source.raw("up", span.left_open()).labels] == ["up"]


@pytest.mark.parametrize("chunk", [(2, bytes.fromhex(WHOLE)[:-4]), (3, b"\x00\x05whatever"), (9, b"\x00\x01x")])
def test_a_chunk_of_histograms_that_is_cut_or_of_no_known_kind_is_an_error(chunk) -> None:
    body = written.frame(written.message({"__name__": "a"}, [chunk]))
    with pytest.raises(AnswerUnreadable, match="A chunk of the remote read cannot be decoded"):
        remote_read.decode(bytearray(body), 0, 2**60)


def test_overlapping_chunks_are_ordered_and_the_later_sample_wins(serve) -> None:
    bits = [int(np.float64(i).view(np.uint64)) for i in range(8)]
    chunks = [written.chunk([(t, bits[v]) for t, v in part]) for part in ([(10, 1), (30, 3)], [(20, 2), (30, 7)])]
    body = written.frame(written.message({"a": "b"}, [(1, chunk) for chunk in chunks]))
    found = remote_read.decode(bytearray(body), 0, 100)
    assert (found.times.tolist(), found.values.tolist()) == ([10, 20, 30], [1.0, 2.0, 7.0])


def test_a_server_without_remote_read_is_asked_for_it_once(serve) -> None:
    served = serve(lambda asked: matrix(({"__name__": "up"}, [(1.0, "1")])), reads=False)
    source = PrometheusSource("prod", served.url)
    for _ in range(3):
        assert source.history("up", TimeRange.from_ms(0, 2000).left_open()).way == "queries"
    assert sum(asked.path.endswith("/read") for asked in served.asked) == 1


def test_a_server_that_answers_with_snappy_samples_is_asked_by_queries(serve) -> None:
    def answer(asked: Asked) -> Says:
        if asked.path.endswith("/read"):
            return Says(b"\x00", 200, {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"})
        return matrix(({"__name__": "up"}, [(1.0, "1")]))

    assert PrometheusSource("prod", serve(answer, reads=True).url).history(
        "up", TimeRange.from_ms(0, 2000).left_open()
    ).way == ("queries")


@pytest.mark.slow
def test_a_server_that_dies_in_the_middle_of_an_answer_is_unavailable(serve) -> None:
    body = written.frame(written.message({"a": "b"}, [(1, written.chunk(risen([(1000, 5)] * 9)))]))

    def answer(asked: Asked) -> Says:
        if b"dies" in asked.body:
            return Says(headers={**STREAMED, "Content-Length": "5000"}, write=lambda out: out.write(body[:20]))
        return Says(body, 200, STREAMED)

    source = PrometheusSource("prod", serve(answer, reads=True).url, timeout_s=3)
    with pytest.raises(SourceUnavailable):
        source.history("dies", TimeRange.from_ms(0, 2000).left_open())


@pytest.fixture(params=["v2", "v3"])
def source(request) -> PrometheusSource:
    return PrometheusSource(request.param, request.getfixturevalue(f"prometheus_{request.param}").url)


def bits_of(series: SeriesSet) -> dict:
    return {label_key(labels): (times.tolist(), values.view(np.int64).tolist()) for labels, times, values in series}


@pytest.mark.live
def test_a_real_server_gives_every_bit_that_was_loaded(source) -> None:
    for name in sorted({labels["__name__"] for labels in sample_set().labels}):
        found = source.history(f'{{__name__="{name}"}}', TimeRange.from_ms(START_MS, END_MS + 3_600_000).left_open())
        assert found.way == "remote read"
        rows = [row for row in sample_set() if row[0]["__name__"] == name]
        wanted = SeriesSet.of((labels, t[~is_stale(v)], v[~is_stale(v)]) for labels, t, v in rows)
        held = {key: each for key, each in bits_of(wanted).items() if each[0]}
        given_ = bits_of(found.series)
        assert given_.keys() == held.keys()
        for key, (times, bits) in held.items():
            assert given_[key][0] == times
            exact, got = np.array(bits).view(np.float64), np.array(given_[key][1]).view(np.float64)
            np.testing.assert_array_equal(got, exact)


@contextmanager
def written_to(semantics: str, folder, omit: Omit, body: bytes) -> Iterator[Server]:
    import urllib.request

    flags = ["--web.enable-remote-write-receiver"]
    with prometheus(release_or_omit(semantics, omit), folder, flags=flags) as server:
        block = written.varint(len(body)) + b"\xf4" + struct.pack("<H", len(body) - 1) + body
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        headers["X-Prometheus-Remote-Write-Version"] = "0.1.0"
        with urllib.request.urlopen(
            urllib.request.Request(f"{server.url}/api/v1/write", block, headers), timeout=10
        ) as reply:
            assert reply.status in (200, 204)
        yield server


@pytest.mark.live
@pytest.mark.parametrize("semantics", ["v2", "v3"])
def test_stale_marks_and_payloads_of_nan_come_from_a_real_server(semantics, tmp_path, omit) -> None:
    payload = float(np.array([0x7FF8000000001234], np.int64).view(np.float64)[0])
    values = [1.0, STALE, -0.0, float("inf"), payload, 2.5, STALE]
    samples = b"".join(
        written.field(2, b"\x09" + np.float64(v).tobytes() + b"\x10" + written.varint(START_MS + i * 1000))
        for i, v in enumerate(values)
    )
    labels = written.field(1, written.field(1, b"__name__") + written.field(2, b"odd"))
    with written_to(semantics, tmp_path, omit, written.field(1, labels + samples)) as server:
        source = PrometheusSource("prod", server.url)
        span = TimeRange.from_ms(START_MS - 1, START_MS + 10_000)
        found = source.history("odd", span.left_open())
        assert found.series.values.view(np.int64).tolist() == np.array(values).view(np.int64).tolist()
        assert len(source.raw("odd", span.left_open()).times) == 5


def test_a_chunk_that_tells_of_more_buckets_than_it_has_bits_is_refused_before_room_is_made() -> None:
    bits = written.Bits()
    for value, width in ((0, 8), (0, 8), (0, 1), (0b10, 2), (1, 3), (0xFF, 8), (1 << 21, 64), (0, 1), (0, 1)):
        bits.add(value, width)  # header, threshold of zero, schema, one span: its length and offset, no other span
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="ends before"):
            histogram_chunks.decode(b"\0\1" + bits.bytes(), histogram_chunks.INTEGER)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
