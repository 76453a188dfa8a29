"""What the hours of deployments cost over time, and money in the tenant's billing currency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing import price_terms
from billing.models import CapacityMapping, ExchangeRate
from billing.price_terms import Term
from billing.rules.capacity import whole_minute
from inventory.deployments import Span
from tenancy import tenants


@dataclass(frozen=True, slots=True)
class Rate:
    """An exchange rate into the billing currency; no id: it is that currency itself."""

    id: int | None
    rate: Decimal


class Prices:
    """What the hours of deployments cost over time, and money in the billing currency."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans: dict[int, list[Span]] = {}
        for span in spans:
            self._spans.setdefault(span.deployment_id, []).append(span)
        self._mapped = list(CapacityMapping.objects.order_by("effective_from"))
        self._terms = price_terms.of_meters({row.meter_id for row in self._mapped})
        self.currency = tenants.billing().currency
        self._rates = list(
            ExchangeRate.objects.filter(to_currency=self.currency).order_by("effective_from")
        )

    def changes(self) -> Iterable[datetime]:
        """The instants at which a price may change."""
        yield from (row.effective_from for row in self._mapped)
        yield from (term.starts for terms in self._terms.values() for term in terms)
        yield from (row.effective_from for row in self._rates)

    def sku(self, deployment: int, at: datetime) -> str:
        """The type that a deployment was of."""
        return next(span.sku for span in self._spans[deployment] if span.start <= at < span.end)

    def term(self, deployment: int, at: datetime) -> Term | None:
        """The price of its hours at an instant; None: no meter, or no price of it."""
        sku = self.sku(deployment, at)
        rows = [
            row
            for row in self._mapped
            if (row.deployment_id, row.sku) == (deployment, sku)
            and whole_minute(row.effective_from) <= at
        ]
        terms = self._terms.get(rows[-1].meter_id, ()) if rows else ()
        begun = [term for term in terms if whole_minute(term.starts) <= at]
        return begun[-1] if begun else None

    def rate(self, currency: str | None, at: datetime) -> Rate | None:
        """One unit of a currency in the billing currency at an instant; None: not known."""
        if currency == self.currency:
            return Rate(None, Decimal(1))
        rows = [
            row
            for row in self._rates
            if row.from_currency == currency and whole_minute(row.effective_from) <= at
        ]
        return Rate(rows[-1].pk, rows[-1].rate) if rows else None
