"""Mapping: which meter prices a deployment's token class, from an instant on. Never guessed.

A person confirms a proposal, or the tenant has switched on the rule that does it from a
confidence on. Whatever is not mapped is unpriced, and shown as such.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.db.models import Count, Max

from billing import exchange, marking, price_terms
from billing.marking import Span
from billing.models import BillingSettings, Meter, MeterMapping
from billing.prices import catalogue, meters, proposals, unpriced
from billing.prices.proposals import Proposed
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment
from tenancy import access, audit, runs, scope
from tenancy.access import Actor
from tenancy.models import InstallationRun
from tenancy.refusals import Invalid
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "map_meters"
#: A first mapping prices all usage there is: it dates from before any.
ALWAYS = datetime(2020, 1, 1, tzinfo=UTC)
#: By its start, a mapping's meter and units per price.
_Said = dict[datetime, tuple[int | None, int]]
_DEPLOYED = ("pk", "model", "version", "sku", "base_model", "base_version", "vanished_at", "region")
_Situation = tuple[object, ...]
#: By tenant, in which situation the rule last found nothing to confirm, as this process saw it.
_NOTHING_IN: dict[int, _Situation] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is confirmed of one class. No meter: the capacity is paid for, use costs nothing.

    ``from_instant`` None: from always where the class has no mapping yet, else from the hour in
    which it is confirmed. ``units_per_price`` None: what the meter's name says.
    """

    deployment: Deployment
    token_class: TokenClass
    meter: Meter | None
    reason: str
    from_instant: datetime | None = None
    units_per_price: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A mapping of a class and when it holds: half-open, UTC; ``until`` None: to this day."""

    mapping: MeterMapping
    since: datetime
    until: datetime | None

    @property
    def is_from_always(self) -> bool:
        return self.since <= ALWAYS


def confirm(
    deployment: Deployment,
    token_class: TokenClass,
    meter: Meter | None,
    *,
    by: str,
    at: datetime,
    reason: str,
    from_instant: datetime | None = None,
    units_per_price: int | None = None,
) -> MeterMapping:
    """From an instant on, this meter prices the deployment's token class; its days are re-rated.

    See `Choice`. The same mapping again changes nothing.

    Raises:
        OfAnotherUnit: the meter's unit is not what the class is counted by.
    """
    choice = Choice(
        deployment=deployment,
        token_class=token_class,
        meter=meter,
        reason=reason,
        from_instant=from_instant,
        units_per_price=units_per_price,
    )
    return confirm_many([choice], by=by, at=at)[0]


def confirm_many(choices: Sequence[Choice], *, by: str, at: datetime) -> tuple[MeterMapping, ...]:
    """Confirm them all, each audited, or none, in the transaction that is open.

    The days on which a class was used are rated again from the mapping's start to the start of
    the next one of that class; where it says what held already, none.

    Raises:
        OfAnotherUnit: a meter's unit is not what its class is counted by.
    """
    marking.begin()
    held = _held({choice.deployment.pk for choice in choices})
    rows, spans = [], []
    for choice in choices:
        key = (choice.deployment.pk, choice.token_class)
        said = held.setdefault(key, {})
        start = choice.from_instant or (_hour(at) if said else ALWAYS)
        was = _in_force(said, start)
        row, changed = _write(choice, start, by=by, at=at)
        rows.append(row)
        said[start] = (row.meter_id, row.units_per_price)
        if changed and said[start] != was:
            until = min((later for later in said if later > start), default=None)
            spans.append(Span(*key, start, until))
    marking.mark_spans(spans)
    return tuple(rows)


def _held(deployments: Collection[int]) -> dict[tuple[int, TokenClass], _Said]:
    """What the mappings of deployments' classes say, by their starts."""
    found: dict[tuple[int, TokenClass], _Said] = {}
    for row in MeterMapping.objects.filter(deployment__in=deployments):
        said = found.setdefault((row.deployment_id, TokenClass(row.token_class)), {})
        said[row.effective_from] = (row.meter_id, row.units_per_price)
    return found


