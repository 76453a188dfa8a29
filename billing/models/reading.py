"""How usage is read: windows with their state, pushed events, comparisons with the source."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from inventory.models import Gateway, UsageSource
from tenancy.links import TenantLink
from tenancy.models import TenantModel


class UsageFeed(TenantModel):
    """How far a gateway's usage has been read without a gap: moves in the transaction that stores
    the rows.
    """

    gateway = TenantLink(Gateway, related_name="feeds")
    through = models.DateTimeField(help_text="Usage before this instant has been read.")

    class Meta:
        verbose_name = "usage feed"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "gateway"), name="billing_feed_gateway"),
        )

    def __str__(self) -> str:
        return f"{self.gateway} through {self.through}"


class WindowState(models.TextChoices):
    """What is known of an hour of a gateway's usage."""

    PENDING = "pending", "not read yet"
    LOADING = "loading", "being read"
    COMPLETE = "complete", "complete"
    PARTIAL = "partial", "answered in part; read again in smaller pieces"
    FAILED = "failed", "failed; tried again later"
    QUARANTINED = "quarantined", "set aside; waits for a person"


class UsageWindow(TenantModel):
    """One hour of one gateway's usage: whether and how it was read, and that nothing was lost.

    ``through`` is how far it has been read: before its end while the hour is running, null before
    the first time. A reading stands until the next one has succeeded, whatever the state says of
    the newest try. What came in is what is stored: the database refuses a complete window of
    which that is not so. Who reads it holds its lease; a lease that ran out is anybody's.
    """

    gateway = TenantLink(Gateway, related_name="windows")
    start = models.DateTimeField()
    end = models.DateTimeField()
    state = models.CharField(
        max_length=12, choices=WindowState.choices, default=WindowState.PENDING
    )
    source = models.CharField(max_length=16, choices=UsageSource.choices, blank=True)
    due_at = models.DateTimeField(null=True, help_text="When it is to be read next; empty: never.")
    through = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    reads = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0, help_text="Since it was last complete.")
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    rows_read = models.BigIntegerField(default=0)
    rows_changed = models.BigIntegerField(default=0, help_text="By the newest reading.")
    late_rows = models.BigIntegerField(
        default=0, help_text="Changed by readings after the first whole one."
    )
    calls_read = models.BigIntegerField(default=0)
    calls_stored = models.BigIntegerField(default=0)
    tokens_read = models.BigIntegerField(default=0)
    tokens_stored = models.BigIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("gateway", "start")
        verbose_name = "usage window"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "gateway", "start"), name="billing_usage_window_once"
            ),
            models.CheckConstraint(
                condition=Q(end__gt=F("start")), name="billing_usage_window_has_length"
            ),
            models.CheckConstraint(
                condition=~Q(state="complete")
                | Q(calls_read=F("calls_stored"), tokens_read=F("tokens_stored")),
                name="billing_usage_window_lost_nothing",
            ),
            models.CheckConstraint(
                condition=Q(lease__isnull=True) | Q(leased_until__isnull=False),
                name="billing_usage_window_lease_ends",
            ),
        )
        indexes = (
            models.Index(fields=("tenant", "gateway", "due_at"), name="billing_usage_window_due"),
        )

    def __str__(self) -> str:
        return f"{self.gateway} {self.start:%Y-%m-%d %H:%M} UTC"


class PushedEvent(TenantModel):
    """A call that another gateway told of: kept as it came, summed when its window is read.

    ``source`` and ``event_id`` name it, as CloudEvents have it; the same again is the same.
    """

    gateway = TenantLink(Gateway, related_name="events")
    source = models.CharField(max_length=256)
    event_id = models.CharField(max_length=128)
    at = models.DateTimeField(help_text="When the call was made.")
    received_at = models.DateTimeField()
    subscription = models.CharField(max_length=256, blank=True)
    host = models.CharField(max_length=255, blank=True)
    deployment = models.CharField(max_length=256, blank=True)
    model = models.CharField(max_length=128, blank=True)
    dimensions = models.JSONField(default=dict, help_text="By dimension, what was told.")
    quantities = models.JSONField(default=dict, help_text="By token class, disjoint.")
    status = models.PositiveIntegerField(default=200)
    cache_hit = models.BooleanField(default=False)
    retries = models.PositiveIntegerField(default=0)
    agent_steps = models.PositiveIntegerField(default=0)
    tool_calls = models.PositiveIntegerField(default=0)
    prompt_tokens = models.BigIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(null=True)
    digest = models.CharField(max_length=64, help_text="Of what was pushed, to tell a repeat.")

    class Meta:
        ordering = ("at", "id")
        verbose_name = "pushed event"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "gateway", "source", "event_id"), name="billing_event_once"
            ),
        )
        indexes = (models.Index(fields=("tenant", "gateway", "at"), name="billing_event_at"),)

    def __str__(self) -> str:
        return f"{self.source} {self.event_id}"


class SourceComparison(TenantModel):
    """What a gateway's source said of a local day, beside what is stored of it."""

    gateway = TenantLink(Gateway, related_name="comparisons")
    day = models.DateField()
    compared_at = models.DateTimeField()
    source = models.CharField(max_length=16, choices=UsageSource.choices)
    calls_source = models.BigIntegerField()
    calls_stored = models.BigIntegerField()
    tokens_source = models.BigIntegerField()
    tokens_stored = models.BigIntegerField()
    reasons = models.JSONField(default=list, help_text="What explains a difference, in order.")

    class Meta:
        ordering = ("-day", "gateway")
        verbose_name = "comparison with the source"
        verbose_name_plural = "comparisons with the source"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "gateway", "day"), name="billing_source_comparison_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.gateway} {self.day}"
