"""The simulator behind the embedded default; scenario and truth files are described in docs/demo.md."""

from workbench.demo.build import DemoSummary, build_demo

__all__ = ["DemoSummary", "build_demo"]
