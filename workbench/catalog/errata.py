"""The errata: where the documents of the monitored systems do not answer their own questions.

``docs/errata.md`` is this text for the shipped profiles; ``python -m workbench.catalog.errata`` prints it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from workbench.catalog.load import load_catalog
from workbench.catalog.profile.model import Documented, Profile

_HEAD = """\
# Errata of the monitored systems' documents

<!-- Made from data/systems/*.yaml by `python -m workbench.catalog.errata > docs/errata.md`; a test holds it equal. -->

The systems' own documents are kept word for word. Where a text of theirs does not answer the question it stands under,
the workbench shows the corrected one, and this page says why. A documented query still runs, and gives what Prometheus
gives for it.
"""


def errata(profiles: Mapping[str, Profile]) -> str:
    """Write the corrections of all profiles as Markdown.

    Parameters
    ----------
    profiles : mapping
        Profiles by system, as in ``Catalog.profiles``.

    Returns
    -------
    str
        One section a system: each correction with its reason, open questions, assumptions.
    """
    sections = [_section(profile) for _, profile in sorted(profiles.items())]
    return "\n".join([_HEAD, *sections])


def corrections(profile: Profile) -> Iterator[tuple[str, str, Documented]]:
    """Yield ``(kind, title, entry)`` for every documented text of a profile that is corrected."""
    named: list[tuple[str, Iterable[tuple[str, Documented]]]] = [
        ("Query", ((query.title, query) for query in profile.queries)),
        ("Metric", profile.metrics.items()),
        ("Role", profile.roles.items()),
        ("Recording rule", ((rule.name, rule) for rule in profile.recording_rules)),
        ("Alert", ((rule.name, rule) for rule in profile.alert_rules)),
        ("Threshold", ((threshold.title, threshold) for threshold in profile.thresholds)),
        ("SLO", ((slo.title, slo) for slo in profile.slos)),
        ("Error budget", ((slo.title, slo.budget) for slo in profile.slos if slo.budget)),
        ("Notification", ((channel.name, channel) for channel in profile.channels)),
        ("Health check", ((endpoint.name, endpoint) for endpoint in profile.health)),
        ("Integration", ((integration.title, integration) for integration in profile.integrations)),
    ]
    for kind, entries in named:
        for title, entry in entries:
            if entry.corrected:
                yield kind, title, entry


def _section(profile: Profile) -> str:
    errata = list(corrections(profile))
    lines = [f"## {profile.title}", ""]
    if profile.document:
        lines += [f"Document: {profile.document}.", ""]
    lines += [f"{len(errata)} corrections." if errata else "No corrections.", ""]
    for kind, title, entry in errata:
        place = f" ({entry.heading})" if entry.heading else ""
        lines += [f"### {kind}: {title}", "", f"Documented{place}:", "", *_code(entry.documented or "")]
        lines += ["", "Corrected:", "", *_code(entry.corrected or ""), "", entry.reason, ""]
    if profile.not_measured:
        lines += ["### Not measured", "", "Questions of the document without a signal, and the signal they need.", ""]
        lines += ["| Question | Signal |", "| --- | --- |"]
        lines += [f"| {_cell(open_.question)} | {_cell(open_.signal)} |" for open_ in profile.not_measured] + [""]
    if profile.assumptions:
        lines += ["### Assumptions", "", *(f"- {text}" for text in profile.assumptions), ""]
    return "\n".join(lines)


def _code(text: str) -> list[str]:
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return [f"{fence}text", text, fence]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    print(errata(load_catalog().profiles), end="")
