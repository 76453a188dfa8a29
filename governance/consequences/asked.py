"""What is asked for, before and after it is a request: its parts, and whether they fit together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from governance.models import QuotaRequest, RequestKind, Unit
from governance.rules.spans import Every
from inventory import ownership
from inventory.models import Gateway, GatewayState, Product, Subscription, Team
from tenancy import periods, tenants
from tenancy.refusals import Invalid

#: What changes a limit; the others change a subscription.
OF_A_LIMIT = frozenset({RequestKind.INCREASE, RequestKind.TEMPORARY, RequestKind.DECREASE})
#: What asks for more of a limit.
FOR_MORE = frozenset({RequestKind.INCREASE, RequestKind.TEMPORARY})
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a team asks for.

    Of a limit: by how much more or less (``amount``, in the billing currency or tokens, for each
    ``every``), on one subscription or, without one, on the team's own limit. ``last_day``: the
    last local day of a temporary one. Another tier: ``product``. A new subscription: ``gateway``,
    ``product`` and ``display_name``.
    """

    kind: RequestKind
    team: Team
    reason: str
    expected: str = ""
    subscription: Subscription | None = None
    gateway: Gateway | None = None
    product: Product | None = None
    unit: Unit = Unit.CURRENCY
    every: Every = Every.MONTH
    amount: Decimal | None = None
    last_day: date | None = None
    display_name: str = ""
    environment: str = ""
    application: str = ""

    @property
    def change(self) -> Decimal:
        """What it adds to the limit; below zero where it asks for less, zero of other kinds."""
        amount = self.amount or Decimal(0)
        return -amount if self.kind is RequestKind.DECREASE else amount

    def until(self, zone: str) -> datetime | None:
        """When a temporary one ends: the midnight after its last day, in the tenant's zone."""
        if self.last_day is None:
            return None
        return periods.midnight(self.last_day + timedelta(days=1), zone)


def of_request(request: QuotaRequest) -> Asked:
    """What a stored request asks for, in its present version."""
    zone = tenants.billing().zone
    until = request.until
    return Asked(
        kind=RequestKind(request.kind),
        team=request.team,
        reason=request.reason,
        expected=request.expected,
        subscription=request.subscription,
        gateway=request.gateway,
        product=request.product,
        unit=Unit(request.unit),
        every=Every(request.span),
        amount=request.amount,
        last_day=periods.local_day(until - timedelta(microseconds=1), zone) if until else None,
        display_name=request.display_name,
        environment=request.environment,
        application=request.application,
    )


def check(asked: Asked, *, at: datetime) -> None:
    """Refuse what does not fit together.

    Raises:
        Invalid: names the first field at fault, and what to do.
    """
    if not asked.reason.strip():
        raise Invalid(field="reason", fix="Say what it is needed for: the approver decides by it.")
    if asked.kind in OF_A_LIMIT:
        _check_amount(asked)
    elif asked.amount is not None:
        raise Invalid(field="amount", fix="Leave it empty: this kind of request has none.")
    _check_end(asked, at=at)
    _check_subject(asked, at=at)


def _check_amount(asked: Asked) -> None:
    amount = asked.amount
    if amount is None or not amount.is_finite() or amount <= 0:
        raise Invalid(field="amount", fix="Give by how much, as a number above zero.")
    if amount >= Decimal(10) ** 18:
        raise Invalid(field="amount", fix="Give less than a million million million.")
    if asked.unit is Unit.TOKENS and amount != amount.to_integral_value():
        raise Invalid(field="amount", fix="Give a whole number of tokens.")
    if amount != amount.quantize(Decimal("0.0001")):
        raise Invalid(field="amount", fix="Give at most four decimals.")


def _check_end(asked: Asked, *, at: datetime) -> None:
    if asked.kind is not RequestKind.TEMPORARY:
        if asked.last_day is not None:
            raise Invalid(field="last_day", fix="Leave it empty: only a temporary one ends.")
        return
    today = periods.local_day(at, tenants.billing().zone)
    if asked.last_day is None or asked.last_day < today:
        raise Invalid(field="last_day", fix=f"Give its last day, {today} or later.")
    if asked.last_day - today > _LONGEST:
        raise Invalid(field="last_day", fix="Give a day within a year, or ask for good.")


def _check_subject(asked: Asked, *, at: datetime) -> None:
    match asked.kind:
        case RequestKind.SUBSCRIPTION:
            _check_new(asked)
        case RequestKind.TIER:
            _owned(asked, at=at)
            _check_tier(asked)
        case RequestKind.REACTIVATION:
            _owned(asked, at=at)
            if asked.subscription and asked.subscription.state != GatewayState.SUSPENDED:
                raise Invalid(field="subscription", fix="Choose one that is suspended.")
        case _:
            if asked.subscription is not None:
                _owned(asked, at=at)


def _owned(asked: Asked, *, at: datetime) -> None:
    if asked.subscription is None:
        raise Invalid(field="subscription", fix="Choose the subscription it is about.")
    today = periods.local_day(at, tenants.billing().zone)
    if ownership.owner_on(asked.subscription, today) != asked.team:
        raise Invalid(field="subscription", fix=f"Choose one that is {asked.team}'s today.")


def _check_tier(asked: Asked) -> None:
    here = asked.subscription
    if asked.product is None or here is None or asked.product.gateway_id != here.gateway_id:
        raise Invalid(field="product", fix="Choose a tier of the subscription's gateway.")
    if asked.product.pk == here.product_id:
        raise Invalid(field="product", fix="Choose another tier than it has.")
    if asked.product.vanished_at is not None:
        raise Invalid(field="product", fix="Choose a tier that is still in the gateway's list.")


def _check_new(asked: Asked) -> None:
    if asked.subscription is not None:
        raise Invalid(field="subscription", fix="Leave it empty: a new one is asked for.")
    if asked.gateway is None or not asked.gateway.service:
        raise Invalid(field="gateway", fix="Choose the gateway it is to be made at.")
    if asked.product is None or asked.product.gateway_id != asked.gateway.pk:
        raise Invalid(field="product", fix="Choose a tier of that gateway.")
    if asked.product.vanished_at is not None:
        raise Invalid(field="product", fix="Choose a tier that is still in the gateway's list.")
    if not asked.display_name.strip():
        raise Invalid(field="display_name", fix="Give the name it is to have.")
