from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.core.series import Metrics


@pytest.mark.parametrize(
    "labels",
    [
        (),
        ({},),
        ({}, {}),
        ({"b": "2", "a": "é"}, {"a": "1"}, {"a": "1", "b": "", "c": "x"}),
        tuple({"i": str(i), "z": "ab"[i % 2]} for i in range(30)),
    ],
)
def test_columns_of_a_frame_are_the_label_sets(labels) -> None:
    metrics = Metrics(
        np.array([0, 60_000]), labels, np.zeros((len(labels), 2)), np.ones((len(labels), 2), bool), {"query": "x"}
    )
    names = sorted({name for one in labels for name in one}) or ["series"]
    wanted = pd.MultiIndex.from_arrays(
        [pd.Index([one.get(name, "") for one in labels], dtype="str") for name in names], names=names
    )
    pd.testing.assert_index_equal(metrics.frame.columns, wanted, exact=True)
