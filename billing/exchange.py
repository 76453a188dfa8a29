"""Exchange rates: effective-dated, each with its source."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from billing import marking
from billing.models import ExchangeRate
from tenancy import audit


def set_rate(
    from_currency: str,
    to_currency: str,
    rate: Decimal,
    *,
    from_instant: datetime,
    source: str,
    by: str,
    at: datetime,
) -> ExchangeRate:
    """From an instant on, one unit of the first currency is ``rate`` of the second.

    Days since then are rated again. The same rate again changes nothing.

    Raises:
        ValidationError: a currency is not an ISO 4217 code, or the rate is not positive.
    """
    row = ExchangeRate.objects.filter(
        from_currency=from_currency, to_currency=to_currency, effective_from=from_instant
    ).first() or ExchangeRate(
        from_currency=from_currency, to_currency=to_currency, effective_from=from_instant
    )
    before = row.rate if row.pk else None
    if before == rate:
        return row
    row.rate, row.source = rate, source
    row.full_clean(validate_unique=False, validate_constraints=False)
    row.save()
    marking.mark_days(since=from_instant)
    audit.record(
        "exchange-rate.set",
        f"{from_currency}/{to_currency}",
        by=by,
        at=at,
        before={"rate": before} if before is not None else None,
        after={"rate": rate, "from": from_instant, "source": source},
    )
    return row


def rate_at(from_currency: str, to_currency: str, *, at: datetime) -> Decimal | None:
    """What one unit of a currency is worth in another at an instant; None: no rate is set."""
    if from_currency == to_currency:
        return Decimal(1)
    dated = ExchangeRate.objects.filter(
        from_currency=from_currency, to_currency=to_currency, effective_from__lte=at
    )
    newest = dated.order_by("-effective_from").first()
    return newest.rate if newest else None
