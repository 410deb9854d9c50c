"""Nothing is called clear that was not looked at."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.overview.evidence import Looked, clear_sentence, evidence, quiet_sentence, unread_sentences

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
WORDS = {"objective": "on track", "alert": "quiet", "limit": "kept", "budget": "within limits"}


def looked(*rows: tuple[str, int, int]) -> pd.DataFrame:
    parts = [Looked("gw", "Gateway", clause, known, read) for clause, known, read in rows]
    return evidence(parts, as_of=NOON).frame


def test_everything_read_is_named_with_its_count_and_the_newest_data() -> None:
    frame = looked(("objective", 2, 2), ("alert", 1, 1), ("limit", 8, 8), ("budget", 3, 3))
    assert clear_sentence(frame, newest=NOON) == (
        "Nothing needs attention: 2 objectives on track, 1 alert rule quiet, 8 thresholds kept, 3 budgets within limits"
        " (data to 28 Nov 2026 12:00 UTC)."
    )
    assert unread_sentences(frame) == ()


def test_a_system_without_objectives_and_rules_gets_the_next_steps_and_no_all_clear() -> None:
    frame = looked(("objective", 0, 0), ("alert", 0, 0), ("limit", 0, 0), ("budget", 0, 0))
    assert clear_sentence(frame) == ""
    assert unread_sentences(frame)[0] == "Gateway: no objective yet: `workbench slo draft gw`."
    assert quiet_sentence(frame) == "Not known: no system has an alert rule."


counts = st.integers(0, 3).flatmap(lambda known: st.tuples(st.just(known), st.integers(0, known)))


@pytest.mark.slow
@given(st.fixed_dictionaries(dict.fromkeys(WORDS, counts)))
def test_a_clause_stands_only_where_something_was_read(given_counts: dict[str, tuple[int, int]]) -> None:
    frame = looked(*((clause, *pair) for clause, pair in given_counts.items()))
    sentence = clear_sentence(frame)
    for clause, words in WORDS.items():
        assert (words in sentence) == (given_counts[clause][1] > 0)
    whole = all(known == read for known, read in given_counts.values())
    wanted = all(given_counts[clause][0] for clause in ("objective", "alert"))
    assert sentence.startswith("Nothing needs attention:") == bool(whole and wanted)
    known, read = given_counts["alert"]
    assert ("No alert fires" in quiet_sentence(frame)) == (known > 0 and read == known)


def test_objectives_that_were_observed_in_part_are_said_to_be() -> None:
    frame = evidence([Looked("gw", "Gateway", "objective", 3, 3, 2)], as_of=NOON).frame
    assert "3 objectives on track (2 observed in part)" in clear_sentence(frame)
