"""The figures of a worked example, reckoned from its given values alone, in exact fractions.

Nothing of the product is used: rates hour by hour, capacity minute by minute.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tests.flows.worked import Cell, Example, Row, instant

_UNITS = {"1K": 1_000, "1M": 1_000_000, "1 Hour": 1, "1/Hour": 1}
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) %")
_PRICE = re.compile(r"(\d+(?:\.\d+)?) USD per (.+)")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Charge:
    """What a quantity was charged by; ``since`` is the list price's start."""

    since: str
    unit: Fraction | None
    at_list: Fraction | None
    per: int
    sheet_since: str
    rate_since: str
    rate: Fraction

    @property
    def order(self) -> tuple[str, str, str]:
        return (self.since, self.sheet_since, self.rate_since)


def reckon(example: Example) -> dict[str, list[Row]]:
    """By table, what the example should show."""
    found: dict[str, list[Row]] = {}
    usage: Sequence[Row] = example.rows("usage")
    if example.rows("calls"):
        usage = found["usage"] = _counted(example)
    days = _days(example, usage, example.rows("sheets"))
    found["days"] = [row for _key, row in days]
    found["statement"] = _statement(example, days)
    if example.rows("later"):
        later = _days(example, usage, [*example.rows("sheets"), *example.rows("later")])
        found["adjustments"] = _adjustments(days, later)
    if example.rows("held"):
        found["capacity"], found["reserved"] = _capacity(example)
    return found


def local(example: Example, cell: Cell) -> str:
    """An instant on the tenant's clock."""
    return f"{instant(cell).astimezone(example.zone):%Y-%m-%d %H:%M}"


def to_places(exact: Fraction, places: int) -> Decimal:
    """Rounded to so many decimals."""
    return Decimal(round(exact * 10**places)).scaleb(-places)


def unit_price(row: Row) -> Fraction:
    """Of a listed price, per single unit of the meter."""
    return Fraction(_decimal(row["USD"])) / _UNITS[str(row["Unit"])]


def percent(value: Cell) -> Fraction:
    found = _PERCENT.fullmatch(str(value))
    if not found:
        raise ValueError(f"{value} is no percentage")
    return Fraction(found[1])


def exact_price(value: Cell) -> tuple[Decimal, str]:
    """A sheet's own price of a meter, and its unit."""
    found = _PRICE.fullmatch(str(value))
    if not found:
        raise ValueError(f"{value} is no price")
    return Decimal(found[1]), found[2]


def _counted(example: Example) -> list[Row]:
    """Calls as usage: disjoint classes, by hour and deployment."""
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    band = _decimal(example.rows("band")[0]["Longest short prompt"]) if example.rows("band") else 0
    for call in example.rows("calls"):
        prompt, cached = _decimal(call["Prompt"]), _decimal(call.get("Of it cached") or Decimal(0))
        prefix = "long_" if band and prompt > band else ""
        counts = {
            "input": prompt - cached,
            "cached_input": cached,
            "output": _decimal(call["Completion"]),
        }
        for token_class, count in counts.items():
            if count:
                key = (str(call["Hour"]), str(call["Deployment"]), prefix + token_class)
                sums[key] += int(count)
    return [
        {
            "Hour": hour,
            "Local time": local(example, hour),
            "Deployment": deployment,
            "Class": token_class,
            "Quantity": Decimal(count),
        }
        for (hour, deployment, token_class), count in sorted(sums.items())
    ]


def _days(
    example: Example, usage: Iterable[Row], sheets: Sequence[Row]
) -> list[tuple[Charge, Row]]:
    sums: dict[tuple[str, str, str, Charge], int] = defaultdict(int)
    for row in usage:
        day = local(example, row["Hour"])[:10]
        if day[:7] == example.tenant["Period"]:
            charge = _charge(example, row, sheets)
            key = (day, str(row["Deployment"]), str(row["Class"]), charge)
            sums[key] += int(_decimal(row["Quantity"]))
    order = sorted(sums, key=lambda key: (*key[:3], *key[3].order))
    return [(key[3], _day(*key, sums[key])) for key in order]


