"""The report templates: which there are, which parameters each takes, and values checked before anything starts."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from workbench.core.errors import ParameterError
from workbench.core.shipped import shipped
from workbench.report.run.jupyter import jupyter_library

#: Parameters that the run itself gives to every template that declares them.
GIVEN = ("system", "period", "zone", "as_of", "home", "config")

#: Name that stands for all systems, for templates whose ``system`` is this by default.
ALL = "all"

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a template, as its parameters cell declares it."""

    name: str
    type: str
    default: str
    help: str

    @property
    def value(self) -> Any:
        """The default as a value."""
        return ast.literal_eval(self.default)


def template_names(folders: Sequence[Path] = ()) -> tuple[str, ...]:
    """Names of the shipped templates and of those in one's own folders, sorted."""
    return tuple(sorted(_templates(folders)))


def _templates(folders: Sequence[Path]) -> dict[str, Path]:
    places = [shipped("reports"), *folders]
    return {path.stem: path for folder in places for path in sorted(folder.glob("*.ipynb"))}


def template_path(name: str, folders: Sequence[Path] = ()) -> Path:
    """Return the notebook of a template, or raise :class:`ParameterError` with the nearest name.

    A template in one's own folder comes before a shipped one of the same name.
    """
    known = _templates(folders)
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise ParameterError(
            f"There is no report {name!r}.",
            hint=f"Did you mean {near[0]!r}?" if near else f"Reports: {', '.join(sorted(known))}.",
        )
    return known[name]


def template_parameters(name: str, folders: Sequence[Path] = ()) -> tuple[Parameter, ...]:
    """Parameters of a template with types, defaults and help.

    Examples
    --------
    >>> [parameter.name for parameter in template_parameters("monthly")][:2]
    ['system', 'period']
    """
    papermill = jupyter_library("papermill")

    path = template_path(name, folders)
    try:
        declared = papermill.inspect_notebook(str(path))
    except ValueError as error:
        raise ParameterError(
            f"The template {path} cannot be read: {error}.",
            hint="Choose a Python kernel for it in JupyterLab, and save.",
        ) from error
    return tuple(
        Parameter(key, value["inferred_type_name"], value["default"], value["help"]) for key, value in declared.items()
    )


def takes_all(name: str, folders: Sequence[Path] = ()) -> bool:
    """Whether a template is one report over all systems.

    Examples
    --------
    >>> takes_all("executive"), takes_all("monthly")
    (True, False)
    """
    return any(
        parameter.name == "system" and parameter.value == ALL for parameter in template_parameters(name, folders)
    )


def checked_parameters(name: str, given: Mapping[str, Any], folders: Sequence[Path] = ()) -> dict[str, Any]:
    """Return parameters as values of their declared types; papermill would only warn of an unknown one.

    Parameters
    ----------
    name : str
        Template.
    given : mapping of str to value
        Values, or texts as a command line passes them.
    folders : sequence of Path
        One's own folders of templates.

    Raises
    ------
    ParameterError
        A parameter that the template does not declare, or a value that is not of its type.
    """
    known = {parameter.name: parameter for parameter in template_parameters(name, folders)}
    values = {}
    for key, value in given.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise ParameterError(
                f"The report {name!r} has no parameter {key!r}.",
                hint=f"Did you mean {near[0]!r}?" if near else f"Parameters: {', '.join(known)}.",
            )
        values[key] = _typed(name, known[key], value)
    return values


def _typed(report: str, parameter: Parameter, value: Any) -> Any:
    kinds = {"str": str, "int": int, "float": float, "bool": bool}
    kind = kinds.get(parameter.type, type(parameter.value))
    if isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
        return value
    text = str(value).strip()
    try:
        if kind is bool and text.lower() in (*_TRUE, *_FALSE):
            return text.lower() in _TRUE
        if kind in (int, float):
            return kind(text)
    except ValueError:
        pass
    raise ParameterError(
        f"The parameter {parameter.name!r} of {report!r} is {parameter.type or kind.__name__}, and {value!r} is none.",
        hint=f"{parameter.help.strip() or parameter.name}; default {parameter.default}.",
    )
