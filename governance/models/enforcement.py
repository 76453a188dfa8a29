from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models import OfSubscription
from governance.models.quotas import Quota
from inventory.models import Subscription
from tenancy.links import TenantLink
from tenancy.models import TenantModel


class Mode(models.TextChoices):
    OFF = "off", "off: decides nothing"
    DRY_RUN = "dry_run", "dry run: decides and records, changes nothing"
    ON = "on", "on: suspends and reactivates"


class EnforcementSettings(TenantModel):
    """The guards of a tenant's enforcement."""

    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.DRY_RUN)
    most_suspensions = models.PositiveIntegerField(
        default=10,
        help_text="More suspensions than this in one cycle wait for a person: nothing is "
        "suspended until the number is raised or the cause is found.",
    )
    stale_after_minutes = models.PositiveIntegerField(
        default=120, help_text="Usage older than this never reactivates a subscription."
    )

    class Meta:
        verbose_name = verbose_name_plural = "enforcement settings"
        constraints = (
            models.UniqueConstraint(fields=("tenant",), name="governance_enforcement_settings_one"),
        )

    def __str__(self) -> str:
        return f"Enforcement {self.get_mode_display()}"


class Verb(models.TextChoices):
    SUSPEND = "suspend", "suspend"
    ACTIVATE = "activate", "activate"


class ActionOutcome(models.TextChoices):
    INTENDED = "intended", "intended"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    OVERTAKEN = "overtaken", "overtaken"
    WITHHELD = "withheld", "withheld (dry run)"


class Action(OfSubscription):
    """One act at the gateway: written down as an intent, then done, then its outcome recorded.

    ``evidence`` is what the decision rested on: spend, limit, quota, watermark, when it crossed.
    """

    subscription = TenantLink(Subscription, related_name="actions")
    verb = models.CharField(max_length=16, choices=Verb.choices)
    quota = TenantLink(Quota, null=True, related_name="+")
    reason = models.TextField()
    evidence = models.JSONField()
    outcome = models.CharField(
        max_length=16, choices=ActionOutcome.choices, default=ActionOutcome.INTENDED
    )
    intended_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    request_id = models.CharField(max_length=100, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "enforcement action"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "subscription"),
                condition=Q(outcome="intended"),
                name="governance_action_one_intent",
            ),
        )

    def __str__(self) -> str:
        return f"{self.verb} {self.subscription}, {self.outcome}"


class Suspension(OfSubscription):
    """A subscription that Apportion itself suspended: the only kind it may reactivate."""

    subscription = TenantLink(Subscription, related_name="suspensions")
    reason = models.TextField()
    evidence = models.JSONField()
    since = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_because = models.TextField(blank=True)

    class Meta:
        ordering = ("-since",)
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "subscription"),
                condition=Q(lifted_at__isnull=True),
                name="governance_suspension_one_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.subscription} since {self.since}"
