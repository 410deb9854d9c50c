"""Personal fields enter the archive under pseudonyms: one person one pseudonym, and nobody's name anywhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.archive.records.pseudonyms import Pseudonyms, pseudonyms_of
from workbench.core.errors import ArchiveError, SettingsError
from workbench.core.settings import Privacy
from workbench.core.settings.secrets import Secret

FIELDS = Privacy().pseudonyms
KEY = b"sixteen bytes and more"


def lines(*rows: tuple[str, dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame({"message": [text for text, _ in rows], "attributes": [held for _, held in rows]})


@pytest.mark.parametrize("name", [
    "user_id", "context.user_id", "userId", "UserId", "user.id", "labels.user-id", "metadata.ip_address", "client_ip",
    "clientIp", "client.ip", "USER_EMAIL",
])  # fmt: skip
def test_a_field_is_known_by_any_spelling(name: str) -> None:
    told = Pseudonyms(FIELDS, KEY)(lines(("x", {name: "secret-17"})))
    assert told["attributes"][0][name].startswith("p_")


@pytest.mark.parametrize("name", ["user_agent", "session_id", "ip_addresses_seen", "virtual_key_id", "user"])
def test_other_fields_stay_as_they_are(name: str) -> None:
    assert Pseudonyms(FIELDS, KEY)(lines(("x", {name: "kept-17"})))["attributes"][0] == {name: "kept-17"}


def test_one_person_has_one_pseudonym_under_one_key_and_another_under_another() -> None:
    frame = lines(("a", {"user_id": "u-1"}), ("b", {"context.user_id": "u-1"}), ("c", {"user_id": "u-2"}))
    ours = [next(iter(held.values())) for held in Pseudonyms(FIELDS, KEY)(frame)["attributes"]]
    theirs = Pseudonyms(FIELDS, KEY[::-1])(frame)["attributes"][0]["user_id"]
    assert ours[0] == ours[1] != ours[2]
    assert theirs != ours[0]


@pytest.mark.parametrize("text", [
    "user user_456 left from 10.0.0.9",
    '{"user_id": "user_456", "ip_address": "10.0.0.9", "cut',
    "user_id=user_456 client_ip=10.0.0.9 ok",
    r'payload "{\"user_id\": \"user_456\"}" of 10.0.0.9',
    "user-id: user_456; ip_address: 10.0.0.9",
])  # fmt: skip
def test_a_message_that_repeats_a_value_keeps_it_no_better(text: str) -> None:
    held = {"context.user_id": "user_456", "metadata.ip_address": "10.0.0.9", "note": f"about {text}"}
    told = str(Pseudonyms(FIELDS, KEY)(lines((text, held))).to_dict())
    assert "user_456" not in told
    assert "10.0.0.9" not in told


def test_part_of_another_word_is_no_repetition() -> None:
    told = Pseudonyms(FIELDS, KEY)(lines(("user_4567 and user_456@x and user_456.", {"user_id": "user_456"})))
    assert told["message"][0].startswith("user_4567 and user_456@x and p_")


def test_the_frame_given_stays_and_a_second_time_changes_nothing() -> None:
    private, frame = Pseudonyms(FIELDS, KEY), lines(("u-17 left", {"user_id": "u-17"}))
    once = private(frame)
    assert frame["attributes"][0] == {"user_id": "u-17"}
    pd.testing.assert_frame_equal(private(once), once)


def test_spans_have_no_message_and_an_empty_frame_is_empty() -> None:
    spans = pd.DataFrame({"operation": ["GET"], "attributes": [{"user.id": "u-17", "http.method": "GET"}]})
    told = Pseudonyms(FIELDS, KEY)(spans)
    assert list(told.columns) == ["operation", "attributes"]
    assert told["attributes"][0]["http.method"] == "GET"
    assert Pseudonyms(FIELDS, KEY)(lines()).empty


@pytest.mark.slow
@given(st.text(min_size=4, max_size=30), st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_value_of_a_personal_field_is_left_in_it(value: str, around: str) -> None:
    told = Pseudonyms(FIELDS, KEY)(lines((around, {"user_email": value})))
    assert told["attributes"][0]["user_email"] != value or value.startswith("p_")


def test_the_key_of_a_home_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    first, again = pseudonyms_of(Privacy(), tmp_path), pseudonyms_of(Privacy(), tmp_path)
    frame = lines(("x", {"user_id": "u-1"}))
    assert first is not None
    assert again is not None
    pd.testing.assert_frame_equal(first(frame), again(frame))
    _, kept = sorted(tmp_path.iterdir())
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text() not in repr(first)


def test_a_key_that_was_lost_is_an_error_and_no_new_one(tmp_path: Path) -> None:
    policy = Privacy(pseudonyms=("user_id",))
    assert pseudonyms_of(policy, tmp_path) is not None
    (tmp_path / "pseudonyms.key").unlink()
    with pytest.raises(ArchiveError, match=r"pseudonyms\.key was there before and is gone"):
        pseudonyms_of(policy, tmp_path)
    assert not (tmp_path / "pseudonyms.key").exists()
    (tmp_path / ".pseudonyms.key.made").unlink()
    assert pseudonyms_of(policy, tmp_path) is not None


def test_the_policy_can_name_a_key_other_fields_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSEUDONYM_KEY", "a key that is long enough")
    named = Privacy(pseudonyms=("session_id",), key=Secret(env="PSEUDONYM_KEY"))
    told = pseudonyms_of(named, tmp_path)
    assert told is not None
    row = told(lines(("x", {"session_id": "s-17", "user_id": "u-17"})))["attributes"][0]
    assert row["user_id"] == "u-17"
    assert row["session_id"].startswith("p_")
    assert not list(tmp_path.iterdir())
    assert pseudonyms_of(Privacy(pseudonyms=()), tmp_path) is None
    monkeypatch.setenv("PSEUDONYM_KEY", "short")
    with pytest.raises(SettingsError, match="5 bytes"):
        pseudonyms_of(named, tmp_path)
