"""``workbench cost``: spend and tokens, the numbers of the cost page and the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.question import Request, question

_TEXT = (
    "measure",
    "by",
    "group",
    "per",
    "window",
    "currency",
    "rates",
    "ends",
    "overrun",
    "invoice",
    "counter",
    "budget",
    "status",
    "day",
    "from",
    "to",
    "severity",
    "provider",
    "verdict",
    "token class",
    "also seen in",
    "effect",
    "most in",
    "model",
    "not priced because",
    "meaning",
)


@click.group()
def cost() -> None:
    """Spend and tokens by every label they are counted with, unit costs and budgets.

    \b
    Example:
      workbench cost status counterfactual-lab --period last-month
    """


@cost.command()
@click.option("--by", help="Only this label, e.g. model, provider, key, service, or day.")
@question
def status(
    request: Request,
    by: str | None,
) -> None:
    """Print totals, the groups of each label, what stands out, unit costs, budgets and invoices.

    \b
    Examples:
      workbench cost status counterfactual-lab
      workbench cost status counterfactual-lab --by service --period last-month
      workbench cost status counterfactual-lab --by day --format csv
    """
    from workbench.analysis.cost.finance.currency import ConvertedSpend
    from workbench.charts.cost import budget_tables, driver_tables, list_price_tables
    from workbench.charts.cost import tables as rows_of
    from workbench.core.errors import ParameterError
    from workbench.studies import spend_and_tokens

    study = request.answer(spend_and_tokens)
    results = study.results
    known = list(results["groups"].frame["dimension"].unique())
    if by not in (None, "day", *known) and known:
        raise ParameterError(
            f"{request.system} does not count by {by!r}.", hint=f"Labels: {', '.join([*known, 'day'])}."
        )
    groups = results["groups"].to_frame()
    parts = [rows_of.total_rows(results["totals"])]
    if by == "day":
        groups = results["days"].to_frame()
        parts.append(rows_of.day_rows(results["days"]))
    elif by:
        groups = groups[groups["dimension"] == by]
        parts.append(rows_of.group_rows(results["groups"], dimension=by))
    else:
        converted = results["converted"]
        if isinstance(converted, ConvertedSpend) and converted.currency:
            parts.append(budget_tables.converted_rows(converted))
        parts += [rows_of.group_rows(results["groups"]), driver_tables.class_rows(results["token_classes"])]
        parts += [list_price_tables.list_price_rows(results["list_prices"]), rows_of.jump_rows(results["jumps"])]
        parts += [rows_of.unit_rows(results["unit_costs"]), rows_of.budget_rows(results["budgets"])]
        parts += [budget_tables.plan_rows(results["budget_plans"]), rows_of.invoice_rows(results["invoices"])]
    request.show(
        study,
        *parts,
        csv=groups.to_dict(orient="records"),
        right=lambda name: name not in _TEXT,
        finding=f"compared with {rows_of.compared_with(results['totals'])}",
    )


@cost.command()
@click.option("--top", default=20, show_default=True, help="Items to list.")
@question
def why(
    request: Request,
    top: int,
) -> None:
    """Print why spend moved against the period before: volume, mix, tokens per request, price, new and retired items.

    The effects add up to the change exactly.

    \b
    Examples:
      workbench cost why conduit --month last-month
      workbench cost why conduit --last 7d --format json
    """
    from workbench.analysis.cost.drivers import SpendDrivers
    from workbench.charts.cost import driver_tables
    from workbench.studies import spend_and_tokens

    study = request.answer(spend_and_tokens)
    result = study.results["drivers"]
    if not isinstance(result, SpendDrivers):
        raise TypeError("the study has no drivers")
    alone = replace(study, results={"drivers": result})
    request.show(
        alone,
        driver_tables.driver_rows(result),
        driver_tables.driver_item_rows(result, top),
        csv=result.to_frame().to_dict(orient="records"),
        right=lambda name: name == "amount",
        finding=driver_tables.cause_sentences(result),
    )


@cost.command()
@question
def forecast(request: Request) -> None:
    """Print where the running month lands, with an 80 % interval, in all and by key, and budgets it would overrun.

    \b
    Examples:
      workbench cost forecast conduit
      workbench cost forecast conduit --month this-month --format json
    """
    from workbench.analysis.cost.landing import SpendForecast
    from workbench.charts.cost import driver_tables
    from workbench.studies import spend_and_tokens

    study = request.answer(spend_and_tokens)
    result = study.results["forecast"]
    if not isinstance(result, SpendForecast):
        raise TypeError("the study has no forecast")
    request.show(
        replace(study, results={"forecast": result}),
        driver_tables.forecast_rows(result),
        csv=result.to_frame().to_dict(orient="records"),
        right=lambda name: name not in ("of", "overrun", "basis"),
        finding=driver_tables.forecast_sentence(result),
    )


@cost.command()
@question
def windows(request: Request) -> None:
    """Print the last 24 hours, 7 and 30 days against the same before, and the running day against the same hours.

    \b
    Example:
      workbench cost windows conduit
    """
    from workbench.charts.cost import budget_tables
    from workbench.studies import spend_and_tokens

    study = request.answer(spend_and_tokens)
    result = study.results["windows"]
    request.show(
        replace(study, results={"windows": result}),
        budget_tables.window_rows(result),
        csv=result.to_frame().to_dict(orient="records"),
        right=lambda name: name not in budget_tables.BUDGET_TEXT,
        finding=budget_tables.WINDOWS_CAPTION,
    )


@cost.command()
@question
def budgets(request: Request) -> None:
    """Print the budgets of owners, teams, keys or the whole system, what is spent of each, and where it lands.

    Budgets stand in a table (holds = "budgets"): owner or another label, amount, currency, and a window: month, 24h,
    7d or 30d.

    \b
    Examples:
      workbench cost budgets conduit
      workbench cost budgets conduit --format csv
    """
    from workbench.charts.cost import budget_tables
    from workbench.studies import spend_and_tokens

    study = request.answer(spend_and_tokens)
    result = study.results["budget_plans"]
    request.show(
        replace(study, results={"budget_plans": result}),
        budget_tables.plan_rows(result),
        csv=result.to_frame().to_dict(orient="records"),
        right=lambda name: name not in budget_tables.BUDGET_TEXT,
        finding=budget_tables.plan_sentence(result),
    )


@cost.command()
@click.option(
    "--book",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Prices (as for cost price): splits charges by class of tokens and gives list prices.",
)
@click.option("--by", default="", help="Label that rows must have, e.g. key for a showback.")
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="File to write: .csv or .parquet.")
@question
def export(request: Request, book: Path | None, by: str, file: Path | None) -> None:
    """Export charges in the columns of FOCUS 1.2: a row a day, label set and class of tokens.

    The sum of BilledCost is the spend of the period to the last digit. Without --file, --format csv prints the rows.

    \b
    Examples:
      workbench cost export conduit --period last-month --file conduit-focus.csv
      workbench cost export conduit --period last-month --by key --format csv
      workbench cost export conduit --period last-month --book prices.json --file focus.parquet
    """
    from workbench.analysis.cost.focus import FocusExport
    from workbench.charts.cost.focus_tables import charge_rows
    from workbench.cli.shared.charges_file import write_charges
    from workbench.core.errors import ParameterError
    from workbench.studies import focus_charges
    from workbench.studies.cost.price_file import read_book

    study = request.answer(focus_charges, book=read_book(book) if book else None, by=by)
    charges = study.results["charges"]
    if not isinstance(charges, FocusExport):
        raise TypeError("the study has no charges")
    if file is not None and study.status == "ok":
        write_charges(charges.texts(), file, charges.frame.to_parquet)
        say(f"Wrote {len(charges.frame):,} rows to {file}.")
    request.show(study, charge_rows(charges), csv=charges.texts(), right=lambda name: name in ("billed", "rows"))
    if file is not None and study.status != "ok":
        raise ParameterError(f"{file} was not written: there are no charges.", hint="Choose a period with data.")


@cost.command("what-if")
@click.option(
    "--book",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Prices, as for cost price.",
)
@click.option("--replace", "replaced", multiple=True, help="MODEL=OTHER or MODEL=PROVIDER/OTHER; may be repeated.")
@click.option("--cached", help="Share of the input tokens read from the cache at best, e.g. 0.4.")
@click.option("--batch", help="Share of the requests sent as a batch, e.g. 0.3.")
@click.option(
    "--batch-factor", help="Cost of a batched request of one that is not, if the book does not say; e.g. 0.5."
)
@click.option(
    "--output", "output", default="0.8,1.25", show_default=True, help="Output of another model, least and most."
)
@question
def what_if(
    request: Request,
    book: Path,
    replaced: tuple[str, ...],
    cached: str | None,
    batch: str | None,
    batch_factor: str | None,
    output: str,
) -> None:
    """Print what the period would have cost with other models, more cache reads or batches, as a range.

    The system's own spend is scaled by list prices, so discounts are kept. Quality and latency are not in it: see
    quality compare.

    \b
    Examples:
      workbench cost what-if conduit --book prices.json --replace gpt-4o=gpt-4o-mini --period last-month
      workbench cost what-if conduit --book prices.json --cached 0.4 --batch 0.2 --batch-factor 0.5
    """
    from workbench.analysis.cost.what_if import Scenario, WhatIf
    from workbench.charts.cost.what_if_tables import WHAT_IF_TEXT, what_if_rows, what_if_sentence
    from workbench.cli.shared.shares import share
    from workbench.core.errors import ParameterError
    from workbench.studies import cost_what_if
    from workbench.studies.cost.price_file import read_book

    models = {}
    for text in replaced:
        model, sign, other = text.partition("=")
        if not (model and sign and other):
            raise ParameterError(f"{text!r} replaces nothing.", hint="Write MODEL=OTHER, e.g. gpt-4o=gpt-4o-mini.")
        models[model] = ("", other) if "/" not in other else (other.partition("/")[0], other.partition("/")[2])
    if not (models or cached or batch):
        raise ParameterError("Nothing is changed.", hint="Give --replace, --cached or --batch.")
    least, _, most = output.partition(",")
    scenario = Scenario(
        models,
        share(cached, "--cached") if cached else None,
        share(batch, "--batch") if batch else None,
        share(batch_factor, "--batch-factor") if batch_factor else None,
        (share(least, "--output", most=10), share(most or least, "--output", most=10)),
    )
    study = request.answer(cost_what_if, book=read_book(book), scenario=scenario)
    result = study.results.get("what_if")
    rows = what_if_rows(result) if isinstance(result, WhatIf) else []
    request.show(
        study,
        rows,
        csv=result.to_frame().to_dict(orient="records") if result is not None else [],
        right=lambda name: name not in WHAT_IF_TEXT,
        finding=what_if_sentence(result) if isinstance(result, WhatIf) else "",
    )


@cost.command()
@click.argument("provider")
@click.argument("model")
@click.argument("usage", nargs=-1, required=True)
@click.option(
    "--book",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Prices: data file of genai-prices, a gateway's catalogue (JSON), or a table (CSV).",
)
@click.option("--at", default="", help="When it was used, ISO 8601; now by default. Prices are those in force then.")
@click.option("--batch", is_flag=True, help="The request was sent as a batch.")
@format_option
@click.pass_obj
def price(
    state: Any, provider: str, model: str, usage: tuple[str, ...], book: Path, at: str, batch: bool, format_: str
) -> None:
    """Price the USAGE of one request of a MODEL, e.g. input_tokens=1000 cache_read_tokens=200 output_tokens=100.

    A whole holds its parts: input_tokens holds cache_read_tokens. A model without a price is an error and never free.

    \b
    Examples:
      workbench cost price openai gpt-4o input_tokens=1000 output_tokens=100 --book prices.json
      workbench cost price anthropic claude-sonnet-4-5 input_tokens=300000 --book prices.csv --at 2026-01-15
    """
    from decimal import Decimal, InvalidOperation

    from workbench.analysis.cost.prices.book import charge, unpriced_units
    from workbench.core.errors import ParameterError
    from workbench.core.timerange import parse_instant
    from workbench.core.units import instant_text
    from workbench.studies.cost.price_file import read_book

    counts = {}
    for text in usage:
        unit, _, count = text.partition("=")
        try:
            counts[unit] = Decimal(count)
        except InvalidOperation:
            raise ParameterError(f"{text!r} is no usage.", hint="Write unit=count, e.g. input_tokens=1000.") from None
    when = parse_instant(at) if at else state.context().clock()
    prices = read_book(book)
    price = prices.price(provider, model, when)
    if price is None:
        raise ParameterError(
            f"{book.name} has no price of {provider} {model} at {instant_text(when)}.",
            hint="Unknown is not free: check provider, model and date.",
        )
    cost = charge(counts, price, batch=batch)
    if unknown := unpriced_units(counts, price):
        raise ParameterError(
            f"{book.name} has no price of {', '.join(unknown)} of {provider} {model} at {instant_text(when)}.",
            hint=f"Unknown is not free: leave them out, or use a unit that has a price: {', '.join(price.rates)}.",
        )
    rows = [
        {"part": name, "amount": f"{getattr(cost, name):f} {price.currency}"}
        for name in ("input", "output", "other", "total")
    ]
    if format_ == "json":
        print_json({"rows": rows, "model": price.model, "source": price.source})
    elif format_ == "csv":
        print_csv(rows)
    else:
        print_table(rows, right=["amount"])
    say(f"{price.provider} {price.model}, prices of {price.source} in force on {instant_text(when)}")
    if wholes := sorted(set(counts) - set(price.rates)):
        say(f"Note: paid at the price of the unit that holds them: {', '.join(wholes)}.")
