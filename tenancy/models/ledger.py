from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tenancy.models.base import TenantModel


class Outcome(models.TextChoices):
    RUNNING = "running", "running"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    SUPERSEDED = "superseded", "superseded"


class RunFields(models.Model):
    """What the sync ledger keeps of each run of a step."""

    step = models.CharField(max_length=40)
    subject = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.RUNNING)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    window_start = models.DateTimeField(null=True, blank=True)
    window_end = models.DateTimeField(null=True, blank=True)
    rows_read = models.BigIntegerField(default=0)
    rows_written = models.BigIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.step} {self.subject} {self.started_at:%Y-%m-%d %H:%M:%S}, {self.outcome}"


class Run(TenantModel, RunFields):
    """One run of a step for one tenant (and, mostly, one gateway)."""

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "step", "subject"),
                condition=Q(outcome="running"),
                name="tenancy_run_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="tenancy_run_ends_after_start",
            ),
        )
        indexes = (
            models.Index(fields=("tenant", "step", "subject", "-id"), name="tenancy_run_latest"),
        )


class InstallationRun(RunFields):
    """One run of a step that serves every tenant: the public price list."""

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("step", "subject"),
                condition=Q(outcome="running"),
                name="tenancy_installation_run_one_at_a_time",
            ),
        )


class AuditRecord(TenantModel):
    """Who changed what, when and why. Only ever added to; each record seals the one before."""

    number = models.BigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=254)
    action = models.CharField(max_length=80)
    subject = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.TextField(blank=True)
    previous_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(fields=("tenant", "number"), name="tenancy_audit_number"),
        )

    def __str__(self) -> str:
        return f"{self.number}: {self.action} {self.subject}"
