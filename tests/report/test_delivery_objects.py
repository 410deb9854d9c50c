"""Reports delivered to an object store: at the S3 API of moto's server, or in the store that a variable names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.report.test_delivery import FILE, Clock, attempt, put, store
from tests.servers.object_store import KEY, SECRET, fresh_prefix, given_prefix, object_server
from workbench.archive.storage.objects import bucket_of
from workbench.core.settings.channels import ChannelSettings
from workbench.store import Store

__all__ = ["store"]
pytestmark = pytest.mark.slow
NAME = "lab/2026-10/monthly-lab-2026-10.html"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with object_server() as found:
        yield found


@pytest.fixture
def prefix(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a fresh prefix in whatever store is tested."""
    return given_prefix() or fresh_prefix(request.getfixturevalue("address"), monkeypatch)


def channel_of(url: str) -> ChannelSettings:
    return ChannelSettings(kind="objects", url=url)  # type: ignore[arg-type]


def test_a_report_lies_under_its_system_and_period_and_a_repeat_changes_nothing(store: Store, prefix) -> None:
    clock = Clock()
    put(store, "out")
    assert attempt(store, channel_of(prefix), clock) == ["sent"]
    assert bucket_of(prefix).load(NAME) == FILE
    put(store, "out", subject="again")
    assert attempt(store, channel_of(prefix), clock) == []
    assert bucket_of(prefix).load(NAME) == FILE


def test_a_bucket_that_is_not_there_is_named_and_tried_again(store: Store, prefix) -> None:
    if not prefix.startswith("s3://b"):
        pytest.skip("the store is a person's own")
    clock, gone = Clock(), "s3://no-such-bucket-here/team"
    put(store, "out")
    assert attempt(store, channel_of(gone), clock) == ["waiting"]
    (waiting,) = store.deliveries()
    assert "no-such-bucket-here" in waiting.error
    assert SECRET not in waiting.error
    assert KEY not in waiting.error
    clock.now += timedelta(days=1)
    assert attempt(store, channel_of(prefix), clock) == ["sent"]


def test_a_store_that_does_not_answer_keeps_the_message(store: Store, prefix, monkeypatch) -> None:
    if not prefix.startswith("s3://b"):
        pytest.skip("the store is a person's own")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clock = Clock()
    put(store, "out")
    assert attempt(store, channel_of(prefix), clock) == ["waiting"]
    assert SECRET not in store.deliveries()[0].error
