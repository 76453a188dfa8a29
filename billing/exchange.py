"""Exchange rates: effective-dated, each with its source and how it came here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Min

from billing import marking
from billing.models import ExchangeRate, RateOrigin
from tenancy import audit


@dataclass(frozen=True, slots=True)
class Quoted:
    """From an instant on (aware UTC), one unit of the first currency is ``rate`` of the second."""

    from_currency: str
    to_currency: str
    rate: Decimal
    effective_from: datetime
    source: str


def set_rate(
    from_currency: str,
    to_currency: str,
    rate: Decimal,
    *,
    from_instant: datetime,
    source: str,
    by: str,
    at: datetime,
    origin: RateOrigin = RateOrigin.MANUAL,
) -> ExchangeRate:
    """From an instant on, one unit of the first currency is ``rate`` of the second.

    Days since then, up to the next rate of the pair, are rated again. The same rate again changes
    nothing.

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
    row.rate, row.source, row.origin = rate, source, origin
    row.full_clean(validate_unique=False, validate_constraints=False)
    marking.begin()
    row.save()
    marking.mark_days(since=from_instant, until=_next(row))
    audit.record(
        "exchange-rate.set",
        f"{from_currency}/{to_currency}",
        by=by,
        at=at,
        before={"rate": before} if before is not None else None,
        after={"rate": rate, "from": from_instant, "source": source, "origin": origin},
    )
    return row


def set_rates(quoted: Sequence[Quoted], *, origin: RateOrigin, by: str, at: datetime) -> int:
    """Set many rates, in the order of their dates; how many of them were new or changed.

    Raises:
        ValidationError: as `set_rate`.
    """
    held = {
        (row.from_currency, row.to_currency, row.effective_from): row.rate
        for row in ExchangeRate.objects.all()
    }
    changed = 0
    for one in sorted(quoted, key=lambda one: one.effective_from):
        key = (one.from_currency, one.to_currency, one.effective_from)
        if held.get(key) == one.rate:
            continue
        set_rate(
            one.from_currency,
            one.to_currency,
            one.rate,
            from_instant=one.effective_from,
            source=one.source,
            by=by,
            at=at,
            origin=origin,
        )
        changed += 1
    return changed


def rate_at(from_currency: str, to_currency: str, *, at: datetime) -> Decimal | None:
    """What one unit of a currency is worth in another at an instant; None: no rate is set."""
    if from_currency == to_currency:
        return Decimal(1)
    dated = ExchangeRate.objects.filter(
        from_currency=from_currency, to_currency=to_currency, effective_from__lte=at
    )
    newest = dated.order_by("-effective_from").first()
    return newest.rate if newest else None


def _next(rate: ExchangeRate) -> datetime | None:
    """From when on another rate of the same pair counts."""
    later = ExchangeRate.objects.filter(
        from_currency=rate.from_currency,
        to_currency=rate.to_currency,
        effective_from__gt=rate.effective_from,
    )
    starts: datetime | None = later.aggregate(starts=Min("effective_from"))["starts"]
    return starts


def known(to_currency: str) -> tuple[ExchangeRate, ...]:
    """The rates into a currency, newest first."""
    rows: Iterable[ExchangeRate] = ExchangeRate.objects.filter(to_currency=to_currency)
    return tuple(sorted(rows, key=lambda row: row.effective_from, reverse=True))
