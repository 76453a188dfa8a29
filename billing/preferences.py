"""A tenant's choices about rating."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from billing.models import BillingSettings
from tenancy import audit, scope

#: Who else wants to know makes a list at the mail server.
MOST_ADDRESSES = 20


def set_rule(confidence: Decimal | None, *, by: str, at: datetime) -> None:
    """Have proposed meters of at least this confidence confirmed without asking; None: never.

    For the tenant in scope. Confidence is between 0.5 and 1.

    Raises:
        ValidationError: it is not.
    """
    row, _ = BillingSettings.objects.get_or_create(tenant_id=scope.tenant_id())
    before = row.confirm_from_confidence
    if before == confidence:
        return
    row.confirm_from_confidence = confidence
    row.full_clean(validate_unique=False, validate_constraints=False)
    row.save(update_fields=["confirm_from_confidence"])
    audit.record(
        "billing.confirm-from-confidence",
        "billing settings",
        by=by,
        at=at,
        before={"confidence": before},
        after={"confidence": confidence},
    )


def price_news_to() -> tuple[str, ...]:
    """The addresses that are told about price changes in the tenant in scope."""
    row = BillingSettings.objects.first()
    return tuple(row.price_news_to.split()) if row else ()


def set_price_news(addresses: Iterable[str], *, by: str, at: datetime) -> None:
    """Have these addresses told when prices change that the tenant in scope uses; none: nobody.

    Raises:
        ValidationError: one of them is no address, or there are more than `MOST_ADDRESSES`.
    """
    wanted = tuple(dict.fromkeys(one.strip() for one in addresses if one.strip()))
    if len(wanted) > MOST_ADDRESSES:
        raise ValidationError({"price_news_to": f"Give at most {MOST_ADDRESSES} addresses."})
    for address in wanted:
        try:
            validate_email(address)
        except ValidationError:
            says = f"“{address}” is no e-mail address. Write one on each line."
            raise ValidationError({"price_news_to": says}) from None
    before = price_news_to()
    if before == wanted:
        return
    row, _ = BillingSettings.objects.get_or_create(tenant_id=scope.tenant_id())
    row.price_news_to = "\n".join(wanted)
    row.save(update_fields=["price_news_to"])
    audit.record(
        "billing.price-news",
        "billing settings",
        by=by,
        at=at,
        before={"price_news_to": before},
        after={"price_news_to": wanted},
    )
