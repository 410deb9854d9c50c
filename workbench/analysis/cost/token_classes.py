"""Classes of tokens: which counter counts a part of which, so that no token is added twice.

Input holds uncached input, cache reads and cache writes; output holds visible output and reasoning. OpenAI, Google,
LiteLLM and the OpenTelemetry conventions count the parts inside their whole, Anthropic counts cache reads and writes
beside it. A profile says which (``inside``, ``view_of``, ``token_class``, ``classes``); where it does not, names and
amounts do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pandas as pd

from workbench.analysis.cost.ledger import Account, Periods, inside
from workbench.analysis.cost.sums import Sums
from workbench.analysis.counting.amounts import summed
from workbench.core.money import total
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: ``(pattern, class)`` over the words of a counter or label value; the first that fits wins.
_WORDS: tuple[tuple[str, str], ...] = (
    (r"uncached|non_?cached|fresh_input", "uncached_input"),
    (r"cache.*(creat|writ).*1h", "cache_write_1h"),
    (r"cache.*(creat|writ)", "cache_write"),
    (r"cache", "cache_read"),
    (r"reason|think|thought", "reasoning"),
    (r"audio.*(output|completion)|(output|completion).*audio", "audio_output"),
    (r"audio", "audio_input"),
    (r"image.*(output|completion)|(output|completion).*image", "image_output"),
    (r"image", "image_input"),
    (r"visible", "visible_output"),
    (r"(^|_)(input|prompt|in)(_|$)", "input"),
    (r"(^|_)(output|completion|candidates|generated|generation|out)(_|$)", "output"),
    (r"^(total|all|sum)(_tokens?)?$|(^|_)total_tokens?(_|$)", "total"),
)

#: What a profile says of a value that is inside no other.
APART = "apart"

#: Class -> the class that holds it, where a source counts parts inside their whole.
PARENT = {
    "cache_read": "input",
    "cache_write": "input",
    "cache_write_1h": "input",
    "audio_input": "input",
    "image_input": "input",
    "uncached_input": "input",
    "reasoning": "output",
    "visible_output": "output",
    "audio_output": "output",
    "image_output": "output",
}

#: What is left of a whole once its parts are taken out.
REST = {"input": "uncached_input", "output": "visible_output"}

#: Order of the classes on every surface.
CLASSES = (
    "uncached_input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "audio_input",
    "image_input",
    "visible_output",
    "reasoning",
    "audio_output",
    "image_output",
    "other",
)


@dataclass(frozen=True, eq=False, repr=False)
class TokenClasses(Result):
    """Tokens of each class; the classes add up to the total exactly. One row a class.

    Columns of ``frame``:

    ============= =======================================================================================
    token_class   uncached_input, cache_read, cache_write, visible_output, reasoning, ... (str)
    amount        None where nothing of the period was observed (Decimal) [tokens]
    share         amount / sum of all classes [ratio]
    before        amount of the period compared with (Decimal) [tokens]
    ============= =======================================================================================
    """

    period: TimeRange
    before: TimeRange


def class_of(text: str) -> str:
    """Return the class of tokens that a name or a label value seems to say; empty when it says none.

    Parameters
    ----------
    text : str
        Variant of a role, family or label value, e.g. ``proxy-cached-tokens-metric-total``, ``cacheRead``.

    Examples
    --------
    >>> [class_of(text) for text in ("prompt", "proxy-cached-tokens-metric-total", "thoughts", "cacheCreation", "x")]
    ['input', 'cache_read', 'reasoning', 'cache_write', '']
    >>> class_of("proxy_total_tokens_metric_total"), class_of("llm_tokens_total")
    ('total', '')
    """
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)
    words = re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_")
    return next((name for pattern, name in _WORDS if re.search(pattern, words)), "")


def settled_classes(
    ledger: pd.DataFrame, seen: pd.DataFrame, accounts: Sequence[Account]
) -> tuple[pd.DataFrame, pd.DataFrame, list[Account], list[str]]:
    """Settle which counters of tokens are parts or sums of others, so that each token is added once.

    Parameters
    ----------
    ledger, seen : DataFrame
        See :mod:`workbench.analysis.cost.ledger`. [unit of the account]
    accounts : sequence of Account
        As the profile has them; ``inside``, ``view_of`` and ``token_class`` of the profile are never overruled.

    Returns
    -------
    ledger, seen : DataFrame
        Values of a ``token_class`` label that are parts have a role of their own, ``tokens.~cached``.
    accounts : list of Account
        Every account of tokens with its class; parts and sums are ``inside`` or ``view_of`` another.
    notes : list of str
        What was read from names or amounts because the profile does not say it.

    Notes
    -----
    Where nothing says whether parts are inside their whole: with a counter of the total, the reading that adds up to it
    counts; else parts larger than their whole, or Anthropic's own words (cache *creation*), prove that they stand
    beside it; else they are inside.
    """
    notes: list[str] = []
    settled: list[Account] = []
    for account in accounts:
        if account.measure != "tokens":
            settled.append(account)
        elif "token_class" in account.dimensions:
            ledger, seen, parts = _by_value(ledger, seen, account, notes)
            settled += parts
        else:
            settled.append(replace(account, token_class=account.token_class or class_of(_name(account))))
    return ledger, seen, _by_role(ledger, settled, notes), notes


def token_usage(ledger: pd.DataFrame, accounts: Sequence[Account]) -> tuple[pd.DataFrame, list[str]]:
    """Tokens by class, without overlap: of each whole, its parts are taken out.

    Parameters
    ----------
    ledger : DataFrame
        As :func:`settled_classes` returns it. [tokens]
    accounts : sequence of Account
        Measures of money and tokens of the profile.

    Returns
    -------
    usage : DataFrame
        The dimensions that all counters of tokens share, ``token_class``, ``start``, ``end``, ``amount`` (Decimal).
        [tokens]
    notes : list of str
        Parts larger than their whole: an error of the data, never cut to zero.
    """
    tokens = [account for account in accounts if account.measure == "tokens" and (account.added or account.inside)]
    if not tokens:
        return pd.DataFrame(columns=["token_class", "start", "end", "amount"]), []
    shared = [
        name
        for name in tokens[0].dimensions
        if name != "token_class" and all(name in token.dimensions for token in tokens)
    ]
    keys = [*shared, "start", "end"]
    rows: list[pd.DataFrame] = []
    for token in tokens:
        part = ledger[ledger["role"] == token.role]
        if part.empty:
            continue
        named = pd.Series(token.token_class or "other", part.index, dtype="str")
        if "token_class" in token.dimensions and not token.inside:
            values = part["token_class"].astype("str")
            named = values.map({value: class_of(value) or "other" for value in values.unique()})
        rows.append(part[[*keys, "amount"]].assign(token_class=named.replace(REST)))
        if token.inside:
            whole = next((other for other in tokens if other.role == token.inside), None)
            above = REST.get(PARENT.get(token.token_class, ""), "other")
            if whole is not None and "token_class" not in whole.dimensions:
                above = REST.get(whole.token_class, whole.token_class or "other")
            rows.append(part[keys].assign(token_class=above, amount=[-amount for amount in part["amount"]]))
    if not rows:
        return pd.DataFrame(columns=[*keys, "token_class", "amount"]), []
    usage = summed(pd.concat(rows, ignore_index=True), [*keys, "token_class"])
    negative = usage[usage["amount"] < Decimal(0)]
    notes = []
    if len(negative):
        lost = total(-amount for amount in negative["amount"])
        notes.append(
            f"Tokens: parts (cached, reasoning) are larger than their whole in {len(negative):,} of {len(usage):,} "
            f"amounts, by {lost:,.0f} tokens in all. Either the counters disagree or the parts are counted beside the "
            "whole: set inside or token_class in the profile."
        )
    return usage, notes


def token_classes(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    *,
    sums: Sums | None = None,
) -> TokenClasses:
    """Add up the tokens of each class over a period and the one before."""
    sums = sums or Sums(ledger, seen, accounts)
    usage, notes = token_usage(ledger, accounts)
    tokens = [account.role for account in accounts if account.measure == "tokens" and account.added]
    known = [sums.known(tokens, span) is not None for span in (periods.now, periods.before)]
    counts = []
    for span, watched in zip((periods.now, periods.before), known, strict=True):
        totals = summed(inside(usage, span), ["token_class"]) if watched and len(usage) else None
        counts.append({} if totals is None else dict(zip(totals["token_class"], totals["amount"], strict=True)))
    names = [name for name in CLASSES if any(name in amounts for amounts in counts)]
    whole = total(counts[0].values()) if counts[0] else None
    rows = [
        {
            "token_class": name,
            "amount": counts[0].get(name, Decimal(0)) if known[0] else None,
            "share": float(counts[0].get(name, Decimal(0)) / whole) if whole else float("nan"),
            "before": counts[1].get(name, Decimal(0)) if known[1] else None,
        }
        for name in names
    ]
    frame = pd.DataFrame(rows, columns=["token_class", "amount", "share", "before"])
    return TokenClasses(frame, period=periods.now, before=periods.before, notes=tuple(notes))


def _name(account: Account) -> str:
    return f"{account.role.partition('.')[2]} {account.family}"


def _by_value(
    ledger: pd.DataFrame, seen: pd.DataFrame, account: Account, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[Account]]:
    """Give the label values of a counter that are parts or sums of other values a role of their own."""
    mine = ledger["role"] == account.role
    values = ledger.loc[mine, "token_class"].astype("str")
    classes = {value: class_of(value) for value in values.unique() if value}
    stated = dict(account.parts)
    holders = {value: holder for value, holder in stated.items() if holder != APART}
    if not account.stated:
        held = {name: value for value, name in classes.items() if name in ("input", "output")}
        parts = {
            value: held[PARENT[name]]
            for value, name in classes.items()
            if PARENT.get(name) in held and value not in stated
        }
        sums = [value for value, name in classes.items() if name == "total" and value not in stated]
        if len(sums) == 1 and len(classes) > 1:
            holders[sums[0]] = ""
        if parts:
            amounts = _amounts(ledger[mine], "token_class")
            whole = amounts.get(sums[0]) if sums else None
            if _parts_inside(ledger[mine], parts, held.values(), amounts, whole, notes, account):
                holders |= parts
    accounts = [replace(account, parts=())]
    roles = {value: f"{account.role}.~{value}" for value in holders if value in classes}
    for value, role in roles.items():
        seen = pd.concat([seen, seen[seen["role"] == account.role].assign(role=role)], ignore_index=True)
        made = replace(account, role=role, title=f"{account.title}: {value}", parts=(), token_class=classes[value])
        accounts.append(replace(made, inside=account.role) if holders[value] else replace(made, view_of=account.role))
    if roles:
        named = ledger["role"].astype("str").where(~mine, values.map(roles).fillna(account.role))
        ledger = ledger.assign(role=named.astype("category"))
    return ledger, seen, accounts


def _parts_inside(
    rows: pd.DataFrame,
    parts: dict[str, str],
    wholes: Collection[str],
    amounts: dict[str, Decimal],
    stated: Decimal | None,
    notes: list[str],
    account: Account,
) -> bool:
    """Whether parts are counted inside their whole, from the amounts and words of one counter."""
    whole = total(amounts.get(value, Decimal(0)) for value in wholes)
    within = total(amounts.get(value, Decimal(0)) for value in parts)
    if stated:
        return bool(abs(stated - whole) <= abs(stated - whole - within))
    names = ", ".join(sorted(parts))
    if any("creat" in value.lower() for value in parts) or _exceeds(rows, parts):
        notes.append(
            f"{account.title}: {names} are counted beside {', '.join(sorted(set(parts.values())))}, and are added."
        )
        return False
    notes.append(
        f"{account.title}: {names} are taken as counted inside {', '.join(sorted(set(parts.values())))}, and are not "
        "added; set inside in the profile to say otherwise."
    )
    return True


def _exceeds(rows: pd.DataFrame, parts: dict[str, str]) -> bool:
    """Whether parts are larger than their whole somewhere."""
    others = [name for name in rows.columns if name not in ("role", "token_class", "end", "amount")]
    plain = rows.assign(amount=rows["amount"].astype(float), token_class=rows["token_class"].astype("str"))
    table = plain.pivot_table(
        index=others, columns="token_class", values="amount", aggfunc="sum", fill_value=0.0, observed=True
    )
    for whole in set(parts.values()):
        held = [value for value, holder in parts.items() if holder == whole and value in table]
        if whole in table and (table[held].sum(axis=1) > table[whole] + 0.5).any():
            return True
    return False


def _by_role(ledger: pd.DataFrame, accounts: list[Account], notes: list[str]) -> list[Account]:
    """Find parts and sums among the counters of tokens whose profile says neither."""
    plain = [
        account
        for account in accounts
        if account.measure == "tokens" and account.added and "token_class" not in account.dimensions
    ]
    open_ = {account.role: account for account in plain if not account.stated}
    wholes = {account.token_class: account.role for account in plain if account.token_class in ("input", "output")}
    sums = [counter for counter in open_.values() if counter.token_class in ("total",)]
    parts = {
        counter.role: wholes[PARENT[counter.token_class]]
        for counter in open_.values()
        if PARENT.get(counter.token_class) in wholes
    }
    changed: dict[str, Account] = {
        account.role: replace(account, view_with=(wholes["output"],))
        for account in accounts
        if account.token_class in ("total",) and account.view_of == wholes.get("input", "-") and "output" in wholes
    }
    amounts = _amounts(ledger, "role") if sums or parts else {}
    if sums and len(wholes) == 2:
        roles = tuple(wholes.values())
        changed |= {account.role: replace(account, view_of=roles[0], view_with=roles[1:]) for account in sums}
        notes += [
            f"{account.title} is the sum of input and output tokens by its name, and is not added." for account in sums
        ]
    if parts:
        whole = replace(open_[next(iter(parts))], title="Tokens")
        stated = amounts.get(sums[0].role) if sums else None
        rows = ledger[ledger["role"].isin([*parts, *parts.values()])]
        rows = rows.assign(token_class=rows["role"])
        if _parts_inside(rows, parts, wholes.values(), amounts, stated, notes, whole):
            changed |= {role: replace(open_[role], inside=holder) for role, holder in parts.items()}
    return [changed.get(account.role, account) for account in accounts]


def _amounts(rows: pd.DataFrame, by: str) -> dict[str, Decimal]:
    sums = summed(rows, [by])
    return {str(name): amount for name, amount in zip(sums[by], sums["amount"], strict=True)}
