"""What the demo's tenants agreed with the seller: a price sheet each, and capacity reserved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing import effects, reservations
from billing.effects import Effect
from billing.prices import sheets
from billing.prices.sheets import Wanted
from billing.reservations import Wish
from billing.rules.capacity import Pool, Term
from billing.rules.meters.meanings import Scope
from billing.rules.sheet_lines import AgreedLine, Kind
from portal.demo.setting import BY, first_month
from tenancy import scope, tenants
from tenancy.scope import TenantRef


@dataclass(frozen=True, slots=True)
class Agreement:
    """A tenant's price sheet, and how many throughput units it reserved in which region."""

    sheet: str
    lines: tuple[AgreedLine, ...]
    reserved: int = 0
    region: str = ""


AGREEMENTS = {
    "contoso": Agreement(
        "Framework agreement 2026",
        (
            AgreedLine(1, Kind.DISCOUNT, product_filter="Azure OpenAI*", percent=Decimal("7.5")),
            AgreedLine(2, Kind.DISCOUNT, meter_filter="*batch*", percent=Decimal(10)),
        ),
        reserved=30,
        region="swedencentral",
    ),
    "fabrikam": Agreement(
        "Offer 4711", (AgreedLine(1, Kind.DISCOUNT, product_filter="*", percent=Decimal(5)),)
    ),
}


def apply_sheet(ref: TenantRef, *, at: datetime) -> Effect:
    """Apply the tenant's sheet from the running month on; what that did to its open usage."""
    agreed = AGREEMENTS[ref.slug]
    with scope.of(ref):
        wanted = Wanted(
            name=agreed.sheet,
            source="the demo's contract",
            effective_from=tenants.billing().month_at(at).start,
            effective_until=None,
            lines=agreed.lines,
        )
        effect = effects.of(lambda: sheets.apply(wanted, by=BY, at=at), at=at)
        sheets.apply(wanted, by=BY, at=at)
    return effect


def reserve(ref: TenantRef, *, at: datetime) -> int:
    """Enter the reservation of the tenant, if it has one; how many units."""
    agreed = AGREEMENTS[ref.slug]
    if agreed.reserved:
        with scope.of(ref):
            reservations.purchase(
                Wish(
                    name="Throughput for search",
                    units=agreed.reserved,
                    pool=Pool(Scope.GLOBAL, agreed.region),
                    term=Term.YEAR,
                    starts_at=first_month(at).start,
                ),
                by=BY,
                at=at,
            )
    return agreed.reserved
