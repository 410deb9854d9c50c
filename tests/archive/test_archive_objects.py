"""An archive in an object store, at the real S3 API of moto's server, or in the store that a variable names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.servers.object_store import KEY, SECRET, fresh_prefix, given_prefix, object_server
from workbench.archive import Archive, ArchiveSource
from workbench.archive.sql import connect
from workbench.archive.storage.layout import SAMPLES
from workbench.archive.storage.objects import Bucket
from workbench.archive.storage.place import place_of
from workbench.archive.storage.tables import _check_lists, _delta
from workbench.archive.tiers.retention import Policy, expire, roll_up
from workbench.cli.main import main
from workbench.core.errors import ArchiveError, SettingsError
from workbench.core.series import SeriesSet
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange
from workbench.promql.parser.matchers import Matcher

pytestmark = pytest.mark.slow

NOVEMBER, DAY = 1_793_491_200_000, 86_400_000
ALWAYS = (0, 2**60)

APPEND = f"""
import sys
import numpy as np
from workbench.archive import Archive
from workbench.core.series import SeriesSet
archive = Archive.open(sys.argv[1], create=True)
for commit in range(3):
    times = {NOVEMBER} + (commit * 10 + np.arange(10)) * 1000
    archive.append_samples(SeriesSet.of(
        ({{"__name__": "shared" if n == 0 else "own", "who": sys.argv[2], "n": str(n)}}, times, times / 7)
        for n in range(3)))
    archive.update_meta({{f"{{sys.argv[2]}}-{{commit}}": commit}})
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with object_server() as found:
        yield found


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> str:
    """URL of a fresh prefix in whatever store is tested."""
    return given_prefix() or request.getfixturevalue("s3_bucket")


