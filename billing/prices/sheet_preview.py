"""What a sheet would do to the prices of the meters in use, beside what they are on the list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from billing import price_terms
from billing.models import Meter
from billing.price_terms import Term
from billing.rules.sheet_lines import plain
from billing.rules.units import units_in
from tenancy import scope

#: How many meters are told one by one.
MOST = 50


def says(change: Callable[[], object], *, at: datetime) -> list[str]:
    """A line for each mapped meter whose price at an instant the change makes another.

    Nothing of the change stays.
    """
    with scope.rehearsed():
        before = price_terms.at(None, at)
        change()
        after = price_terms.at(None, at)
    unlike = [
        meter
        for meter in before.keys() | after.keys()
        if _price(before.get(meter)) != _price(after.get(meter))
    ]
    meters = sorted(Meter.objects.in_bulk(unlike).values(), key=lambda one: (str(one), one.pk))
    told = [_line(one, before.get(one.pk), after.get(one.pk)) for one in meters[:MOST]]
    if len(meters) > MOST:
        told.append(f"… and {len(meters) - MOST:,} meters more.")
    return told or [f"No meter in use has another price at {at:%Y-%m-%d %H:%M} UTC."]


def _price(term: Term | None) -> tuple[Decimal | None, str | None]:
    return (term.unit_price, term.currency) if term else (None, None)


def _line(meter: Meter, before: Term | None, after: Term | None) -> str:
    measure = meter.unit_of_measure
    listed = term.list_unit_price if (term := after or before) else None
    at_list = _said(listed, price_terms.LIST_CURRENCY, measure)
    was, becomes = (_said(*_price(term), measure) for term in (before, after))
    return f"{meter}: {was} → {becomes} per {measure}; list {at_list}"


def _said(unit_price: Decimal | None, currency: str | None, measure: str) -> str:
    if unit_price is None:
        return "no price"
    return f"{plain(unit_price * (units_in(measure) or 1))} {currency}"
