from __future__ import annotations

from zoneinfo import available_timezones

from babel import Locale
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from tenancy.models.base import TenantModel

SLUG = RegexValidator(
    r"\A[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?\Z",
    "Use lower-case letters, digits and hyphens, starting and ending with a letter or digit.",
)


class TenantState(models.TextChoices):
    ACTIVE = "active", "active"
    CLOSED = "closed", "closed"


class Tenant(models.Model):
    """An isolated organisation.

    Holds nothing but id, slug and state: it has no row security, so that the schedule can find
    whom to work for.
    """

    slug = models.CharField(max_length=62, unique=True, validators=[SLUG])
    state = models.CharField(max_length=16, choices=TenantState.choices, default=TenantState.ACTIVE)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


def check_currency(code: str) -> None:
    """Refuse what is no ISO 4217 code."""
    if code not in Locale("en").currencies:
        raise ValidationError("Use an ISO 4217 code such as EUR or USD.", code="currency")


def check_zone(name: str) -> None:
    """Refuse what is no IANA time zone."""
    if name not in available_timezones():
        raise ValidationError("Use an IANA time zone such as Europe/Berlin.", code="zone")


class TenantProfile(TenantModel):
    """How a tenant is called and billed."""

    name = models.CharField(max_length=120)
    billing_currency = models.CharField(max_length=3, validators=[check_currency])
    time_zone = models.CharField(
        max_length=64,
        validators=[check_zone],
        help_text="Billing periods are calendar months of this IANA time zone.",
    )

    class Meta:
        verbose_name = "tenant profile"
        constraints = (
            models.UniqueConstraint(fields=("tenant",), name="tenancy_profile_one_per_tenant"),
        )

    def __str__(self) -> str:
        return self.name
