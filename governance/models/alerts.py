from __future__ import annotations

from django.db import models
from django.db.models import Q

from governance.models.subjects import OfSubject, exactly_one


class AlertKind(models.TextChoices):
    QUOTA_USED = "quota_used", "part of a quota is used"
    QUOTA_FORECAST = "quota_forecast", "a quota is likely to run out"
    BUDGET_USED = "budget_used", "part of a budget is spent"
    BUDGET_FORECAST = "budget_forecast", "a budget is likely to be passed"


class Alert(OfSubject):
    """That a threshold is reached: begins once, ends when it is so no longer, may begin anew.

    ``period`` is the first instant of the period it is about; a new period begins empty.
    """

    kind = models.CharField(max_length=16, choices=AlertKind.choices)
    unit = models.CharField(max_length=8)
    span = models.CharField("period", max_length=8)
    period = models.DateTimeField()
    threshold = models.PositiveSmallIntegerField(help_text="Percent of the limit or budget.")
    fired_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ("-fired_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=exactly_one("product", "subscription", "team", "cost_center"),
                name="governance_alert_one_subject",
            ),
            models.UniqueConstraint(
                fields=(
                    "tenant",
                    "kind",
                    "subscription",
                    "product",
                    "team",
                    "cost_center",
                    "unit",
                    "span",
                    "period",
                    "threshold",
                ),
                condition=Q(resolved_at__isnull=True),
                nulls_distinct=False,
                name="governance_alert_one_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.threshold} % of {self.subject}"
