"""Tenants: making one, finding those to work for, and how each is billed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from tenancy import periods, scope
from tenancy.models import Tenant, TenantProfile, TenantState
from tenancy.refusals import NotFound
from tenancy.scope import TenantRef


@dataclass(frozen=True, slots=True)
class Billing:
    """How the tenant in scope is called and billed."""

    name: str
    currency: str
    zone: str

    def month_at(self, instant: datetime) -> periods.Period:
        """The billing period in force at an instant."""
        return periods.month_at(instant, self.zone)

    def bucket(self, *, around: datetime) -> timedelta:
        """How finely usage is kept: see `periods.bucket_of`."""
        return periods.bucket_of(self.zone, around=around)


def active() -> tuple[TenantRef, ...]:
    """Every tenant to work for, by slug."""
    rows = Tenant.objects.filter(state=TenantState.ACTIVE).values_list("id", "slug")
    return tuple(TenantRef(id, slug) for id, slug in rows)


def every() -> tuple[TenantRef, ...]:
    """Every tenant there is, closed ones too: for what must hold for all that is stored."""
    rows = Tenant.objects.order_by("slug").values_list("id", "slug")
    return tuple(TenantRef(id, slug) for id, slug in rows)


def by_slug(slug: str) -> TenantRef:
    """The active tenant of this slug.

    Raises:
        NotFound: there is none.
    """
    found = Tenant.objects.filter(slug=slug, state=TenantState.ACTIVE).first()
    if found is None:
        raise NotFound(kind="tenant")
    return TenantRef(found.id, found.slug)


def by_id(tenant_id: int) -> TenantRef:
    """The active tenant of this id, as a worker is given it.

    Raises:
        NotFound: there is none.
    """
    found = Tenant.objects.filter(id=tenant_id, state=TenantState.ACTIVE).first()
    if found is None:
        raise NotFound(kind="tenant")
    return TenantRef(found.id, found.slug)


def billing() -> Billing:
    """How the tenant in scope is billed.

    Raises:
        NoTenant: no tenant's scope is open.
        NotFound: the tenant has no profile yet.
    """
    profile = TenantProfile.objects.first()
    if profile is None:
        raise NotFound(kind="tenant profile")
    return Billing(profile.name, profile.billing_currency, profile.time_zone)


def create(slug: str, *, name: str, currency: str, zone: str) -> TenantRef:
    """A new tenant with its profile; the same slug again gives the same tenant.

    Args:
        currency: ISO 4217, what the tenant is billed in.
        zone: IANA time zone of its billing periods.

    Raises:
        ValidationError: a value is not of its kind; names the field.
    """
    with transaction.atomic():
        tenant = Tenant.objects.filter(slug=slug).first() or Tenant(slug=slug)
        tenant.full_clean(validate_unique=False)
        tenant.save()
        ref = TenantRef(tenant.id, tenant.slug)
        with scope.of(ref):
            _profile(name=name, currency=currency, zone=zone)
    return ref


def _profile(*, name: str, currency: str, zone: str) -> None:
    profile = TenantProfile.objects.first() or TenantProfile()
    profile.name, profile.billing_currency, profile.time_zone = name, currency, zone
    profile.full_clean()
    profile.save()
