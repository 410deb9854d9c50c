"""Windows with more rows than are read: rates count the time that was read, not the whole window."""

from __future__ import annotations

from datetime import timedelta

from tests.demo_home import END
from workbench.core.timerange import TimeRange
from workbench.studies import open_context
from workbench.studies.investigate import reading
from workbench.studies.investigate.reading import default_windows, lines_of, spans_of


def test_a_cut_reading_gives_the_rate_of_the_part_that_was_read(shared_settings, monkeypatch) -> None:
    ctx = open_context(shared_settings)
    windows = default_windows(TimeRange(END - timedelta(hours=4), END))
    for read in (lines_of, spans_of):
        times = "time_ns" if read is lines_of else "start_ns"
        monkeypatch.setattr(reading, "MOST", 300_000)
        whole = read(ctx, "counterfactual-lab", windows)
        assert whole.windows == windows
        inside = windows.masks(whole.frame[times].to_numpy())
        monkeypatch.setattr(reading, "MOST", int(inside[0].sum()) // 3)
        cut = read(ctx, "counterfactual-lab", windows)
        assert cut.windows is not None
        kept = cut.windows.masks(cut.frame[times].to_numpy())
        assert kept[0].sum() == reading.MOST
        # Nothing within the part counted was left out: its rate is the true one.
        assert cut.windows.masks(whole.frame[times].to_numpy())[0].sum() == reading.MOST
        assert cut.windows.range.end < windows.range.end
        assert any("the part that was read" in note for note in cut.notes)
