"""Provisioned throughput as an alternative to paying by use: its size, its cost, its break-even.

Sizes come from Microsoft's documentation or from whoever asks; prices of PTUs from the list, by
the hour under the tenant's own terms, reserved as listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from fractions import Fraction

from billing.models import Meter
from billing.prices import capacity_meters
from billing.prices.stock import Stock
from billing.rules import capacity, estimating, offers, ptu_throughput
from billing.rules.estimating import WIDE, BreakEven, Load, Peak
from billing.rules.meters.meanings import Scope, Vendor
from billing.rules.meters.reading import Reading
from billing.rules.ptu_throughput import Capacity

NOT_LISTED = "not in the price list"
_SEVERAL = "listed at several prices"
_NOT_CONVERTED = "no exchange rate"
_STATED = f"Microsoft's documentation, {ptu_throughput.AS_OF:%-d %B %Y}"


@dataclass(frozen=True, slots=True)
class Given:
    """Figures that somebody states in place of Microsoft's; None: as Microsoft has it."""

    input_tpm: Decimal | None = None
    output_weight: Decimal | None = None
    minimum: int | None = None
    increment: int | None = None


@dataclass(frozen=True, slots=True)
class Meters:
    """What PTUs are bought by: the hour, and reservations."""

    hourly: tuple[Meter, ...]
    reserved: tuple[Meter, ...]


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What a PTU costs: by the hour (``term`` None), or for the whole term of a reservation.

    ``amount`` None: it is not known, and ``absent`` says why.
    """

    term: capacity.Term | None
    amount: Decimal | None = None
    azure_id: str = ""
    meter_name: str = ""
    region: str = ""
    since: datetime | None = None
    sheet: str = ""
    absent: str = ""

    @property
    def label(self) -> str:
        """How it is paid, in a few words."""
        return "by the hour" if self.term is None else f"reserved for {self.term.label}"

    @property
    def per(self) -> str:
        """What one amount pays for."""
        return "hour" if self.term is None else self.term.label.removeprefix("1 ")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model and the load it is to serve; ``call_cost`` is what a call costs by use."""

    model: str
    scope: Scope
    load: Load
    peak: Peak
    given: Given
    call_cost: Decimal