def _day(day: str, deployment: str, token_class: str, charge: Charge, quantity: int) -> Row:
    cost = quantity * (charge.unit or Fraction(0)) * charge.rate / charge.per
    at_list = None if charge.at_list is None else quantity * charge.at_list / charge.per
    return {
        "Local day": day,
        "Deployment": deployment,
        "Class": token_class,
        "Quantity": Decimal(quantity),
        "Unit price": None if charge.unit is None else to_places(charge.unit, 15),
        "Per": Decimal(charge.per),
        "Rate": to_places(charge.rate, 9),
        "List cost": None if at_list is None else to_places(at_list, 18),
        "Cost": to_places(cost, 18),
    }


def _charge(example: Example, used: Row, sheets: Sequence[Row]) -> Charge:
    (mapped,) = [
        row
        for row in example.rows("meters")
        if (row["Deployment"], row["Class"]) == (used["Deployment"], used["Class"])
    ]
    per = int(_decimal(mapped.get("Per") or Decimal(1)))
    if mapped["Meter"] is None:
        return Charge("", None, None, per, "", "", Fraction(1))
    at = instant(used["Hour"])
    listed = _in_force(
        [row for row in example.rows("prices") if row["Meter"] == mapped["Meter"]], at
    )
    rate_row = _in_force(example.rows("rates"), at) if example.currency != "USD" else None
    rate = Fraction(_decimal(rate_row["EUR for 1 USD"])) if rate_row else Fraction(1)
    agreed = [
        row
        for row in sheets
        if instant(row["From"]) <= at
        and row["Product"] in (None, listed["Product"])
        and row["Meter"] in (None, mapped["Meter"])
    ]
    return Charge(
        str(listed["From"]),
        _agreed(unit_price(listed), agreed),
        unit_price(listed),
        per,
        max((str(row["From"]) for row in agreed), default=""),
        str(rate_row["From"]) if rate_row else "",
        rate,
    )


def _in_force(rows: Iterable[Row], at: datetime) -> Row:
    return max(
        (row for row in rows if instant(row["From"]) <= at), key=lambda row: instant(row["From"])
    )


def _agreed(listed: Fraction, lines: Sequence[Row]) -> Fraction:
    """The price after the lines of sheets that a meter falls under; at most one of each kind."""
    by_kind = {str(row["Line"]): row["Value"] for row in lines}
    assert len(by_kind) == len(lines)
    found = listed
    if "exact" in by_kind:
        price, unit = exact_price(by_kind["exact"])
        found = Fraction(price) / _UNITS[unit]
    elif "discount" in by_kind:
        found = found * (100 - percent(by_kind["discount"])) / 100
    if "markup" in by_kind:
        found = found * (100 + percent(by_kind["markup"])) / 100
    return Fraction(to_places(found, 15))


def _statement(example: Example, days: Iterable[tuple[Charge, Row]]) -> list[Row]:
    lines: dict[tuple[str, str, str, Charge], list[Row]] = defaultdict(list)
    for charge, day in days:
        line = (str(day["Deployment"]), str(day["Class"]), charge.since, charge)
        lines[line].append(day)
    parts = [lines[key] for key in sorted(lines, key=lambda key: (*key[:3], *key[3].order))]
    exact = [_total(part, "Cost") for part in parts]
    amounts = _in_cents([one or Decimal(0) for one in exact])
    found = [
        {
            "Line": Decimal(number),
            **{
                name: part[0][name] for name in ("Deployment", "Class", "Unit price", "Per", "Rate")
            },
            "Quantity": _total(part, "Quantity"),
            "List cost": _total(part, "List cost"),
            "Exact cost": cost,
            "Amount": amount,
        }
        for number, (part, cost, amount) in enumerate(zip(parts, exact, amounts, strict=True), 1)
    ]
    sums = {name: _total(found, name) for name in ("List cost", "Exact cost", "Amount")}
    return [*found, {name: sums.get(name) for name in found[0]} | {"Line": "Total"}]