@pytest.fixture
def s3_bucket(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return fresh_prefix(address, monkeypatch)


def two_days() -> SeriesSet:
    times = NOVEMBER + np.arange(1, 2881) * 60_000
    rng = np.random.default_rng(3)
    return SeriesSet.of(
        ({"__name__": "work_total", "n": str(n)}, times, np.cumsum(rng.integers(0, 9, len(times)))) for n in range(4)
    )


def test_an_archive_by_url_answers_bit_for_bit_like_one_in_a_folder(bucket: str, tmp_path: Path):
    there, here = Archive.open(bucket, create=True), Archive.open(tmp_path / "here", create=True)
    samples = two_days()
    for archive in (there, here):
        archive.append_samples(samples)
        archive.append_samples(samples)
        archive.append_logs(
            pd.DataFrame(
                {
                    "time_ns": np.array([NOVEMBER * 1_000_000], np.int64),
                    **{name: ["x"] for name in ("message", "service", "trace_id", "span_id", "event_type")},
                    "severity": ["INFO"],
                    "attributes": [{"a": "b"}],
                }
            )
        )
    again = Archive.open(bucket)
    assert again.rows("samples") == samples.samples
    found = again.select([Matcher("n", "=~", "[12]")], NOVEMBER + DAY, NOVEMBER + 2 * DAY)
    assert found.values.tolist() == here.select([Matcher("n", "=~", "[12]")], NOVEMBER + DAY, 2**60).values.tolist()
    day = TimeRange.from_ms(NOVEMBER + DAY, NOVEMBER + 2 * DAY)
    asked = [
        ArchiveSource("a", each).range("sum(rate(work_total[5m]))", day, step_ms=300_000) for each in (again, here)
    ]
    assert asked[0].values.tolist() == asked[1].values.tolist()
    query = "select metric, sum(value), count(*) from samples join series using (series_id) group by 1"
    assert connect(again).execute(query).fetchall() == connect(here).execute(query).fetchall()
    assert connect(again).execute("select message from logs").fetchall() == [("x",)]


def test_it_is_compacted_rolled_up_and_let_go_there(bucket: str):
    archive = Archive.open(bucket, create=True)
    samples = two_days()
    for part in range(4):
        low = NOVEMBER + part * DAY // 2
        inside = (samples.times > low) & (samples.times <= low + DAY // 2)
        kept = np.concatenate([[0], np.cumsum(inside)])[samples.offsets]
        archive.append_samples(SeriesSet(samples.labels, kept, samples.times[inside], samples.values[inside]))
    done = archive.compact()
    assert done.files == (4, 1)
    assert archive.select([], *ALWAYS).values.tolist() == samples.values.tolist()
    assert roll_up(archive, NOVEMBER + 3 * DAY) == 2
    assert archive.vacuum(hours=0) >= 4
    told = expire(archive, Policy(raw_ms=DAY, five_minutes_ms=None), NOVEMBER + 2 * DAY)
    assert told.rows["samples"] == 4 * 1440
    later = Archive.open(bucket)
    whole = TimeRange.from_ms(NOVEMBER + DAY, NOVEMBER + 2 * DAY)
    answer = ArchiveSource("a", later).range("sum(increase(work_total[12h]))", whole, step_ms=DAY // 2)
    assert answer.meta["tier"] == "5m"
    assert answer.present.all()


def test_two_processes_create_append_and_note_at_once_and_nothing_is_lost(bucket: str):
    writers = [
        subprocess.Popen([sys.executable, "-c", APPEND, bucket, who], stderr=subprocess.PIPE, text=True)
        for who in ("a", "b")
    ]
    for writer in writers:
        _, told = writer.communicate(timeout=120)
        assert writer.returncode == 0, told
    archive = Archive.open(bucket)
    assert archive.select([], *ALWAYS).samples == 2 * 3 * 3 * 10
    assert archive.series_count() == 6
    assert archive.meta == {f"{who}-{commit}": commit for who in "ab" for commit in range(3)}


def test_a_copy_keeps_others_out_until_it_ends_or_counts_as_gone(bucket: str, monkeypatch: pytest.MonkeyPatch):
    one, other = Archive.open(bucket, create=True), Archive.open(bucket)
    with one.copying(), pytest.raises(ArchiveError, match="Another process copies"), other.copying():
        pass
    with monkeypatch.context() as patched:
        patched.setattr("workbench.archive.storage.objects._GONE_S", -1.0)
        abandoned = one.copying()
        abandoned.__enter__()
    with Archive.open(bucket).copying():
        pass
    abandoned.__exit__(None, None, None)


def test_a_damaged_object_and_a_foreign_prefix_are_named(bucket: str):
    archive = Archive.open(bucket, create=True)
    archive.append_samples(two_days())
    file = archive.files(SAMPLES)[0]
    store = (archive.place / "samples").store
    store.put(f"samples/{file.path}", b"PAR1 no")
    with pytest.raises(ArchiveError, match=r"s3://.*samples/month=2026-11/.*cannot be read"):
        Archive.open(bucket).select([], *ALWAYS)
    with pytest.raises(ArchiveError, match="not an archive and not empty"):
        Archive.open(f"{bucket}/samples", create=True)
    with pytest.raises(ArchiveError, match="No archive in s3://"):
        Archive.open(f"{bucket}/elsewhere")


def test_login_and_region_may_stand_in_the_files_of_the_provider(s3_bucket: str, tmp_path: Path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "credentials").write_text(f"[team]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
    (tmp_path / "config").write_text("[profile team]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "team")
    archive = Archive.open(s3_bucket, create=True)
    archive.append_samples(two_days())
    assert Archive.open(s3_bucket).rows("samples") == two_days().samples


def test_no_secret_is_in_a_name_or_an_error(s3_bucket: str, monkeypatch: pytest.MonkeyPatch):
    archive = Archive.open(s3_bucket, create=True)
    told = [repr(archive.place), str(archive.place), repr(archive.tables)]
    for url in (f"s3://{KEY}:{SECRET}@b/x", f"s3://b/x?secret={SECRET}", f"ftp://{SECRET}@b", "s3://"):
        with pytest.raises(ArchiveError) as caught:
            Archive.open(url)
        told.append(str(caught.value))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("workbench.archive.storage.objects._RETRIES", 0)
    with pytest.raises(ArchiveError, match=r"cannot read archive\.json in s3://") as dead:
        Archive.open(s3_bucket)
    told.append(str(dead.value))
    assert not [text for text in told if SECRET in text]


class Forgetful:
    """A store that begins every list at the beginning, as Azurite does."""

    def list(self, prefix: str | None, offset: str | None = None) -> list[list[dict[str, str]]]:
        return [[{"path": f"{prefix}{number:020}.json"} for number in range(2)]]


class Mindful(Forgetful):
    def list(self, prefix: str | None, offset: str | None = None) -> list[list[dict[str, str]]]:
        return [[one for one in page if one["path"] > (offset or "")] for page in super().list(prefix)]


def test_a_store_in_which_delta_cannot_follow_a_table_is_refused_with_the_cause():
    _check_lists(Bucket("az://history", Mindful(), {}, {}, "samples/"))
    with pytest.raises(ArchiveError, match="lists every object and ignores") as met:
        _check_lists(Bucket("az://history", Forgetful(), {}, {}, "samples/"))
    assert "Azurite" in met.value.hint


def test_a_store_without_googles_upload_is_refused_with_the_cause():
    words = 'Server returned non-2xx status code: 400 Bad Request: {"error":{"message":"invalid uploadType"}}'
    with pytest.raises(ArchiveError, match="no upload of Google") as met, _delta(Bucket("gs://b", Mindful(), {}, {})):
        raise OSError(words)
    assert "fake-gcs-server" in met.value.hint


@pytest.mark.parametrize(
    ("url", "environment", "kind"),
    [
        ("gs://history/a", {"GOOGLE_SKIP_SIGNATURE": "true"}, "GCSStore"),
        ("az://history/a", {"AZURE_STORAGE_ACCOUNT_NAME": "acc", "AZURE_SKIP_SIGNATURE": "true"}, "AzureStore"),
    ],
)
def test_the_other_stores_are_reached_by_the_same_seam(url, environment, kind, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    place = place_of(url) / "samples"
    assert str(place) == f"{url}/samples"
    assert type(place.store).__name__ == kind
    assert place.options["allow_http"] == "false"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[archive]\nurl = "s3://key:secret@b/x"', "credentials may not stand in the url"),
        ('[archive]\nurl = "https://b/x"', "an archive needs url = 's3://"),
        ('[sources.a]\nkind = "archive"\nurl = "gs://b/x"\npath = "x"', "either a path or a url"),
    ],
)
def test_settings_name_a_place_and_no_secret(text, message, tmp_path):
    (tmp_path / "workbench.toml").write_text(text)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(tmp_path / "workbench.toml")
    assert "secret@" not in str(caught.value)


def test_the_commands_take_a_url(bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    Archive.open(bucket, create=True).append_samples(two_days())
    settings = tmp_path / "workbench.toml"
    settings.write_text(f'[sources.far]\nkind = "archive"\nurl = "{bucket}"\n[archive]\nurl = "{bucket}"\n')
    asked = ["--config", str(settings)]
    for command in (["archive", "status", "--format", "json"], ["archive", "sql", "select count(*) from samples"]):
        with pytest.raises(SystemExit) as ended:
            main([*asked, *command])
        assert not ended.value.code
    with pytest.raises(SystemExit) as ended:
        main([*asked, "query", "count(work_total)", "--source", "far", "--at", "2026-11-01T12:00Z", "--format", "json"])
    told = capsys.readouterr().out
    assert not ended.value.code, told
    assert '"samples": 11520' in told
    assert bucket in told
