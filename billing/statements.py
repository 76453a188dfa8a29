"""Statements: what a team is shown for a billing period.

While a period is open its statement is a draft, computed from the rated days by `statement.sql`.
Each line names its quantity, unit price and basis; the total is exactly the sum of the lines.
Amounts are rounded once, here, by the largest remainder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import cast

from billing import moves, quality, rollups
from billing.moves import Move
from inventory.models import Gateway, Team
from tenancy import joins, money, scope, tenants
from tenancy.money import Basis, Money
from tenancy.periods import Period

_LINES = Path(__file__).with_name("statement.sql").read_text()


class Status(StrEnum):
    """A draft still changes. Issued ones will not."""

    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Line:
    """One price of one token class of one deployment of one subscription.

    ``cost_center`` is the one in force on the days of the line: the team's own, or another.
    ``unit_price`` is for ``units_per_price`` of the quantity's units, in ``price_currency``: the
    list's price, or what ``sheet`` and ``markup`` (percent on top) made of it, the last of which
    began at ``holds_from``;
    ``exchange_rate`` turns it into the statement's currency. It is None where the deployment's
    capacity is paid for instead: such a line costs nothing. ``list_cost`` is what the list would
    have charged, in the list's currency. ``exact`` is the unrounded amount, ``amount`` its share
    of the rounded total.
    """

    number: int
    subscription: str
    gateway: str
    product: str
    cost_center: str
    deployment: str
    model: str
    token_class: str
    meter: str
    meter_id: str
    quantity: int
    unit_price: Decimal | None
    units_per_price: int
    price_currency: str
    price_from: datetime | None
    holds_from: datetime | None
    sheet: str
    markup: Decimal | None
    list_cost: Money | None
    exchange_rate: Decimal | None
    exact: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Tokens without a price in force: counted and shown, in no amount."""

    subscription: str
    deployment: str
    token_class: str
    quantity: int


@dataclass(frozen=True, slots=True)
class RateUsed:
    """An exchange rate that lines of the statement were computed with."""

    from_currency: str
    to_currency: str
    rate: Decimal
    effective_from: datetime
    source: str


@dataclass(frozen=True, slots=True)
class StatementView:
    """Everything a statement says, frozen: every format renders from this one value.

    ``moves`` tell why it differs from how it was shown before; the lines hold them already.
    ``showback_only`` says why the team cannot be charged back for it; empty: it can.
    """

    tenant: str
    team: str
    team_slug: str
    cost_center: str
    period: Period
    status: Status
    basis: Basis
    currency: str
    lines: tuple[Line, ...]
    unpriced: tuple[Unpriced, ...]
    rates: tuple[RateUsed, ...]
    moves: tuple[Move, ...]
    total: Money
    usage_through: datetime | None
    calls_without_tokens: int
    showback_only: str

    @property
    def cost_centers(self) -> tuple[tuple[str, Money], ...]:
        """What each cost center bears of the total, in the order of the lines."""
        nothing = Money(Decimal(0), self.currency)
        found: dict[str, Money] = {}
        for line in self.lines:
            found[line.cost_center] = found.get(line.cost_center, nothing) + line.amount
        return tuple(found.items())

    @property
    def unpriced_tokens(self) -> int:
        return sum(gap.quantity for gap in self.unpriced)


def draft(team: Team, period: Period) -> StatementView:
    """The team's statement of a period as it stands now, in the tenant in scope."""
    billing = tenants.billing()
    rows = _rows(team, period)
    lines = _lines([row for row in rows if row["cost"] is not None], billing.currency)
    return StatementView(
        tenant=billing.name,
        team=team.name,
        team_slug=team.slug,
        cost_center=str(team.cost_center),
        period=period,
        status=Status.DRAFT,
        basis=Basis.ESTIMATED,
        currency=billing.currency,
        lines=lines,
        unpriced=tuple(_gap(row) for row in rows if row["cost"] is None),
        rates=_rates(rows, billing.currency),
        moves=moves.of(team, period, currency=billing.currency),
        total=money.total((line.amount for line in lines), billing.currency),
        usage_through=rollups.read_through(Gateway.objects.values_list("id", flat=True)),
        calls_without_tokens=rollups.uncovered(
            period, {cast(int, row["subscription_id"]) for row in rows}
        ),
        showback_only=quality.showback_only(team, period),
    )


def for_chargeback(team: Team, period: Period) -> StatementView:
    """The statement that a team is to be charged by, in the tenant in scope.

    Raises:
        BelowQuality: too little of the team's cost tells what the tenant requires.
    """
    quality.require(team, period)
    return draft(team, period)


def _rows(team: Team, period: Period) -> list[dict[str, object]]:
    with joins.as_written() as cursor:
        cursor.execute(
            _LINES,
            {
                "tenant": scope.tenant_id(),
                "team": team.pk,
                "first_day": period.first_day,
                "end_day": period.end_day,
            },
        )
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _lines(rows: Sequence[dict[str, object]], currency: str) -> tuple[Line, ...]:
    exact = [Money(_decimal(row["cost"]), currency) for row in rows]
    amounts = money.apportion(exact, currency)
    return tuple(
        _line(number, row, of, amount)
        for number, (row, of, amount) in enumerate(zip(rows, exact, amounts, strict=True), 1)
    )


def _line(number: int, row: dict[str, object], exact: Money, amount: Money) -> Line:
    rate = row["rate"]
    return Line(
        number=number,
        subscription=str(row["subscription"]),
        gateway=str(row["gateway"]),
        product=str(row["product"] or ""),
        cost_center=str(row["cost_center"]),
        deployment=str(row["deployment"]),
        model=str(row["model"]),
        token_class=str(row["token_class"]),
        meter=str(row["meter"] or ""),
        meter_id=str(row["meter_id"] or ""),
        quantity=int(str(row["quantity"])),
        unit_price=cast("Decimal | None", row["unit_price"]),
        units_per_price=int(str(row["units_per_price"])),
        price_currency=str(row["price_currency"]),
        price_from=cast("datetime | None", row["price_from"]),
        holds_from=cast("datetime | None", row["holds_from"]),
        sheet=str(row["sheet"]),
        markup=cast("Decimal | None", row["markup"]),
        list_cost=_list_cost(row),
        exchange_rate=None if rate is None else _decimal(rate),
        exact=exact,
        amount=amount,
    )


def _list_cost(row: dict[str, object]) -> Money | None:
    if row["list_cost"] is None:
        return None
    return Money(_decimal(row["list_cost"]), str(row["list_currency"]))


def _gap(row: dict[str, object]) -> Unpriced:
    return Unpriced(
        subscription=str(row["subscription"]),
        deployment=str(row["deployment"]),
        token_class=str(row["token_class"]),
        quantity=int(str(row["quantity"])),
    )


def _rates(rows: Sequence[dict[str, object]], currency: str) -> tuple[RateUsed, ...]:
    used = {
        RateUsed(
            from_currency=str(row["price_currency"]),
            to_currency=currency,
            rate=_decimal(row["rate"]),
            effective_from=_instant(row["rate_from"]),
            source=str(row["rate_source"]),
        )
        for row in rows
        if row["rate"] is not None
    }
    return tuple(sorted(used, key=lambda rate: rate.effective_from))


def _decimal(value: object) -> Decimal:
    return cast(Decimal, value)


def _instant(value: object) -> datetime:
    return cast(datetime, value)
