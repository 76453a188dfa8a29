"""Quotas: what binds a subscription at an instant, and since when.

A quota of the subscription itself, where one is in force, counts instead of its product's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, QuerySet

from governance.models import Hardness, Quota
from inventory.models import Product, Subscription
from tenancy import audit
from tenancy.money import Money
from tenancy.refusals import Invalid


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in force: how much per billing month, how it binds, and where it comes from."""

    quota_id: int
    limit: Money
    hardness: Hardness
    source: str


def effective(
    subscriptions: Iterable[Subscription], *, at: datetime, currency: str
) -> dict[int, Limit]:
    """By subscription id, the limit in force at an instant; absent: none is."""
    wanted = list(subscriptions)
    own: dict[int, Quota] = {}
    of_product: dict[int, Quota] = {}
    rows = _in_force(at).filter(
        Q(subscription__in=[row.pk for row in wanted])
        | Q(product__in={row.product_id for row in wanted if row.product_id})
    )
    for quota in rows.select_related("product").order_by("effective_from"):
        if quota.subscription_id:
            own[quota.subscription_id] = quota
        else:
            of_product[quota.product_id or 0] = quota
    found = {row.pk: own.get(row.pk) or of_product.get(row.product_id or 0) for row in wanted}
    return {id: _limit(quota, currency) for id, quota in found.items() if quota}


def set_limit(
    subject: Product | Subscription,
    limit: Decimal,
    *,
    hardness: Hardness,
    from_instant: datetime,
    until: datetime | None = None,
    by: str,
    at: datetime,
    reason: str = "",
) -> Quota:
    """From an instant on (until another), the limit per billing month in the billing currency.

    The same limit from the same instant again changes nothing; the history stays.

    Raises:
        Invalid: a negative limit, or an end that is not after the start.
    """
    if limit < 0:
        raise Invalid(field="limit", fix="Give zero or more.")
    if until is not None and until <= from_instant:
        raise Invalid(field="until", fix="Give an instant after the start.")
    kind = "product" if isinstance(subject, Product) else "subscription"
    values = {"limit": limit, "hardness": hardness, "effective_until": until}
    row = Quota.objects.filter(**{kind: subject}, effective_from=from_instant).first()
    before = {name: getattr(row, name) for name in values} if row else None
    if row and before == values:
        return row
    row = row or Quota(**{kind: subject}, effective_from=from_instant)
    for name, value in values.items():
        setattr(row, name, value)
    row.set_by, row.reason = by, reason
    row.save()
    audit.record(
        "quota.set",
        f"{kind} {subject.gateway.name}/{subject.name}",
        by=by,
        at=at,
        before=before,
        after={**values, "effective_from": from_instant},
        reason=reason,
    )
    return row


def _in_force(at: datetime) -> QuerySet[Quota]:
    rows: QuerySet[Quota] = Quota.objects.filter(effective_from__lte=at).exclude(
        effective_until__lte=at
    )
    return rows


def _limit(quota: Quota, currency: str) -> Limit:
    return Limit(
        quota_id=quota.pk,
        limit=Money(quota.limit, currency),
        hardness=Hardness(quota.hardness),
        source=f"product {quota.product}" if quota.product_id else "this subscription",
    )
