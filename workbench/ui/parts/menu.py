"""The menu: one line a page, in two sections; a page whose question no system can answer is not listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from workbench.core.errors import WorkbenchError
from workbench.ui.parts import load

_USUAL = ("system", "period", "zone")


@dataclass(frozen=True)
class Entry:
    """One page.

    Attributes
    ----------
    file : str
        Its name without ``.py``; also its address.
    title, icon, help : str
    filters : tuple of str
        What its sidebar shows.
    needs : tuple of str
        Roles of which one system has to have one, else the page is reached by its address only.
    """

    file: str
    title: str
    icon: str
    help: str
    filters: tuple[str, ...] = _USUAL
    needs: tuple[str, ...] = ()


#: Section -> its pages, in order. The first page of all is the one that opens.
MENU: Mapping[str, tuple[Entry, ...]] = {
    "": (
        Entry(
            "overview", "Overview", "dashboard", "What to do today, the six questions, all SLOs.", ("period", "zone")
        ),
    ),
    "Engineering": (
        Entry("slo", "SLOs", "task_alt", "Budget, measured share, traffic, burn rate, definition of each SLO."),
        Entry("performance", "Performance", "speed", "Rate, errors, duration, providers, limits, resources, caches."),
        Entry(
            "quality",
            "Quality",
            "psychology",
            "Scores against their reference: drift, limits.",
            needs=("quality", "bias"),
        ),
        Entry("capacity", "Capacity", "query_stats", "When the resources of one system run out."),
        Entry("alerts", "Alerts", "notifications", "What fires, how often and how long, against published limits."),
        Entry("investigate", "Investigate", "troubleshoot", "What is different in a stretch of time.", ("system",)),
        Entry(
            "logs", "Logs", "article", "Levels over time, templates, lines with search, parse coverage.", ("system",)
        ),
        Entry("traces", "Traces", "account_tree", "Where the time of requests goes.", ("system",)),
        Entry("explore", "Explore", "terminal", "A question of your own in PromQL, LogQL, TraceQL or SQL."),
        Entry("reviews", "Reviews", "checklist", "Checklists of the day, week and month, judged by data.", ("system",)),
        Entry(
            "delivery",
            "Software delivery",
            "rocket_launch",
            "The five DORA metrics: deployments, failures, recovery.",
        ),
        Entry(
            "security",
            "Security and access",
            "shield_person",
            "Sign-ins, limits, refusals and security events of one system.",
            needs=("authentication", "rate_limited", "security", "requests"),
        ),
        Entry("operations", "Operations", "monitor_heart", "Whether the monitoring itself is well."),
    ),
    "Business": (
        Entry(
            "executive",
            "Executive summary",
            "business_center",
            "Objectives met, spend against budgets, activity, top actions.",
            ("period", "zone"),
        ),
        Entry("cost", "Cost and tokens", "payments", "Spend and tokens by label and day; unit costs and budgets."),
        Entry("activity", "Product activity", "groups", "Tests, users, sessions and features of one system, by day."),
        Entry("scorecard", "Scorecard", "scoreboard", "Which months or quarters used up their error budget.", ()),
        Entry("reports", "Reports", "description", "Runs of reports: search, findings, files, the period before.", ()),
    ),
    "Data": (
        Entry("sources", "Sources", "database", "Whether each source answers, and what is measured.", ("system",)),
        Entry("settings", "Settings", "settings", "What is loaded from where, and mistakes with file and line.", ()),
    ),
}


def pages() -> dict[str, list[StreamlitPage]]:
    """Return the pages of the menu by section; those that no system can fill are there, but not listed."""
    try:
        profiles = load.context().catalog.profiles.values()
    except WorkbenchError:
        return {section: [_page(entry, None) for entry in entries] for section, entries in MENU.items()}
    roles = {name.partition(".")[0] for profile in profiles for name in profile.roles}
    return {section: [_page(entry, roles) for entry in entries] for section, entries in MENU.items()}


def filters_of(address: str) -> tuple[str, ...]:
    """Return the filters that the sidebar of a page shows, by its address; the first page has an empty one."""
    first, *rest = (entry for entries in MENU.values() for entry in entries)
    return {"": first.filters, **{entry.file: entry.filters for entry in rest}}.get(address, _USUAL)


def titles() -> dict[str, str]:
    """Return the title of each page by its address; the first page has an empty one."""
    first, *rest = (entry for entries in MENU.values() for entry in entries)
    return {"": first.title, **{entry.file: entry.title for entry in rest}}


def _page(entry: Entry, roles: set[str] | None) -> StreamlitPage:
    first = entry is MENU[""][0]
    listed = not entry.needs or roles is None or not roles.isdisjoint(entry.needs)
    return st.Page(
        f"{entry.file}.py",
        title=entry.title,
        icon=f":material/{entry.icon}:",
        url_path=None if first else entry.file,
        default=first,
        help=entry.help,
        visibility="visible" if listed else "hidden",
    )
