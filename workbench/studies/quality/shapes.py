"""Scores beyond the hourly mean: buckets of histograms and tables of answers, judged by the shape of their days."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.quality.columns import ALPHA, LEAST_MOVED, ColumnChanges, drift_of_columns, of_units
from workbench.analysis.quality.days import KEYS
from workbench.analysis.quality.tally import Tally, buckets_tally, numbers_tally
from workbench.catalog.profile.model import Role
from workbench.core.errors import WorkbenchError
from workbench.core.timerange import DAY_MS, TimeRange, from_ms, named_zone
from workbench.core.units import count_text
from workbench.studies.quality.numbers import numbers
from workbench.studies.quality.record_rows import recorded_answers
from workbench.studies.quality.rows import NONE
from workbench.studies.sources.context import Context
from workbench.studies.sources.reader import QueryReader
from workbench.studies.sources.tables import tables_of

#: Days of now and of the reference before it. [d]
NOW_DAYS, REFERENCE_DAYS = 7, 28

#: Share of the days on which a bucket must be there to be compared. [ratio]
MOST_DAYS = 0.9

#: First word of the role that a table of answers has; the rest is its name.
TABLE_ROLE = "quality."


class Days:
    """Whole days of a zone at the end of a period, those of incidents left out of the reference."""

    def __init__(self, span: TimeRange, zone: str, incidents: pd.DataFrame) -> None:
        local = named_zone(zone)
        end = pd.Timestamp(span.end).tz_convert(local).normalize()
        edges = pd.date_range(end - pd.DateOffset(days=NOW_DAYS + REFERENCE_DAYS), end, freq="D", tz=local)
        self.edges = edges.tz_convert("UTC").as_unit("ms")
        self.now = np.arange(len(edges) - 1) >= REFERENCE_DAYS
        self.weekdays = np.asarray(edges[:-1].day_of_week, np.int64)
        touched = np.zeros(len(self.now), np.bool_)
        for row in incidents.itertuples():
            stop = pd.Timestamp(span.end) if pd.isna(row.end) else row.end
            touched |= np.asarray((self.edges[:-1] < stop) & (self.edges[1:] > row.start))
        self.kept: NDArray[np.bool_] = self.now | ~touched

    def judge(self, tallies: list[Tally], segments: list[str] | None = None) -> pd.DataFrame:
        """Judge counts by day on the days that are kept, those with answers only."""
        rows = []
        for tally in tallies:
            own = of_units(tally, self.kept)
            drift = drift_of_columns([own], self.now[self.kept], segments or [], weekdays=self.weekdays[self.kept])
            frame = drift.changes.frame
            if not drift.changes.days:
                # Answers of a day resemble each other, so that a few days prove nothing.
                frame = frame.assign(verdict="not_enough", test="", p=np.nan, p_adjusted=np.nan)
            rows.append(frame)
        return pd.concat(rows, ignore_index=True)


def bucket_tallies(
    reader: QueryReader, roles: Mapping[str, Role], by: Mapping[str, str], days: Days, warnings: list[str]
) -> list[Tally]:
    """Read the buckets of scores that are histograms, by day.

    Parameters
    ----------
    reader : QueryReader
        Evaluates queries.
    roles : mapping of str to Role
        Roles of the profile by name.
    by : mapping of str to str
        Role -> labels that say what was scored, by commas.
    days : Days
        Days of the period in its time zone.
    warnings : list of str
        Gets a sentence on each score whose bounds changed: it is judged at the bounds that every day has.
    """
    span = TimeRange(days.edges[0].to_pydatetime(), days.edges[-1].to_pydatetime())
    tallies = []
    for name, role in roles.items():
        if role.kind != "histogram":
            continue
        labels = ", ".join(filter(None, (by[name], "le")))
        answer = reader.matrix(f"sum by ({labels}) (increase({role.part('_bucket')}[1d]))", span, DAY_MS)
        series: dict[str, dict[float, NDArray[np.float64]]] = {}
        title = role.title or name
        for row, values, present in zip(answer.labels, answer.values, answer.present, strict=True):
            own = ", ".join(f"{label} {row[label]}" for label in sorted(row) if label != "le") or "all"
            bound = math.inf if row["le"] in ("+Inf", "Inf") else float(row["le"])
            series.setdefault(own, {})[bound] = np.where(present & np.isfinite(values), values, np.nan)
        for own, buckets in series.items():
            bounds = np.array(sorted(buckets))
            upto = np.column_stack([buckets[bound] for bound in bounds])[: len(days.now)]
            upto, bounds = _common(upto, bounds, f"{title}, {own}", warnings)
            upto = np.maximum.accumulate(np.round(upto), axis=1)
            counts = np.diff(upto, axis=1, prepend=0.0)[:, None, :]
            tallies.append(buckets_tally(f"{title}, {own}", bounds, counts))
    return tallies


def _common(
    upto: NDArray[np.float64], bounds: NDArray[np.float64], name: str, warnings: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Keep the bounds that nearly all days with answers have, and the days that have all of these."""
    there = np.isfinite(upto)
    used = np.nan_to_num(upto).max(axis=1) > 0
    kept = there[used].mean(axis=0) >= MOST_DAYS if used.any() else np.isfinite(bounds)
    lacking = used & ~there[:, kept].all(axis=1)
    if lacking.any() or not kept.all():
        shown = ", ".join(f"{bound:g}" for bound in bounds[kept & np.isfinite(bounds)]) or "none"
        warnings.append(
            f"The buckets of {name} changed within {NOW_DAYS + REFERENCE_DAYS} days: its shape is compared at the "
            f"bounds {shown}, and {count_text(int(lacking.sum()))} of {count_text(int(used.sum()))} days are left out."
        )
    if not (kept & np.isfinite(bounds)).any():
        return np.zeros((len(upto), 1)), np.array([math.inf])
    return np.where(lacking[:, None], 0.0, np.nan_to_num(upto[:, kept])), bounds[kept]


