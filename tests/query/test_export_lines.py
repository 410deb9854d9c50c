"""Raw samples of VictoriaMetrics: recorded lines, lines that are not JSON, and a real server."""

from __future__ import annotations

import json
import urllib.request

import numpy as np
import pytest

from tests.query.served import Asked, Says, build, recorded, vector
from tests.servers.programs import program, running
from workbench.core.errors import AnswerTruncated, AnswerUnreadable
from workbench.core.timerange import TimeRange
from workbench.query import PrometheusSource
from workbench.query.metrics.export_lines import decode_lines

VICTORIA = {"Content-Type": "application/stream+json", "X-Server-Hostname": "vm"}


@pytest.mark.parametrize("name", ["export_jsonl", "export_max_rows_per_line"])
def test_recorded_lines_give_what_json_gives(name: str) -> None:
    _, answer = recorded(f"victoriametrics/{name}")
    found = decode_lines(answer.body)
    held: dict[str, list] = {}
    for line in answer.body.decode().splitlines():
        row = json.loads(line.replace("+Inf", "Infinity").replace("-Inf", "-Infinity"))
        told = held.setdefault(json.dumps(row["metric"], sort_keys=True), [])
        told += zip(row["timestamps"], row["values"], strict=True)
    assert len(found) == len(held)
    for labels, times, values in found:
        wanted = held[json.dumps(dict(labels), sort_keys=True)]
        assert times.tolist() == [time for time, _ in wanted]
        np.testing.assert_array_equal(values, [float("nan" if value is None else value) for _, value in wanted])


def test_what_is_not_json_is_read_exactly() -> None:
    line = (
        b'{"metric":{"__name__":"x","a":"},\\"values\\":["},"values":[+Inf,-Inf,null,-0,5e-324,1.7976931348623157e308,'
    )
    line += b'0.1],"timestamps":[-1,2,3,4,5,6,7]}\n'
    found = decode_lines(line)
    wanted = np.array([np.inf, -np.inf, np.nan, -0.0, 5e-324, 1.7976931348623157e308, 0.1])
    assert found.labels == ({"__name__": "x", "a": '},"values":['},)
    assert found.times.tolist() == [-1, 2, 3, 4, 5, 6, 7]
    np.testing.assert_array_equal(found.values, wanted)
    assert np.signbit(found.values[3])


def test_lines_of_one_series_are_joined_and_twice_told_times_are_told_once() -> None:
    body = b'{"metric":{"a":"b"},"values":[3,4],"timestamps":[30,40]}\n'
    body += b'{"metric":{"a":"b"},"values":[1,33],"timestamps":[10,30]}\n'
    found = decode_lines(body)
    assert (found.times.tolist(), found.values.tolist()) == ([10, 30, 40], [1.0, 33.0, 4.0])


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"metric":{"a":"b"},"values":[1,2],"timestamps":[1,', AnswerTruncated),
        (b'{"metric":{"a":"b"},"values":[1,2],"timestamps":[1]}', AnswerUnreadable),
        (b'{"metric":{"a":"b"},"values":[one],"timestamps":[1]}', AnswerUnreadable),
        (b"<html>", AnswerUnreadable),
    ],
)
def test_other_lines_are_refused(body: bytes, error: type) -> None:
    with pytest.raises(error):
        decode_lines(body)


def test_a_victoriametrics_is_asked_for_an_export(serve) -> None:
    def answer(asked: Asked) -> Says:
        if asked.path.endswith("buildinfo"):
            return Says(build("2.24.0").body, 200, VICTORIA)
        if asked.path.endswith("/export"):
            return Says(b'{"metric":{"__name__":"up"},"values":[1],"timestamps":[1500]}\n', 200, VICTORIA)
        return vector(({}, 0, "2"))

    served = serve(answer, versioned=False)
    found = PrometheusSource("vm", served.url).history("up", TimeRange.from_ms(1000, 2000).left_open())
    assert (found.way, found.series.times.tolist()) == ("export", [1500])
    asked = next(asked for asked in served.asked if asked.path.endswith("/export"))
    assert (asked.fields["match[]"], asked.fields["start"], asked.fields["end"]) == ("up", "1.001", "2")
    assert int(asked.fields["max_rows_per_line"]) > 0


@pytest.mark.live
def test_a_real_victoriametrics_gives_back_what_it_took(tmp_path, omit) -> None:
    found = program("victoria-metrics")
    if found is None:
        omit("VictoriaMetrics is not there (Debian package victoria-metrics)")
    times = 1_793_491_200_000 + np.arange(2_000) * 15_000
    values = np.arange(2_000) * 0.25
    with running(
        lambda port: [found, f"-httpListenAddr=127.0.0.1:{port}", "-storageDataPath=data", "-retentionPeriod=100y"],
        tmp_path,
        ready="/health",
    ) as server:
        line = json.dumps(
            {"metric": {"__name__": "m", "a": 'x"y'}, "values": values.tolist(), "timestamps": times.tolist()}
        )
        urllib.request.urlopen(f"{server.url}/api/v1/import", line.encode(), timeout=10).close()
        urllib.request.urlopen(f"{server.url}/internal/force_flush", timeout=10).close()
        source = PrometheusSource("vm", server.url)
        pulled = source.history("m", TimeRange.from_ms(int(times[0]) - 1, int(times[-1])).left_open())
        assert pulled.way == "export"
        assert pulled.series.labels == ({"__name__": "m", "a": 'x"y'},)
        assert pulled.series.times.tolist() == times.tolist()
        assert pulled.series.values.tolist() == values.tolist()
