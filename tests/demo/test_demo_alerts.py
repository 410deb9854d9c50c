from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.core.series import is_stale, label_key
from workbench.demo.engine.alerts import AlertCarry, Episode, episodes_frame, evaluate_alert

LABELS = {"alertname": "Down", "severity": "critical"}
MINUTE = 60_000


def run(
    active: str,
    *,
    for_minutes: int = 0,
    carried: list[AlertCarry] | None = None,
    at: int = 10,
    gap_at: int | None = None,
) -> tuple[dict[str, str], list[Episode], list[AlertCarry]]:
    """One letter an evaluation, ``#`` active; the series come back as one letter an evaluation too."""
    times = (at + np.arange(len(active))) * MINUTE
    if gap_at is not None:
        times[gap_at:] += 30 * MINUTE
    before = (at - 1) * MINUTE if carried is not None else None
    breaks = np.diff(times, prepend=times[0] - MINUTE) > MINUTE
    mask = np.array([letter == "#" for letter in active])
    samples, ended, still = evaluate_alert(
        {label_key(LABELS): (LABELS, mask)}, times, breaks, for_minutes * MINUTE, carried or [], before
    )
    drawn = {}
    for labels, own, values in samples:
        name = labels.get("alertstate", "since")
        letters = dict(zip(own.tolist(), zip(values.tolist(), is_stale(values).tolist(), strict=True), strict=True))
        drawn[name] = "".join("." if t not in letters else "s" if letters[t][1] else "#" for t in times.tolist())
    return drawn, ended, still


def test_without_for_an_alert_fires_at_once_and_ends_with_a_stale_mark() -> None:
    drawn, ended, still = run(".##..")
    assert drawn == {"firing": ".##s.", "since": ".##s."}
    assert ended == [Episode(LABELS, 11 * MINUTE, 11 * MINUTE, 13 * MINUTE, False, False)]
    assert still == []


def test_an_alert_is_pending_until_it_was_active_for_its_time() -> None:
    drawn, ended, _ = run(".#####..", for_minutes=2)
    assert drawn == {"pending": ".##s....", "firing": "...###s.", "since": ".#####s."}
    assert ended == [Episode(LABELS, 11 * MINUTE, 13 * MINUTE, 16 * MINUTE, False, False)]


def test_a_pending_alert_that_ends_is_no_episode() -> None:
    drawn, ended, _ = run(".##.##..", for_minutes=2)
    assert drawn == {"pending": ".##s##s.", "since": ".##s##s."}
    assert ended == []


@pytest.mark.parametrize("cut", range(1, 9))
def test_midnight_leaves_no_trace(cut: int) -> None:
    active = "..####.##"
    whole, ended, still = run(active, for_minutes=2, carried=[])
    _, ended_first, carried = run(active[:cut], for_minutes=2, carried=[])
    second, ended_second, still_second = run(active[cut:], for_minutes=2, carried=carried, at=10 + cut)
    first, _, _ = run(active[:cut], for_minutes=2, carried=[])
    joined = {
        name: first.get(name, "." * cut) + second.get(name, "." * (len(active) - cut)) for name in {*first, *second}
    }
    assert joined == whole
    assert ended_first + ended_second == ended
    assert still_second == still


def test_what_is_active_when_the_history_starts_is_left_censored() -> None:
    _, ended, _ = run("##.")
    assert ended == [Episode(LABELS, 10 * MINUTE, 10 * MINUTE, 12 * MINUTE, True, False)]


def test_a_stop_of_the_monitoring_forgets_the_state_and_marks_nothing_stale() -> None:
    drawn, ended, still = run("#####", for_minutes=1, carried=[], gap_at=3)
    assert drawn == {"pending": "#s.#s", "firing": ".##.#", "since": "#####"}
    assert ended == [Episode(LABELS, 10 * MINUTE, 11 * MINUTE, 13 * MINUTE, False, True)]
    assert still == [AlertCarry(LABELS, 43 * MINUTE, 44 * MINUTE, True)]


def test_for_state_holds_the_second_at_which_the_alert_became_active() -> None:
    times = np.array([10, 11]) * MINUTE
    samples, _, _ = evaluate_alert(
        {label_key(LABELS): (LABELS, np.array([True, True]))}, times, np.array([False, False]), 0, [], None
    )
    values = {labels["__name__"]: series.tolist() for labels, _, series in samples}
    assert values == {"ALERTS": [1.0, 1.0], "ALERTS_FOR_STATE": [600.0, 600.0]}


def test_an_open_episode_has_no_end() -> None:
    frame = episodes_frame([Episode(LABELS, 0, MINUTE, None, False, True), Episode(LABELS, 0, 0, MINUTE, False, False)])
    assert frame["ends_at"].isna().tolist() == [False, True]
    assert frame["right_censored"].tolist() == [False, True]
    assert not math.isnan(frame["unknown_s"].sum())
