"""What a tier gives to each subscription to it: the limits of a product that are in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from governance.limits import quotas
from governance.limits.binding import Limit
from governance.models import Hardness, Level, Quota, Unit
from governance.rules import consequences as rule
from governance.rules import spans
from governance.rules.spans import Every
from governance.rules.thresholds import THRESHOLDS
from inventory.models import Product
from tenancy.tenants import Billing


@dataclass(frozen=True, slots=True)
class TierLimit:
    """A limit that a tier gives to each subscription to it, as a `Limit` of nothing used."""

    unit: Unit
    every: Every
    limit: Decimal
    hardness: Hardness
    quota_id: int
    thresholds: tuple[int, ...]
    product_id: int
    product: str

    def of_somebody(self, *, used: Decimal, at: datetime, billing: Billing) -> Limit:
        """What it is to a subscription that has used so much of it and has no limit of its own."""
        return Limit(
            quota_id=self.quota_id,
            level=Level.PRODUCT,
            subject_id=self.product_id,
            subject=self.product,
            unit=self.unit,
            period=spans.at(at, self.every, billing.zone),
            hardness=self.hardness,
            thresholds=self.thresholds,
            base=self.limit,
            extra=Decimal(0),
            extra_until=None,
            carried=Decimal(0),
            limit=self.limit,
            used=used,
            unpriced_tokens=0,
            currency=billing.currency,
        )


def limits(product: Product, *, at: datetime) -> tuple[TierLimit, ...]:
    """The limits of cost, then of tokens, from the month to the hour."""
    rows = quotas.in_force(Quota.objects.filter(product=product), at=at)
    found = [_told(row, product, row.limit) for row in rows if row.limit is not None]
    return tuple(sorted(found, key=lambda one: (one.unit, _ORDER.index(one.every))))


def most_a_month(limits: Iterable[tuple[Unit, Every, Decimal]]) -> Decimal | None:
    """What all of these let one spend in an average month; None: nothing limits the cost."""
    costs = [rule.a_month(much, every) for unit, every, much in limits if unit is Unit.CURRENCY]
    return min(costs, default=None)


_ORDER = (Every.MONTH, Every.YEAR, Every.WEEK, Every.DAY, Every.HOUR)


def _told(row: Quota, product: Product, limit: Decimal) -> TierLimit:
    return TierLimit(
        unit=Unit(row.unit),
        every=Every(row.span),
        limit=limit,
        hardness=Hardness(row.hardness),
        quota_id=row.pk,
        thresholds=tuple(row.thresholds) or THRESHOLDS,
        product_id=product.pk,
        product=product.display_name or product.name,
    )
