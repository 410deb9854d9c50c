"""One look at an archive: everything a question reads comes from one state of its tables and its document, once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from workbench.archive.storage.document import Document
from workbench.archive.storage.layout import HISTOGRAMS, SAMPLES, SLICES_1H, SLICES_5M
from workbench.archive.storage.tables import Tables
from workbench.core.series import SeriesSet
from workbench.promql.engine.evaluation import Known

#: Samples of a look that are kept for its next reads; those used longest ago go first. [samples]
KEPT_SAMPLES = 3_000_000


class Looks:
    """What each thread looks at; without a look every read asks for the newest state.

    Parameters
    ----------
    tables : Tables
        The tables of the archive.
    document : Document
        The archive's own description, as it is on disk.
    """

    def __init__(self, tables: Tables, document: Document) -> None:
        self._tables, self._document = tables, document
        self._local = threading.local()

    @contextmanager
    def single(self) -> Iterator[None]:
        """Read the newest state once and answer this thread from it; a look inside a look is part of it."""
        if self._held is not None:
            yield
            return
        with self._tables.one_look() as look_again:
            try:
                self._local.samples, self._local.known = OrderedDict(), {}
                self._local.document = held = self._document.read()
                while True:  # until no samples were deleted between the looks
                    for layout in (SAMPLES, SLICES_5M, SLICES_1H):
                        self._tables.files(layout)
                    self._local.document = self._document.read()
                    if self._local.document == held:
                        break
                    held = self._local.document
                    look_again()
                yield
            finally:
                self._local.document = self._local.samples = self._local.known = None

    def once(self, selection: Hashable, read: Callable[[], SeriesSet], *, kept: bool = True) -> SeriesSet:
        """Return the samples of a selection: of a look as they were read before, else read now.

        A study asks the same buckets for several quantiles, and those of a chart again. Who changes samples in a look
        names another version of them in its selection. With ``kept`` False, what is read now is not kept.
        """
        held: OrderedDict[Hashable, SeriesSet] | None = getattr(self._local, "samples", None)
        if held is None:
            return read()
        if selection in held:
            held.move_to_end(selection)
            return held[selection]
        samples = read()
        if kept:
            for array in (samples.times, samples.values, samples.offsets):
                array.flags.writeable = False
            held[selection] = samples
            while len(held) > 1 and sum(each.samples for each in held.values()) > KEPT_SAMPLES:
                held.popitem(last=False)
        return samples

    def known(self) -> Known | None:
        """Return what parts of queries gave in this look over the samples as they are now; None without a look."""
        held: dict[Hashable, Known] | None = getattr(self._local, "known", None)
        if held is None:
            return None
        return held.setdefault(tuple(self._tables.version(layout) for layout in (SAMPLES, HISTOGRAMS)), {})

    @property
    def document(self) -> dict[str, Any]:
        """The document: of this look, else the newest."""
        return self._held or self._document.read()

    def update(self, part: str, values: dict[str, Any]) -> None:
        """Set keys of a part of the document; a look sees what its own thread changes."""
        self._document.update(part, values)
        if self._held is not None:
            self._local.document = self._document.read()

    @property
    def _held(self) -> dict[str, Any] | None:
        held: dict[str, Any] | None = getattr(self._local, "document", None)
        return held
