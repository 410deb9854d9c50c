"""The report templates: what there is, and which parameters each takes."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from workbench.core.errors import ParameterError
from workbench.core.shipped import shipped
from workbench.report.run.jupyter import jupyter_library


@dataclass(frozen=True)
class Parameter:
    """One parameter of a template, as its parameters cell declares it."""

    name: str
    type: str
    default: str
    help: str


def template_names() -> tuple[str, ...]:
    """Names of the shipped templates, sorted."""
    return tuple(sorted(path.stem for path in shipped("reports").glob("*.ipynb")))


def template_path(name: str) -> Path:
    """Return the notebook of a template, or raise :class:`ParameterError` with the nearest name."""
    names = template_names()
    if name not in names:
        near = get_close_matches(name, names, n=1)
        raise ParameterError(
            f"There is no report {name!r}.",
            hint=f"Did you mean {near[0]!r}?" if near else f"Reports: {', '.join(names)}.",
        )
    return shipped("reports", f"{name}.ipynb")


def template_parameters(name: str) -> tuple[Parameter, ...]:
    """Parameters of a template with types, defaults and help.

    Examples
    --------
    >>> [parameter.name for parameter in template_parameters("monthly")][:2]
    ['system', 'period']
    """
    papermill = jupyter_library("papermill")

    found = papermill.inspect_notebook(str(template_path(name)))
    return tuple(
        Parameter(key, value["inferred_type_name"], value["default"], value["help"]) for key, value in found.items()
    )


def check_parameters(name: str, given: dict[str, object]) -> None:
    """Refuse a parameter that the template does not declare; papermill would only warn."""
    known = [parameter.name for parameter in template_parameters(name)]
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise ParameterError(
                f"The report {name!r} has no parameter {key!r}.",
                hint=f"Did you mean {near[0]!r}?" if near else f"Parameters: {', '.join(known)}.",
            )
