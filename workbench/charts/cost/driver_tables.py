"""Why spend moved, where it lands, and the classes of tokens, as tables of text."""

from __future__ import annotations

import math

from workbench.analysis.cost.drivers import EFFECTS, SpendDrivers
from workbench.analysis.cost.landing import SpendForecast
from workbench.charts.tables import Sentence, Table
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, amount_text, day_text, part_text, ratio_text


def class_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a class of tokens: ``token class, amount, share, before``."""
    return [
        {
            "token class": str(row.token_class).replace("_", " "),
            "amount": amount_text(row.amount, "tokens"),
            "share": ratio_text(row.share, digits=1),
            "before": amount_text(row.before, "tokens"),
        }
        for row in result.frame.itertuples()
    ]


def classes_table(result: Result) -> Table | Sentence:
    """Table of :func:`class_rows` that renders itself."""
    if result.frame.empty:
        return Sentence("Classes of tokens are not measured.")
    caption = "The classes add up to all tokens: uncached input holds no cached tokens, visible output no reasoning."
    return Table(class_rows(result), caption=caption, left=("token class",))


def driver_rows(result: SpendDrivers) -> list[dict[str, str]]:
    """One row of text an effect: ``effect, amount, of, most in, what it is``, with both periods around them."""
    rows = []
    for moved in result.moved.itertuples():
        unit = str(moved.unit)
        rows.append(_driver_row("before", amount_text(moved.before, unit)))
        for step in result.steps(unit).itertuples():
            words = amount_text(step.amount, unit, signed=True)
            rows.append(_driver_row(step.effect.replace("_", " "), words, str(step.item), EFFECTS[step.effect]))
        rows.append(_driver_row("period", amount_text(moved.amount, unit)))
    return rows


def _driver_row(effect: str, amount: str, item: str = "", meaning: str = "") -> dict[str, str]:
    return {"effect": effect, "amount": amount, "most in": item or NO_VALUE, "meaning": meaning or NO_VALUE}


def driver_item_rows(result: SpendDrivers, top: int = 20) -> list[dict[str, str]]:
    """One row of text an item and effect, the largest first: ``item, effect, amount``."""
    frame = result.frame.assign(size=result.frame["amount"].map(abs)).sort_values("size", ascending=False)
    return [
        {
            "item": str(row.item) or NO_VALUE,
            "effect": str(row.effect).replace("_", " "),
            "amount": amount_text(row.amount, str(row.unit), signed=True),
        }
        for row in frame.head(top).itertuples()
    ]


def cause_sentences(result: SpendDrivers) -> str:
    """Say in a sentence a currency what moved spend most."""
    return " ".join(str(cause) for cause in result.moved["cause"])


def drivers_table(result: SpendDrivers) -> Table | Sentence:
    """Table of :func:`driver_rows` that renders itself."""
    if result.moved.empty:
        return Sentence(" ".join(result.notes) or "Why spend moved is not measured: there is no counter of money.")
    caption = f"{cause_sentences(result)} The effects add up to the change exactly."
    return Table(driver_rows(result), caption=caption, left=("effect", "most in", "meaning"))


def forecast_rows(result: SpendForecast) -> list[dict[str, str]]:
    """One row of text a forecast: ``of, so far, month end, 80 % interval, budget left, overrun, probability``."""
    return [
        {
            "of": part_text(str(row.dimension), str(row.group)),
            "so far": amount_text(row.so_far, str(row.unit)),
            "month end": _about(row.expected, str(row.unit)),
            "80 % interval": NO_VALUE
            if math.isnan(row.low)
            else f"{_about(row.low, '')} to {_about(row.high, str(row.unit))}",
            "budget left": _about(row.left, str(row.unit)),
            "overrun": day_text(row.overrun),
            "probability": ratio_text(row.probability, digits=0),
            "basis": str(row.verdict),
        }
        for row in result.frame.itertuples()
    ]


def _about(amount: float, unit: str) -> str:
    return NO_VALUE if math.isnan(amount) else f"{amount:,.2f} {unit}".strip()


def forecast_sentence(result: SpendForecast) -> str:
    """Say where the month lands, and which budgets it would overrun."""
    parts = []
    for row in result.frame[result.frame["dimension"] == "all"].itertuples():
        if row.verdict == "refused":
            parts.append(f"The month end in {row.unit} is not forecast: less than three days of history.")
            continue
        band = f"{_about(row.low, '')} to {_about(row.high, str(row.unit))}"
        parts.append(f"The month lands at {_about(row.expected, str(row.unit))} (80 %: {band}).")
    likely = result.frame[result.frame["probability"] >= 0.5]
    for row in likely.itertuples():
        when = f" on {day_text(row.overrun)}" if row.overrun else ""
        chance = ratio_text(row.probability, digits=0)
        parts.append(f"{part_text(row.dimension, row.group)} overruns its budget{when} (probability {chance}).")
    return " ".join(parts) or " ".join(result.notes) or "The month end is not forecast."


def forecast_table(result: SpendForecast) -> Table | Sentence:
    """Table of :func:`forecast_rows` that renders itself."""
    if result.frame.empty:
        return Sentence(forecast_sentence(result))
    return Table(forecast_rows(result), caption=forecast_sentence(result), left=("of", "basis"))
