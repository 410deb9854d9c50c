"""Questions answered: catalog, sources and range in, a Study out. A failing source is a status, never an exception."""

from workbench.studies.context import Context, open_context
from workbench.studies.overview import overview
from workbench.studies.slo import slo_compliance
from workbench.studies.sources import source_states
from workbench.studies.windows import window

__all__ = ["Context", "open_context", "overview", "slo_compliance", "source_states", "window"]