def _in_force(said: _Said, at: datetime) -> tuple[int | None, int] | None:
    start = max((earlier for earlier in said if earlier <= at), default=None)
    return said[start] if start else None


def deployment(actor: Actor, key: int) -> Deployment:
    """The deployment with this id, if the actor may see it.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    return access.one(Deployment, actor, pk=key)


def deployment_named(text: str) -> Deployment:
    """The deployment of the tenant in scope that ``host/name``, or the name alone, says.

    Raises:
        Invalid: none or several are called so.
    """
    host, _, name = text.rpartition("/")
    rows = Deployment.objects.filter(name__iexact=name)
    found = list(rows.filter(host__iexact=host) if host else rows)
    if len(found) != 1:
        fix = (
            "There is none of this name." if not found else "Several are called so: give host/name."
        )
        raise Invalid(field="deployment", fix=fix)
    return found[0]


def deployments(actor: Actor) -> dict[tuple[str, str, str], Deployment]:
    """Every deployment that the actor may see, by gateway, host and name."""
    rows = access.many(Deployment, actor).select_related("gateway")
    return {(row.gateway.name, row.host, row.name): row for row in rows}


def history(deployment: Deployment) -> tuple[Held, ...]:
    """Every mapping of a deployment's classes, by class, the newest first."""
    order = list(TokenClass)
    rows = MeterMapping.objects.filter(deployment=deployment).select_related("meter")
    following: dict[str, datetime] = {}
    found = []
    for row in rows.order_by("-effective_from"):
        found.append(Held(row, row.effective_from, following.get(row.token_class)))
        following[row.token_class] = row.effective_from
    return tuple(sorted(found, key=lambda held: order.index(TokenClass(held.mapping.token_class))))


def threshold() -> Decimal | None:
    """From which confidence on the rule of the tenant in scope confirms; None: it is off."""
    chosen = BillingSettings.objects.first()
    return chosen.confirm_from_confidence if chosen else None


def confirm_by_rule(*, at: datetime) -> int:
    """Confirm what the tenant in scope lets the rule confirm; how many mappings that made."""
    return confirm_from(threshold(), at=at)


def confirm_from(confidence: Decimal | None, *, at: datetime) -> int:
    """Confirm every proposal of at least this confidence for a class without any mapping.

    For the tenant in scope; None confirms nothing. How many mappings that made.
    """
    choices = [_as_proposed(one) for one in confirmable(confidence, at=at)]
    confirm_many(choices, by=f"rule: confidence ≥ {confidence}", at=at)
    return len(choices)


def confirmable(confidence: Decimal | None, *, at: datetime) -> tuple[Proposed, ...]:
    """The proposals of at least this confidence for classes that never had a mapping."""
    if confidence is None:
        return ()
    mapped = set(MeterMapping.objects.values_list("deployment_id", "token_class"))
    return tuple(
        one
        for one in proposals.of_tenant(at=at, used=unpriced.classes(unpriced.usage()))
        if one.is_proposed
        and one.proposal.confidence >= confidence
        and (one.deployment.pk, one.token_class) not in mapped
    )


def sync(tenant: TenantRef, *, at: datetime, contention: Contention) -> int:
    """Map what the tenant lets the rule map; how many mappings that made.

    Recorded as a run where there is anything the rule may map. Where it found nothing the last
    time, the meters are not read before something has changed.

    Raises:
        Busy, Superseded: another run of this step is under way.
    """
    with scope.of(tenant):
        confidence = threshold()
        if confidence is None:
            return 0
        situation = _situation(confidence, at=at)
        if _NOTHING_IN.get(tenant.id) == situation:
            return 0
        if not confirmable(confidence, at=at):
            _NOTHING_IN[tenant.id] = situation
            return 0
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        with scope.of(tenant):
            run.hold()
            made = confirm_by_rule(at=at)
        run.count(written=made)
    return made


