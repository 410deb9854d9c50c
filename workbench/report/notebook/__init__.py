"""Questions in cells of a notebook: ``%load_ext workbench``."""
