"""Why spend moved, and the classes of tokens, as tables of text."""

from __future__ import annotations

from workbench.analysis.cost.drivers import EFFECTS, SpendDrivers
from workbench.charts.tables import Sentence, Table
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, amount_text, ratio_text


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