def table_answers(ctx: Context, system: str, span: TimeRange, warnings: list[str]) -> dict[str, pd.DataFrame]:
    """Answers of a period by table of the settings that ``holds = "answers"``: ``time, score, series, segment``."""
    answers = {}
    for table in tables_of(ctx, system, "answers"):
        try:
            rows = recorded_answers(ctx, system=system, table=table, span=span) if table.records else table.read()
            warnings += rows.attrs.get("warnings", ()) if table.records else ()
            inside = rows["time"].notna() & (rows["time"] >= span.start) & (rows["time"] < span.end)
            if "system" in rows.columns:
                inside &= rows["system"].astype("str") == system
            own = rows[inside].reset_index(drop=True)
            scores = numbers(own["score"], "score")
        except WorkbenchError as error:
            warnings.append(f"{table.name}: {error.message}")
            continue
        lost = int(rows["time"].isna().sum())
        if lost:
            warnings.append(f"{table.name}: {lost:,} answers have no time and are left out.")
        frame = pd.DataFrame({"time": own["time"], "score": scores})
        # An answer whose model or segment is not given stays an answer: it has a name of its own.
        frame["series"] = "model " + _named(own["model"]) if "model" in own.columns else "all"
        frame["segment"] = _named(own["segment"]) if "segment" in own.columns else ""
        answers[table.name] = frame
        if frame.empty:
            warnings.append(f"{table.name}: no answer lies in the period or the 91 days before it.")
    return answers


def _named(names: pd.Series) -> pd.Series:
    return names.astype("str").fillna("").replace("", NONE)


def hours_of(answers: Mapping[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """Hourly means of tables of answers, as the scores of a profile have them."""
    frames = []
    for name, frame in answers.items():
        known = frame[np.isfinite(frame["score"])]
        hours = known["time"].dt.floor("h").dt.as_unit("ms").rename("time")
        means = known.groupby(["series", hours])["score"].agg(["mean", "size"]).reset_index()
        means = means.rename(columns={"mean": "value", "size": "samples"})
        frames.append(means.assign(role=f"{TABLE_ROLE}{name}", title=name, gauge=False))
    columns = [*KEYS, "time", "value", "samples", "gauge"]
    return [frame[columns].astype({"samples": "float64"}) for frame in frames if len(frame)]


def table_tallies(answers: Mapping[str, pd.DataFrame], days: Days) -> list[tuple[Tally, list[str]]]:
    """Count by day and segment each series of the tables of answers."""
    tallies = []
    edges = days.edges.asi8
    for name, frame in answers.items():
        for series, part in frame.groupby("series", sort=True):
            day = np.searchsorted(edges, part["time"].dt.as_unit("ms").astype("int64"), side="right") - 1
            inside = (day >= 0) & (day < len(days.now))
            if not inside.any():
                continue
            codes, segments = pd.factorize(part["segment"], sort=True)
            groups = np.where(inside, day * len(segments) + codes, -1)
            title = name if series == "all" else f"{name}, {series}"
            scores = part["score"].to_numpy(np.float64)
            tally = numbers_tally(title, scores, groups, units=len(days.now), segments=len(segments))
            tallies.append((tally, segments.tolist() if len(segments) > 1 else []))
    return tallies


def shape_changes(buckets: list[Tally], tables: list[tuple[Tally, list[str]]], days: Days) -> ColumnChanges:
    """Judge the shapes of all scores that have one."""
    frames = [days.judge([tally]) for tally in buckets]
    frames += [days.judge([tally], segments) for tally, segments in tables]
    if not frames:
        nothing = drift_of_columns([], np.array([False, True])).changes.frame
        return ColumnChanges(nothing, alpha=ALPHA, least=LEAST_MOVED, days=True)
    last = from_ms(int(days.edges.asi8[-1]))
    notes = (
        f"The last {NOW_DAYS} whole days against the {REFERENCE_DAYS} before, days of incidents left out. Days are the "
        "units of the tests; a verdict needs 14 days of reference and 3 of now.",
        f"Now ends at {last:%Y-%m-%d %H:%M} UTC.",
    )
    return ColumnChanges(pd.concat(frames, ignore_index=True), notes=notes, alpha=ALPHA, least=LEAST_MOVED, days=True)