def _situation(confidence: Decimal, *, at: datetime) -> _Situation:
    """All that the rule goes by, in the tenant in scope.

    Of the meters, which there are, and when the price list was loaded last: nothing else
    describes one anew.
    """
    deployments = frozenset(Deployment.objects.values_list(*_DEPLOYED))
    listed = Meter.objects.filter(region__in={region for *_, region in deployments})
    mapped = MeterMapping.objects.values_list("deployment_id", "token_class", "effective_from")
    used = unpriced.classes(unpriced.usage())
    return (
        confidence,
        deployments,
        frozenset((*key, start <= at) for *key, start in mapped),
        frozenset((deployment, name) for deployment, names in used.items() for name in names),
        listed.aggregate(newest=Max("pk"), gone=Count("vanished_at")),
        InstallationRun.objects.filter(step=catalogue.STEP).aggregate(loaded=Max("finished_at")),
    )


def reason(one: Proposed) -> str:
    """Why a proposal is made, in a sentence."""
    return f"Confidence {one.proposal.confidence:.2f}: {'; '.join(one.proposal.reasons)}."


def unit_costs(
    gateway_id: int, deployment: str, *, at: datetime, currency: str
) -> dict[TokenClass, Decimal]:
    """What a single token of each class of a deployment costs at an instant, estimated.

    In the billing currency, at the meter, price and exchange rate in force; a class that has
    none is absent.
    """
    rows = MeterMapping.objects.filter(
        deployment__gateway_id=gateway_id, deployment__name=deployment, effective_from__lte=at
    ).order_by("effective_from")
    named = {TokenClass(row.token_class): row for row in rows}
    terms = price_terms.at((row.meter_id for row in named.values() if row.meter_id), at)
    costs: dict[TokenClass, Decimal] = {}
    for token_class, row in named.items():
        term = terms.get(row.meter_id) if row.meter_id else None
        if term and term.unit_price is not None and term.currency:
            rate = exchange.rate_at(term.currency, currency, at=at)
            if rate is not None:
                costs[token_class] = term.unit_price * rate / row.units_per_price
    return costs


def _as_proposed(one: Proposed) -> Choice:
    return Choice(
        deployment=one.deployment,
        token_class=one.token_class,
        meter=one.meter,
        reason=reason(one),
        units_per_price=one.proposal.best.units_per_price if one.proposal.best else 1,
    )


def _write(choice: Choice, start: datetime, *, by: str, at: datetime) -> tuple[MeterMapping, bool]:
    """The row of a choice, and whether it says anything new."""
    units = choice.units_per_price or 1
    if choice.meter and choice.units_per_price is None:
        units = meters.units_per_price(choice.meter, choice.token_class)
    key = {
        "tenant_id": scope.tenant_id(),
        "deployment": choice.deployment,
        "token_class": choice.token_class,
        "effective_from": start,
    }
    values = {
        "meter": choice.meter,
        "units_per_price": units,
        "confirmed_by": by,
        "reason": choice.reason,
    }
    row, created = MeterMapping.objects.get_or_create(**key, defaults=values)
    before = None if created else _told(row)
    if before and (row.meter, row.units_per_price) == (choice.meter, units):
        return row, False
    if before:
        for name, value in values.items():
            setattr(row, name, value)
        row.save(update_fields=list(values))
    audit.record(
        "mapping.confirm",
        f"{choice.deployment.host}/{choice.deployment.name} {choice.token_class}",
        by=by,
        at=at,
        before=before,
        after=_told(row) | {"from": start},
        reason=choice.reason,
    )
    return row, True


def _told(row: MeterMapping) -> dict[str, object]:
    meter = row.meter
    return {
        "meter": meter.azure_id if meter else None,
        "name": meter.meter_name if meter else "capacity",
        "units_per_price": row.units_per_price,
    }


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