def _in_cents(exact: Sequence[Decimal]) -> list[Decimal]:
    """By the largest remainder: all rounded down, then a cent each to those that lost most."""
    cents = [Fraction(one) * 100 for one in exact]
    whole = round(sum(cents, Fraction(0)))
    parts = [int(one // 1) for one in cents]
    order = sorted(range(len(cents)), key=lambda place: (parts[place] - cents[place], place))
    for place in order[: whole - sum(parts)]:
        parts[place] += 1
    return [Decimal(part).scaleb(-2) for part in parts]


def _adjustments(
    before: Iterable[tuple[Charge, Row]], after: Iterable[tuple[Charge, Row]]
) -> list[Row]:
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for side, days in enumerate((before, after)):
        for _, day in days:
            held = sums.setdefault((str(day["Deployment"]), str(day["Class"])), [Decimal(0)] * 3)
            held[side] += _decimal(day["Cost"])
            held[2] += _decimal(day["Quantity"]) * side
    return [
        {
            "Deployment": deployment,
            "Class": token_class,
            "Quantity": quantity,
            "Cost as closed": closed,
            "Cost today": today,
            "Difference": today - closed,
        }
        for (deployment, token_class), (closed, today, quantity) in sorted(sums.items())
        if closed != today
    ]


def _capacity(example: Example) -> tuple[list[Row], list[Row]]:
    """Minute by minute: what was held, what of it was covered, what of the reservation unused."""
    (bought,) = example.rows("reservation")
    start, units = instant(example.rows("held")[0]["From"]), int(_decimal(bought["Units"]))
    steps = [
        ((instant(row["From"]) - start) // _MINUTE, int(_decimal(row["Units"])))
        for row in example.rows("held")
    ]
    begins, ends, until = (
        (instant(cell) - start) // _MINUTE
        for cell in (bought["From"], bought["Until"], example.tenant["Reckoned up to"])
    )
    if until > 7 * 24 * 60:
        raise ValueError(f"{until} minutes are too many to go through one by one")
    covered: dict[str, int] = defaultdict(int)
    beyond: dict[str, int] = defaultdict(int)
    unused: dict[str, int] = defaultdict(int)
    day = ""
    for minute in range(until):
        if minute % 60 == 0:
            day = str((start + minute * _MINUTE).astimezone(example.zone).date())
        held = [step for since, step in steps if since <= minute][-1]
        reserved = units if begins <= minute < ends else 0
        covered[day] += min(held, reserved)
        beyond[day] += held - min(held, reserved)
        unused[day] += reserved - min(held, reserved)
    hourly, reservation = _throughput_prices(example)
    capacity: list[Row] = []
    for day in sorted(covered):
        capacity += _capacity_day(day, "no", beyond[day], hourly, charged=hourly)
        capacity += _capacity_day(day, "yes", covered[day], hourly, charged=None)
    return capacity, _reserved(example, covered, unused, reservation)


def _throughput_prices(example: Example) -> tuple[Decimal, Decimal]:
    prices = {row["Term"]: _decimal(row["USD"]) for row in example.rows("prices")}
    return prices[None], prices[example.rows("reservation")[0]["Term"]]


def _capacity_day(
    day: str, covered: str, minutes: int, listed: Decimal, *, charged: Decimal | None
) -> list[Row]:
    if not minutes:
        return []
    return [
        {
            "Local day": day,
            "Covered": covered,
            "Unit-minutes": Decimal(minutes),
            "Unit price": charged,
            "List cost": to_places(minutes * Fraction(listed) / 60, 18),
            "Cost": to_places(minutes * Fraction(charged or 0) / 60, 18),
        }
    ]


def _reserved(
    example: Example, used: dict[str, int], unused: dict[str, int], price: Decimal
) -> list[Row]:
    """The reservation spread over its minutes: each day the difference of two running sums."""
    (bought,) = example.rows("reservation")
    start, end = instant(bought["From"]), instant(bought["Until"])
    units = int(_decimal(bought["Units"]))
    whole = Fraction(price) * units
    term, gone, found = (end - start) // _MINUTE * units, 0, list[Row]()
    for day in sorted(used):
        of_day = used[day] + unused[day]
        before = to_places(whole * gone / term, 18)
        gone += of_day
        cost = to_places(whole * gone / term, 18) - before
        first = to_places(Fraction(cost) * used[day] / of_day, 18)
        for user, minutes, share in (
            (example.rows("held")[0]["Deployment"], used[day], first),
            ("nobody", unused[day], cost - first),
        ):
            if minutes:
                found.append(
                    {
                        "Local day": day,
                        "Used by": user,
                        "Unit-minutes": Decimal(minutes),
                        "Cost": share,
                    }
                )
    return found


def _total(rows: Iterable[Row], column: str) -> Decimal | None:
    values = [row[column] for row in rows if row[column] is not None]
    return sum((_decimal(one) for one in values), Decimal(0)) if values else None


def _decimal(cell: Cell) -> Decimal:
    if not isinstance(cell, Decimal):
        raise TypeError(f"{cell} is no number")
    return cell
