"""A month of capacity in the reader's words: hours, shares and figures, ready to be written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from billing.capacity_month import CapacityMonth, DeploymentMonth, ReservationMonth
from billing.rules.capacity import MINUTES_AN_HOUR
from portal import figures
from portal.figures import Figure, Reckoning, Used
from tenancy.money import EXACT, Basis, Money

_TENTH = Decimal("0.1")
_NO_RATE = "no exchange rate"


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """One deployment. ``dearer``: its tokens cost more than by use would."""

    of: DeploymentMonth
    hours: str
    covered: Used
    unpriced_hours: str
    hourly: Figure
    reserved: Figure
    at_list: str
    per_million: str
    by_use: Figure
    dearer: bool | None


@dataclass(frozen=True, slots=True)
class ReservationRow:
    of: ReservationMonth
    used_hours: str
    unused_hours: str
    utilisation: Used
    used: Figure
    unused: Figure


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything on the page of a month. The three totals add up as shown by their rows."""

    currency: str
    deployments: tuple[DeploymentRow, ...]
    reservations: tuple[ReservationRow, ...]
    hourly: Figure
    used: Figure
    unused: Figure
    unpriced_hours: str


def of(month: CapacityMonth, *, through: datetime | None) -> Shown:
    """The month as it is shown."""
    estimated = Reckoning(Basis.ESTIMATED, month.period, month.currency, through)
    amortized = Reckoning(Basis.AMORTIZED, month.period, month.currency, through)
    hourly = figures.column([one.hourly for one in month.deployments], estimated)
    shares = figures.column([one.covered_cost for one in month.deployments], amortized)
    used = figures.column([one.used for one in month.reservations], amortized, _NO_RATE)
    unused = figures.column([one.unused for one in month.reservations], amortized, _NO_RATE)
    unpriced = sum(one.unpriced_minutes for one in month.deployments)
    return Shown(
        currency=month.currency,
        deployments=tuple(
            _deployment(one, by_hour, share, estimated)
            for one, by_hour, share in zip(
                month.deployments, hourly.figures, shares.figures, strict=True
            )
        ),
        reservations=tuple(
            _reservation(one, took, left)
            for one, took, left in zip(
                month.reservations, used.figures, unused.figures, strict=True
            )
        ),
        hourly=hourly.total,
        used=used.total,
        unused=unused.total,
        unpriced_hours=hours(unpriced) if unpriced else "",
    )


def hours(unit_minutes: int) -> str:
    """Unit-minutes as unit-hours with one decimal: ``1,234.5``."""
    return f"{_divided(unit_minutes, MINUTES_AN_HOUR):,}"


def _deployment(
    one: DeploymentMonth, hourly: Figure, reserved: Figure, reckoning: Reckoning
) -> DeploymentRow:
    by_use = figures.one(one.compared.cost, reckoning, "not comparable")
    is_comparable = one.compared.cost is not None and not one.unpriced_minutes
    dearer = (
        one.cost.amount > one.compared.cost.amount
        if is_comparable and one.compared.cost is not None
        else None
    )
    return DeploymentRow(
        of=one,
        hours=hours(one.unit_minutes),
        covered=_share(one.covered_minutes, one.unit_minutes),
        unpriced_hours=hours(one.unpriced_minutes) if one.unpriced_minutes else "",
        hourly=hourly,
        reserved=reserved,
        at_list=_plain(one.list_cost),
        per_million=_plain(one.per_million),
        by_use=by_use,
        dearer=dearer,
    )


def _reservation(one: ReservationMonth, used: Figure, unused: Figure) -> ReservationRow:
    return ReservationRow(
        of=one,
        used_hours=hours(one.used_minutes),
        unused_hours=hours(one.unused_minutes),
        utilisation=_share(one.used_minutes, one.used_minutes + one.unused_minutes),
        used=used,
        unused=unused,
    )


def _share(part: int, whole: int) -> Used:
    return Used(_divided(part * 100, whole) if whole else None)


def _divided(number: int, by: int) -> Decimal:
    with localcontext(EXACT):
        return (Decimal(number) / by).quantize(_TENTH, rounding=ROUND_HALF_EVEN)


def _plain(amount: Money | None) -> str:
    return "–" if amount is None else f"{figures.plain(amount)} {amount.currency}"
