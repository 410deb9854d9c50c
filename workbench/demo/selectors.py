"""Selectors of the series in which an event shows, for the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.demo.scenario import Event

#: Kind of event -> metrics, further matchers.
Shows = Mapping[str, tuple[Sequence[str], str]]


def selectors(system: str, shows: Shows, names: Mapping[str, str], event: Event) -> list[str]:
    """Return the selectors.

    Parameters
    ----------
    names : mapping
        Label of a scenario's ``where`` -> label of the series, where they differ; an empty text leaves it out.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> event = SimpleNamespace(kind="outage", where={"key": ("vk-1",)})
    >>> selectors("x", {"outage": (("requests_total",), 'status="503"')}, {"key": "virtual_key_id"}, event)
    ['requests_total{system="x",status="503",virtual_key_id=~"vk-1"}']
    """
    metrics, fixed = shows[event.kind]
    narrowed = [
        f'{names.get(label, label)}=~"{"|".join(values)}"'
        for label, values in event.where.items()
        if names.get(label, label)
    ]
    matchers = ",".join([f'system="{system}"', *([fixed] if fixed else []), *narrowed])
    return [f"{metric}{{{matchers}}}" for metric in metrics]
