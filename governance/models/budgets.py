from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from governance.models.subjects import AboutSubject, Span, exactly_one
from inventory.models import CostCenter, Team
from tenancy.links import TenantLink


class Budget(AboutSubject):
    """What a team or a cost center means to spend in a month or a year, in the billing currency.

    It warns and never suspends. A row never changes: another for the same subject and period takes
    its place from its first day on; no amount clears it.
    """

    team = TenantLink(Team, null=True, blank=True, related_name="+")
    cost_center = TenantLink(CostCenter, null=True, blank=True, related_name="+")
    span = models.CharField(
        "period",
        max_length=8,
        choices=[(Span.MONTH, Span.MONTH.label), (Span.YEAR, Span.YEAR.label)],
        default=Span.MONTH,
    )
    amount = models.DecimalField(
        max_digits=24, decimal_places=4, null=True, blank=True, help_text="Empty: none any more."
    )
    from_day = models.DateField(help_text="First local day of the first period it is for.")
    thresholds = ArrayField(
        models.PositiveSmallIntegerField(),
        default=list,
        blank=True,
        help_text="Percentages at which somebody is told. Empty: 50, 80, 90 and 100.",
    )
    forecast_alert = models.BooleanField(
        default=True, help_text="Tell when the forecast passes the budget."
    )
    set_by = models.CharField(max_length=254)
    reason = models.TextField(blank=True, default="")
    recorded_at = models.DateTimeField(help_text="When it was written down.")

    class Meta:
        ordering = ("-from_day", "-id")
        constraints = (
            models.CheckConstraint(
                condition=exactly_one("team", "cost_center"),
                name="governance_budget_one_subject",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="governance_budget_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(span__in=("month", "year")), name="governance_budget_span"
            ),
        )

    def __str__(self) -> str:
        much = "no budget" if self.amount is None else f"{self.amount.normalize():f}"
        return f"{much} for {self.subject}"
