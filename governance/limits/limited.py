"""What can be limited, found by name for whoever may see it, and what each concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from governance.models import Level, Quota, Subject
from inventory.models import CostCenter, Owner, Product, Subscription, Team
from tenancy import access, periods, tenants
from tenancy.access import Actor

_COLUMNS = {
    "subscription": "subscription__name",
    "product": "product__name",
    "team": "team__slug",
    "cost_center": "cost_center__code",
}


@dataclass(frozen=True, slots=True)
class Limited:
    """One subject, with what it is called and what names it in an address."""

    level: Level
    subject: Subject
    name: str
    keys: tuple[str, ...]

    @property
    def route(self) -> str:
        """The name of its page, without its namespace."""
        return f"quotas-{self.level.value.replace('_', '-')}"


def subscription(actor: Actor, gateway: str, name: str) -> Limited:
    """An APIM subscription.

    Raises:
        NotFound: there is none, or it is not the actor's to see; as all of these.
    """
    return of(access.one(Subscription, actor, gateway__name=gateway, name=name))


def product(actor: Actor, id: int) -> Limited:
    """A product; seen by those who see the whole tenant."""
    return of(access.one(Product, actor, id=id))


def product_named(actor: Actor, gateway: str, name: str) -> Limited:
    """The same, by its name at a gateway."""
    return of(access.one(Product, actor, gateway__name=gateway, name=name))


def team(actor: Actor, slug: str) -> Limited:
    """A team."""
    return of(access.one(Team, actor, slug=slug))


def cost_center(actor: Actor, code: str) -> Limited:
    """A cost center; seen by those who see the whole tenant."""
    return of(access.one(CostCenter, actor, code=code))


def of(subject: Subject) -> Limited:
    """The same, of a subject that is known already."""
    match subject:
        case Subscription():
            keys = (subject.gateway.name, subject.name)
            return Limited(Level.SUBSCRIPTION, subject, subject.name or "no subscription", keys)
        case Product():
            name = f"product {subject.display_name}"
            return Limited(Level.PRODUCT, subject, name, (str(subject.pk),))
        case Team():
            return Limited(Level.TEAM, subject, f"team {subject.name}", (subject.slug,))
        case CostCenter():
            return Limited(Level.COST_CENTER, subject, f"cost center {subject}", (subject.code,))


def groups_seen_by(actor: Actor) -> tuple[Limited, ...]:
    """The products, teams and cost centers that the actor sees, each kind by name."""
    products = access.many(Product, actor).order_by("display_name", "id")
    teams = access.many(Team, actor).order_by("name", "id")
    centers = access.many(CostCenter, actor).order_by("code", "id")
    return tuple(of(one) for rows in (products, teams, centers) for one in rows)


def subscriptions_seen_by(actor: Actor, *, search: str = "") -> Sequence[Subscription]:
    """Those with a name, by gateway and name; ``search`` is a part of name or product."""
    rows = access.many(Subscription, actor).exclude(name="")
    if search:
        rows = rows.filter(
            Q(name__icontains=search)
            | Q(display_name__icontains=search)
            | Q(product__display_name__icontains=search)
        )
    found = rows.select_related("gateway", "product").order_by("gateway__name", "name").distinct()
    return tuple(found)


def history_seen_by(
    actor: Actor, *, level: str = "", keys: Mapping[str, str] | None = None
) -> QuerySet[Quota]:
    """All that was ever said of limits, of what the actor sees and the filters let pass."""
    rows = access.many(Quota, actor).select_related(
        "subscription__gateway", "product__gateway", "team", "cost_center"
    )
    if level:
        rows = rows.filter(**{f"{level}__isnull": False})
    for name, value in (keys or {}).items():
        if name == "gateway":
            rows = rows.filter(
                Q(subscription__gateway__name=value) | Q(product__gateway__name=value)
            )
        else:
            rows = rows.filter(**{_COLUMNS[name]: value})
    return rows


def concerned(subject: Subject, *, at: datetime) -> dict[int, str]:
    """The subscriptions that a limit of it applies to on a day, by id, with their names."""
    if isinstance(subject, Subscription):
        return {subject.pk: subject.name}
    rows = Subscription.objects.all()
    if isinstance(subject, Product):
        rows = rows.filter(product=subject)
    else:
        today = periods.local_day(at, tenants.billing().zone)
        owned = Owner.objects.filter(from_day__lte=today).exclude(until_day__lte=today)
        if isinstance(subject, Team):
            owned = owned.filter(team=subject)
        else:
            theirs = Q(cost_center=None, team__cost_center=subject)
            owned = owned.filter(Q(cost_center=subject) | theirs)
        rows = rows.filter(id__in=owned.values("subscription_id"))
    return dict(rows.values_list("id", "name"))
