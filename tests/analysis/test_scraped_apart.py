"""A part and a whole that are scraped apart give no negative failures and invent none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.apart import settled


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 200), st.floats(0, 0.2))
def test_events_seen_one_slice_too_early_or_late_are_settled(seed, size, failing) -> None:
    rng = np.random.default_rng(seed)
    total = rng.poisson(100, size).astype(float)
    bad = rng.binomial(total.astype(int), failing).astype(float)
    good = total - bad
    seen, late = good.copy(), rng.integers(0, 5, size - 1)
    seen[:-1] -= np.minimum(late, good[:-1])
    seen[1:] += np.minimum(late, good[:-1])
    counts, slices, left = settled(seen, total)
    assert abs(counts.sum() - good.sum()) < 1e-6
    assert np.maximum(counts - total, 0).sum() <= np.maximum(seen - total, 0).sum() + 1e-9
    assert (slices == 0) == (seen <= total + 1e-6).all()
    assert left == np.maximum(counts - total, 0).sum()


def test_a_part_that_is_none_is_left_and_told() -> None:
    counts, slices, left = settled(np.array([5.0, 5.0]), np.array([1.0, 1.0]))
    assert (counts.tolist(), slices, left) == ([5.0, 5.0], 2, 8.0)
