"""The first steps of a new organisation: its tenant with an administrator, and its gateways."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from billing import preferences, usage, windows
from connectors.failures import Permanent
from connectors.records import CognitiveAccount
from governance import guards
from governance.models import Mode
from inventory import azure, gateways
from inventory.gateways import GatewayRef
from inventory.models import Gateway, UsageSource
from tenancy import audit, memberships, people, periods, scope, tenants
from tenancy.models import Person, Role, Tenant
from tenancy.refusals import Invalid
from tenancy.scope import TenantRef

#: What says where a gateway is and as whom it is asked.
ADDRESS = (
    "azure_subscription_id",
    "resource_group",
    "service",
    "workspace_id",
    "credential",
    "inference_url",
)


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
    """A gateway to be connected, or what changes of one, in the values that the portal shows.

    None: what it was, and for a new gateway nothing, or the usual. Each account is a name, or
    subscription/resource-group/name where it lies elsewhere; accounts are added to those it has.
    ``metric_dimensions`` are names of emitted dimensions by dimension, in place of all it had; an
    empty one is the usual name.
    """

    name: str
    azure_subscription_id: str | None = None
    resource_group: str | None = None
    service: str | None = None
    workspace_id: str | None = None
    credential: str | None = None
    inference_url: str | None = None
    accounts: tuple[str, ...] = ()
    usage_source: UsageSource | None = None
    metric_dimensions: Mapping[str, str] | None = None


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

    Where usage comes from counts from the next reading on: the hours of the look-back are read
    again from there, and what another source told of them is replaced, never added to.

    Args:
        usage_from: the local day from which usage is read. None: what it was, and for a new
            gateway the first of the running month.

    Raises:
        Invalid, ValidationError: a value is not of its kind; names the field.
        NoCredential: the credentials file has no such entry.
    """
    with scope.of(tenant):
        held = gateways.find(wanted.name)
        row = _row(wanted, usage_from=_usage_from(wanted.name, usage_from, at=at))
    if held is None or row.credential != held.credential:
        with azure.session_as(row.credential):
            pass  # whether the entry is there; nothing is asked of Azure yet
    with scope.of(tenant):
        accounts = tuple(_account(row, text) for text in wanted.accounts)
        _check_accounts(row, accounts or (held.accounts if held else ()))
        gateways.connect(row, accounts, by=by, at=at)
        ref = gateways.named(wanted.name)
        if held and _read_otherwise(held, ref):
            windows.due_within_look_back(ref.id, at=at)
        return ref


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
    """The gateway as it is to be: what was given, over what is held."""
    row = gateways.as_stored(wanted.name)
    row.usage_from = usage_from
    for name in ADDRESS:
        if (given := getattr(wanted, name)) is not None:
            setattr(row, name, given)
    if wanted.usage_source is not None:
        row.usage_source = wanted.usage_source
    if wanted.metric_dimensions is not None:
        row.metric_dimensions = {
            key: name for key, name in wanted.metric_dimensions.items() if name
        }
    row.full_clean(validate_unique=False, validate_constraints=False)
    return row


def _check_accounts(row: Gateway, accounts: tuple[CognitiveAccount, ...]) -> None:
    if not accounts and row.usage_source != UsageSource.EVENTS:
        fix = "Name an AI account behind it: its deployments say which model has which price."
        raise Invalid(field="account", fix=fix)


def _read_otherwise(before: GatewayRef, after: GatewayRef) -> bool:
    """Whether the same hours may read differently now."""
    return _reading(before) != _reading(after)


def _reading(ref: GatewayRef) -> tuple[object, ...]:
    return (ref.usage_source, ref.metric_names, ref.service, ref.workspace_id)


def _account(row: Gateway, text: str) -> CognitiveAccount:
    parts = text.split("/")
    if len(parts) == 1:
        parts = [row.azure_subscription_id, row.resource_group, *parts]
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
