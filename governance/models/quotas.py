from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from governance.models.requests import QuotaRequest
from governance.models.subjects import AboutSubject, OfSubject, Span, Unit, exactly_one
from inventory.models import Subscription, Team
from tenancy.links import TenantLink


class Hardness(models.TextChoices):
    SOFT = "soft", "soft: warns"
    HARD = "hard", "hard: suspends"


class Rollover(models.TextChoices):
    NONE = "none", "none: what is left ends with the period"
    UNUSED = "unused", "what was left of the period before is added, once"


class Quota(OfSubject):
    """A limit in currency or tokens for each hour, day, week, month or year.

    A product's is the default of each subscription to it, for which one of its own counts
    instead; those of team and cost center count for all that is theirs together. A row never
    changes: another for the same subject, unit and span takes its place from its start on, and of
    several with one start the one recorded last counts. No limit given clears it.
    """

    unit = models.CharField(max_length=8, choices=Unit.choices, default=Unit.CURRENCY)
    span = models.CharField("period", max_length=8, choices=Span.choices, default=Span.MONTH)
    limit = models.DecimalField(
        max_digits=24,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="In the billing currency, or in tokens. Empty: no limit from then on; a "
        "subscription then has its product's.",
    )
    hardness = models.CharField(max_length=8, choices=Hardness.choices, default=Hardness.HARD)
    rollover = models.CharField(max_length=8, choices=Rollover.choices, default=Rollover.NONE)
    thresholds = ArrayField(
        models.PositiveSmallIntegerField(),
        default=list,
        blank=True,
        help_text="Percentages of the limit at which somebody is told. Empty: 50, 80, 90 and 100.",
    )
    effective_from = models.DateTimeField()
    effective_until = models.DateTimeField(
        null=True, blank=True, help_text="Empty: until the next one begins."
    )
    set_by = models.CharField(max_length=254)
    reason = models.TextField(blank=True)
    recorded_at = models.DateTimeField(help_text="When it was written down.")

    class Meta:
        ordering = ("-effective_from", "-id")
        constraints = (
            models.CheckConstraint(
                condition=exactly_one("product", "subscription", "team", "cost_center"),
                name="governance_quota_one_subject",
            ),
            models.CheckConstraint(condition=Q(limit__gte=0), name="governance_quota_not_negative"),
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True)
                | Q(effective_until__gt=F("effective_from")),
                name="governance_quota_ends_after_start",
            ),
        )
        indexes = (
            models.Index(
                fields=("tenant", "subscription", "effective_from"),
                name="governance_quota_subscription",
                condition=Q(subscription__isnull=False),
            ),
        )

    def __str__(self) -> str:
        much = "no limit" if self.limit is None else f"{self.limit.normalize():f}"
        return f"{much} on {self.subject}"


class Override(AboutSubject):
    """What an approved request adds to a limit (or takes from it), for as long as it lasts.

    The limit below stays as it is: the override is added to whatever that is at the time.
    """

    subscription = TenantLink(Subscription, null=True, blank=True, related_name="+")
    team = TenantLink(Team, null=True, blank=True, related_name="+")
    unit = models.CharField(max_length=8, choices=Unit.choices)
    span = models.CharField("period", max_length=8, choices=Span.choices)
    amount = models.DecimalField(
        max_digits=24, decimal_places=4, help_text="Added to the limit; negative takes away."
    )
    effective_from = models.DateTimeField()
    effective_until = models.DateTimeField(null=True, blank=True, help_text="Empty: for good.")
    request = TenantLink(QuotaRequest, related_name="overrides")
    recorded_at = models.DateTimeField(help_text="When it was written down.")
    ended_by = models.CharField(max_length=254, blank=True, default="")
    ended_because = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("-effective_from", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "request"), name="governance_override_one_a_request"
            ),
            models.CheckConstraint(
                condition=exactly_one("subscription", "team"),
                name="governance_override_one_subject",
            ),
            models.CheckConstraint(
                condition=~Q(amount=0), name="governance_override_changes_something"
            ),
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True)
                | Q(effective_until__gte=F("effective_from")),
                name="governance_override_ends_after_start",
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount.normalize():+f} on {self.subject}"
