"""The first steps of a new organisation: its tenant with an administrator, and its gateways."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from billing import preferences, usage
from connectors.failures import Permanent
from connectors.records import CognitiveAccount
from governance import guards
from governance.models import Mode
from inventory import azure, gateways
from inventory.gateways import GatewayRef
from inventory.models import Gateway
from tenancy import audit, memberships, people, periods, scope, tenants
from tenancy.models import Person, Role, Tenant
from tenancy.refusals import Invalid
from tenancy.scope import TenantRef


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTenant:
    """A tenant to be made. ``currency`` is ISO 4217, ``zone`` an IANA time zone."""

    slug: str
    name: str
    currency: str
    zone: str
    admin_email: str
    admin_name: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A tenant that was made. ``password`` None: its administrator could sign in already."""

    tenant: TenantRef
    admin: str
    password: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGateway:
    """A gateway to be connected, in the values that the Azure portal shows.

    Each account is a name, or subscription/resource-group/name where it lies elsewhere.
    """

    name: str
    azure_subscription_id: str
    resource_group: str
    service: str
    workspace_id: str
    credential: str
    inference_url: str
    accounts: tuple[str, ...]


def open_tenant(wanted: NewTenant, *, by: str, at: datetime) -> Opened:
    """A tenant with its settings and one administrator; enforcement begins as a dry run.

    Raises:
        Invalid: the slug is taken.
        ValidationError: a value is not of its kind; names the field. Nothing was made.
    """
    with transaction.atomic():
        if Tenant.objects.filter(slug=wanted.slug).exists():
            raise Invalid(field="slug", fix=f"'{wanted.slug}' is taken. Choose another.")
        person, password = _person(wanted.admin_email, wanted.admin_name)
        ref = tenants.create(
            wanted.slug, name=wanted.name, currency=wanted.currency, zone=wanted.zone
        )
        with scope.of(ref):
            memberships.join(person, Role.ADMIN)
            # Both rows are there from the first day, so that the admin has them to change.
            guards.set_mode(Mode.DRY_RUN, by=by, at=at)
            preferences.set_rule(None, by=by, at=at)
            audit.record(
                "tenant.create",
                wanted.slug,
                by=by,
                at=at,
                after={
                    "name": wanted.name,
                    "currency": wanted.currency,
                    "zone": wanted.zone,
                    "admin": person.email,
                },
            )
    return Opened(ref, person.email, password)


def connect_gateway(
    tenant: TenantRef, wanted: NewGateway, *, usage_from: date | None, by: str, at: datetime
) -> GatewayRef:
    """Add a gateway with its AI accounts to a tenant, or change the one of that name.

    Args:
        usage_from: the local day from which usage is read. None: what it was, and for a new
            gateway the first of the running month.

    Raises:
        Invalid, ValidationError: a value is not of its kind; names the field.
        NoCredential: the credentials file has no such entry.
    """
    with azure.session_as(wanted.credential):
        pass  # whether the entry is there; nothing is asked of Azure yet
    with scope.of(tenant):
        row = _row(wanted, usage_from=_usage_from(wanted.name, usage_from, at=at))
        accounts = tuple(_account(wanted, text) for text in wanted.accounts)
        gateways.connect(row, accounts, by=by, at=at)
        return gateways.named(wanted.name)


def _person(email: str, name: str) -> tuple[Person, str | None]:
    """The person of this address, and the password if one had to be made."""
    password = secrets.token_urlsafe(15)
    try:
        Person(email=email.strip().lower(), name=name).clean_fields(exclude=["password"])
    except ValidationError as error:
        faults = {f"admin_{field}": says for field, says in error.message_dict.items()}
        raise ValidationError(faults) from None
    known = Person.objects.filter(email=email.strip().lower()).exists()
    return people.invite(email, name=name, password=password), None if known else password


def _row(wanted: NewGateway, *, usage_from: datetime) -> Gateway:
    row = Gateway(
        name=wanted.name,
        azure_subscription_id=wanted.azure_subscription_id,
        resource_group=wanted.resource_group,
        service=wanted.service,
        workspace_id=wanted.workspace_id,
        credential=wanted.credential,
        inference_url=wanted.inference_url,
        usage_from=usage_from,
    )
    row.full_clean(validate_unique=False, validate_constraints=False)
    return row


def _account(wanted: NewGateway, text: str) -> CognitiveAccount:
    parts = text.split("/")
    if len(parts) == 1:
        parts = [wanted.azure_subscription_id, wanted.resource_group, *parts]
    try:
        subscription, group, name = parts
        return CognitiveAccount(subscription_id=subscription, resource_group=group, account=name)
    except (ValueError, Permanent):
        fix = f"'{text}' is neither a name nor subscription/resource-group/name."
        raise Invalid(field="account", fix=fix) from None


def _usage_from(gateway: str, day: date | None, *, at: datetime) -> datetime:
    billing, held = tenants.billing(), gateways.find(gateway)
    if day is None:
        return held.usage_from if held else billing.month_at(at).start
    start = periods.midnight(day, billing.zone)
    if start > at:
        raise Invalid(field="usage_from", fix=f"{day} has not begun. Give a day of the past.")
    if held and usage.through(held.id) and start < held.usage_from:
        fix = f"Usage is read already, from {held.usage_from:%Y-%m-%d %H:%M} UTC on, never before."
        raise Invalid(field="usage_from", fix=fix)
    return start
