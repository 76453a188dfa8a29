"""Choosing prices: what 500 meters cost over time, without price sheets and with long ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from benchmarks import price_list
from benchmarks.month import BY, END, START
from benchmarks.price_list import Listed
from benchmarks.timing import TURNS, Measure, Side, in_turns, same, timed
from billing import price_terms
from billing.models import Meter, SheetLine
from billing.price_terms import Term
from billing.prices import sheets
from billing.rules.sheet_lines import MOST_LINES, AgreedLine, Kind
from billing.rules.units import units_in
from tenancy import scope, tenants
from tenancy.scope import TenantRef

MAPPED, FILTERS = 500, 200


def measures(listed: Sequence[Listed]) -> list[Measure]:
    """The same meters for a tenant with sheets and for one without, in turns."""
    exact = [*listed[: MAPPED // 2], *listed[MAPPED : MAPPED // 2 + MOST_LINES]]
    plain, agreed = _tenant("plain"), _tenant("agreed")
    ids = dict(
        Meter.objects.filter(azure_id__in=[one.meter_id for one in listed[:MAPPED]]).values_list(
            "azure_id", "id"
        )
    )
    applied = timed(lambda: _apply(agreed, "Prices", _exact_lines(exact)))
    _apply(agreed, "Discounts", _filter_lines())
    _check(plain, agreed, ids, exact)
    without, with_sheets = in_turns(
        Side("terms, no sheet", lambda: _stage(plain, ids.values())),
        Side("terms, long sheets", lambda: _stage(agreed, ids.values())),
        turns=4 * TURNS,
    )
    name = f"prices of {len(ids)} meters, with sheets"
    return [
        Measure(name, len(ids), with_sheets, without, "no sheet"),
        Measure("sheet: apply exact prices", len(exact), applied),
    ]


def _tenant(slug: str) -> TenantRef:
    return tenants.create(slug, name=slug.title(), currency="USD", zone="Europe/Berlin")


def _apply(ref: TenantRef, name: str, lines: tuple[AgreedLine, ...]) -> None:
    with scope.of(ref):
        sheets.apply(sheets.Wanted(name, "a benchmark", START, None, lines), by=BY, at=END)


def _exact_lines(listed: Sequence[Listed]) -> tuple[AgreedLine, ...]:
    return tuple(
        AgreedLine(
            row,
            Kind.EXACT,
            one.meter_id,
            price=_agreed(one),
            unit_of_measure=one.unit,
            currency="USD",
        )
        for row, one in enumerate(listed, 1)
    )


def _filter_lines() -> tuple[AgreedLine, ...]:
    """Half are discounts and half markups; some of each name a product, a meter and a region."""
    return tuple(
        AgreedLine(
            row,
            Kind.DISCOUNT if row % 2 else Kind.MARKUP,
            product_filter=("", "Azure OpenAI*", "*GPT5")[row % 3],
            meter_filter=("*mini*", "5.4*", "*Gl 1M Tokens", "*inp*")[row % 4],
            region=price_list.region(row % 7) if row % 5 else "",
            percent=Decimal(row) / 10,
        )
        for row in range(1, FILTERS + 1)
    )


def _stage(ref: TenantRef, meters: Iterable[int]) -> float:
    with scope.of(ref):
        return timed(lambda: price_terms.stage(meters))


def _check(
    plain: TenantRef, agreed: TenantRef, ids: Mapping[str, int], exact: Sequence[Listed]
) -> None:
    """Each meter costs what its line and its markup say; its list price is the other tenant's."""
    with scope.of(plain):
        before = price_terms.at(ids.values(), END)
    with scope.of(agreed):
        after = price_terms.at(ids.values(), END)
        rows = SheetLine.objects.exclude(percent=None).values_list("id", "percent")
        percents = {key: percent or Decimal(0) for key, percent in rows}
    same(
        "list prices", _listed(after, before), {key: before[key].list_unit_price for key in before}
    )
    own = [one for one in exact if one.meter_id in ids]
    same("exact prices that count", len(own), min(MAPPED // 2, len(exact)))
    for one in own:
        term = after[ids[one.meter_id]]
        markup = percents[term.markup_line_id] if term.markup_line_id else Decimal(0)
        price = _agreed(one) / (units_in(one.unit) or 1) * (100 + markup) / 100
        same(one.name, term.unit_price, round(price, 15))


def _listed(terms: Mapping[int, Term], wanted: Iterable[int]) -> dict[int, Decimal | None]:
    return {key: terms[key].list_unit_price for key in wanted}


def _agreed(one: Listed) -> Decimal:
    return one.price * 9 / 10
