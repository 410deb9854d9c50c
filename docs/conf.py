"""How the documentation is built: offline, warnings are errors; `make docs`."""

from workbench import __version__

project = "LLM Workbench"
author = "The LLM Workbench authors"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_typehints = "none"
html_theme = "furo"
html_title = "LLM Workbench"
html_copy_source = False
# Lexers that Sphinx lacks: transcripts of the terminal are plain text.
highlight_language = "none"