@dataclass(frozen=True, slots=True)
class Way:
    """One way to pay for PTUs: the cost of each month, and from which calls on it pays.

    ``per_month`` is what a PTU costs in the first month. ``units`` are those of each month;
    months without a price are empty.
    """

    price: UnitPrice
    units: tuple[int, ...]
    per_month: Decimal | None
    months: tuple[Decimal, ...]
    break_even: BreakEven | None

    @property
    def whole(self) -> Decimal | None:
        """All months."""
        with localcontext(WIDE):
            return sum(self.months, Decimal(0)) if self.months else None


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What PTUs for a load would cost; ``missing`` says why it cannot be told, else empty.

    ``each`` is the PTUs that one call a month needs, ``stated`` where the figures come from.
    """

    capacity: Capacity | None = None
    each: Fraction = Fraction(0)
    stated: str = ""
    missing: str = ""
    ways: tuple[Way, ...] = ()


def meters(scope: Scope, vendor: Vendor, readings: Sequence[tuple[Meter, Reading]]) -> Meters:
    """The meters of a region by which PTUs for a vendor's models are paid.

    Azure sells most reservations under the id of the hourly meter, others under one of their own.
    """
    hourly = offers.hourly_units(scope, vendor, readings)
    return Meters(hourly, (*hourly, *offers.reserved_units(scope, vendor, readings)))


def priced(found: Meters, stock: Stock, *, currency: str) -> tuple[UnitPrice, ...]:
    """What a PTU costs by the hour and reserved, each known or said to be absent."""
    return (
        _by_the_hour(found.hourly, stock, currency),
        *(_reserved(term, found.reserved, stock, currency) for term in capacity.Term),
    )


def provisioned(wanted: Wanted, prices: Sequence[UnitPrice]) -> Provisioned:
    """The size for a load and what it costs in each way that is offered."""
    held = _capacity(wanted)
    if isinstance(held, str):
        return Provisioned(missing=held)
    each = estimating.units_per_call(wanted.load, wanted.peak, held)
    by_month = estimating.units_by_month(wanted.load, each, held)
    return Provisioned(
        capacity=held,
        each=each,
        stated=_STATED if wanted.given == Given() else f"{_STATED}, replaced where you state it",
        ways=tuple(_way(wanted, price, by_month, each, held) for price in prices),
    )


def _capacity(wanted: Wanted) -> Capacity | str:
    """How the model uses PTUs, or what is missing to tell."""
    longest = ptu_throughput.LONGEST_PROMPT.get(wanted.model)
    if longest is not None and wanted.load.prompt > longest:
        return (
            f"Provisioned deployments of {wanted.model} serve prompts of up to {longest:,} tokens."
        )
    known = ptu_throughput.of(wanted.model, wanted.scope)
    given = wanted.given
    figures = {
        "input TPM per PTU": given.input_tpm or (known and known.input_tpm),
        "output weight": given.output_weight or (known and known.output_weight),
        "minimum": given.minimum or (known and known.minimum),
        "increment": given.increment or (known and known.increment),
    }
    missing = [name for name, figure in figures.items() if not figure]
    if missing:
        return (
            f"Microsoft states no throughput per PTU for {wanted.model} in a {wanted.scope}"
            f" deployment. Give its {', '.join(missing)} to compare."
        )
    tpm, weight, minimum, increment = figures.values()
    return Capacity(Decimal(tpm or 0), Decimal(weight or 0), int(minimum or 0), int(increment or 0))


def _way(
    wanted: Wanted, price: UnitPrice, by_month: tuple[int, ...], each: Fraction, held: Capacity
) -> Way:
    units = estimating.units_by_year(by_month) if price.term is capacity.Term.YEAR else by_month
    if price.amount is None:
        return Way(price, units, None, (), None)
    with localcontext(WIDE):
        unit_costs = [
            price.amount * hours if price.term is None else price.amount / price.term.months
            for hours in wanted.load.hours_by_month
        ]
        months = tuple(count * cost for count, cost in zip(units, unit_costs, strict=True))
    return Way(
        price,
        units,
        unit_costs[0],
        months,
        estimating.break_even(
            call_cost=wanted.call_cost, unit_cost=unit_costs[0], each=each, capacity=held
        ),
    )


def _by_the_hour(meters: Sequence[Meter], stock: Stock, currency: str) -> UnitPrice:
    found = stock.priced(meters)
    if not found:
        return UnitPrice(None, absent=NOT_LISTED)
    if len({(term.unit_price, term.currency) for _, term in found}) > 1:
        return UnitPrice(None, absent=_SEVERAL)
    meter, term = found[0]
    amount = stock.convert(term.unit_price, str(term.currency), currency)
    return _unit_price(None, meter, amount, since=term.starts, sheet=stock.sheet(term))


def _reserved(
    term: capacity.Term, meters: Sequence[Meter], stock: Stock, currency: str
) -> UnitPrice:
    """The list's price of a reservation; negotiated ones are not known to the price sheets."""
    found = capacity_meters.reservation_prices(meters, term, at=stock.at)
    if not found:
        return UnitPrice(term, absent=NOT_LISTED)
    if len({price.listed_price for price in found}) > 1:
        return UnitPrice(term, absent=_SEVERAL)
    newest = found[0]
    amount = stock.convert(newest.listed_price, newest.currency, currency)
    return _unit_price(term, newest.meter, amount, since=newest.effective_from)


def _unit_price(
    term: capacity.Term | None,
    meter: Meter,
    amount: Decimal | None,
    *,
    since: datetime,
    sheet: str = "",
) -> UnitPrice:
    return UnitPrice(
        term=term,
        amount=amount,
        azure_id=meter.azure_id,
        meter_name=meter.meter_name,
        region=meter.region,
        since=since,
        sheet=sheet,
        absent="" if amount is not None else _NOT_CONVERTED,
    )
