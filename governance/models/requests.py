from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from governance.models.policies import ApprovalPolicy, ApproverGroup
from governance.models.subjects import Span, Unit
from inventory.models import CostCenter, Gateway, Product, Subscription, Team, teams_of
from tenancy.links import TenantLink
from tenancy.models import Person, TenantModel

if TYPE_CHECKING:
    from tenancy.access import Actor


class RequestKind(models.TextChoices):
    INCREASE = "increase", "more, for good"
    TEMPORARY = "temporary", "more, for a time"
    DECREASE = "decrease", "less"
    TIER = "tier", "another tier"
    SUBSCRIPTION = "subscription", "a new subscription"
    REACTIVATION = "reactivation", "serve a suspended subscription again"


class RequestState(models.TextChoices):
    """Where a request stands. Rejected, withdrawn, expired and applied are final."""

    DRAFT = "draft", "draft"
    SUBMITTED = "submitted", "waiting for approval"
    QUESTION = "question", "a question is open"
    APPROVED = "approved", "approved"
    REJECTED = "rejected", "rejected"
    WITHDRAWN = "withdrawn", "withdrawn"
    EXPIRED = "expired", "expired"
    APPLIED = "applied", "applied"
    FAILED = "failed", "approved, not applied"


#: What is still open to a decision.
UNDECIDED = (RequestState.SUBMITTED, RequestState.QUESTION)


class QuotaRequest(TenantModel):
    """What a team asks for: more, less, another tier, a new subscription, or to be served again.

    ``version`` rises with every change of what is asked; approvals are of one version and of no
    other. The database lets a state follow only where it may (trigger), and nothing of what was
    asked change without a new version.
    """

    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=RequestKind.choices)
    state = models.CharField(
        max_length=16, choices=RequestState.choices, default=RequestState.DRAFT
    )
    version = models.PositiveIntegerField(default=1)
    team = TenantLink(Team, related_name="requests")
    subscription = TenantLink(Subscription, null=True, blank=True, related_name="requests")
    gateway = TenantLink(Gateway, null=True, blank=True, related_name="+")
    product = TenantLink(Product, null=True, blank=True, related_name="+")
    unit = models.CharField(max_length=8, choices=Unit.choices, default=Unit.CURRENCY)
    span = models.CharField("period", max_length=8, choices=Span.choices, default=Span.MONTH)
    amount = models.DecimalField(
        max_digits=24,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="By how much more (or less), in the billing currency or in tokens.",
    )
    until = models.DateTimeField(null=True, blank=True, help_text="When a temporary one ends.")
    display_name = models.CharField(max_length=100, blank=True, default="")
    environment = models.CharField(max_length=60, blank=True, default="")
    application = models.CharField(max_length=120, blank=True, default="")
    reason = models.TextField(help_text="What it is needed for.")
    expected = models.TextField(
        blank=True, default="", help_text="What it is expected to bring, and how that is seen."
    )
    requested_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    remind_at = models.DateTimeField(null=True, blank=True)
    escalate_at = models.DateTimeField(null=True, blank=True)
    runs_out_on = models.DateField(
        null=True, blank=True, help_text="The day its limit is likely reached without it."
    )
    error = models.TextField(blank=True, default="")
    tried_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    key_digest = models.CharField(
        max_length=64,
        blank=True,
        default="",
        editable=False,
        help_text="Of the key that a program chose to ask for it once; empty: by none.",
    )
    body_digest = models.CharField(
        max_length=64,
        blank=True,
        default="",
        editable=False,
        help_text="Of what was sent with that key.",
    )

    class Meta:
        ordering = ("-number",)
        verbose_name = "quota request"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "number"), name="governance_request_number"),
            models.UniqueConstraint(
                fields=("tenant", "requested_by", "key_digest"),
                condition=~Q(key_digest=""),
                name="governance_request_once_a_key",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=RequestKind.values), name="governance_request_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values), name="governance_request_state_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("increase", "temporary", "decrease"), amount__gt=0)
                | Q(kind__in=("tier", "subscription", "reactivation"), amount__isnull=True),
                name="governance_request_amount_of_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="temporary", until__isnull=False)
                | (~Q(kind="temporary") & Q(until__isnull=True)),
                name="governance_request_end_of_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="subscription", gateway__isnull=False, product__isnull=False)
                | Q(kind="tier", subscription__isnull=False, product__isnull=False)
                | Q(kind="reactivation", subscription__isnull=False)
                | Q(kind__in=("increase", "temporary", "decrease")),
                name="governance_request_names_its_subject",
            ),
        )
        indexes = (
            models.Index(
                fields=("tenant", "state", "runs_out_on"), name="governance_request_inbox"
            ),
        )

    def __str__(self) -> str:
        return f"Request {self.number}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        """All of the tenant's, or those of the actor's teams and of cost centers they own.

        A draft is its author's and the team's; approvers see what was submitted.
        """
        rows: models.QuerySet[Self] = cls.objects.all()
        mine = Q(team_id__in=teams_of(actor))
        if actor.sees_whole_tenant:
            own = Q(requested_by_id=actor.person_id)
            return rows.filter(mine | own | ~Q(state=RequestState.DRAFT))
        centers = CostCenter.objects.filter(owner_id=actor.person_id).values("id")
        asked = Q(team__cost_center_id__in=centers) & ~Q(state=RequestState.DRAFT)
        return rows.filter(mine | asked)


class OfRequest(TenantModel):
    """A row about one request, for whoever may see that."""

    request = TenantLink(QuotaRequest, related_name="+")

    class Meta:
        abstract = True

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.filter(request__in=QuotaRequest.visible_to(actor))
        return rows


class EventKind(models.TextChoices):
    DRAFTED = "drafted", "drafted"
    SUBMITTED = "submitted", "submitted"
    COMMENTED = "commented", "commented"
    ASKED = "asked", "asked for information"
    ANSWERED = "answered", "answered"
    AMENDED = "amended", "amended: approval begins anew"
    APPROVED_PART = "approved_part", "approved, one of several"
    APPROVED = "approved", "approved"
    REJECTED = "rejected", "rejected"
    WITHDRAWN = "withdrawn", "withdrawn"
    EXPIRED = "expired", "expired"
    REMINDED = "reminded", "reminded"
    ESCALATED = "escalated", "escalated"
    APPLIED = "applied", "applied"
    FAILED = "failed", "failed to apply"
    AGAIN = "again", "to be applied again"
    HANDED_OVER = "handed_over", "key handed over"
    KEY_AGAIN = "key_again", "key may be handed over again"
    ENDED = "ended", "ended early"


class RequestEvent(OfRequest):
    """One thing that happened to a request. Never changed, never removed."""

    request = TenantLink(QuotaRequest, related_name="events")
    kind = models.CharField(max_length=16, choices=EventKind.choices)
    version = models.PositiveIntegerField()
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    by = models.CharField(max_length=254)
    at = models.DateTimeField()
    text = models.TextField(blank=True, default="")
    details = models.JSONField(default=dict, help_text="What was seen or changed, in figures.")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.request}: {self.get_kind_display()}"


class Whose(models.TextChoices):
    OWNER = "owner", "the cost center's owner"
    GROUP = "group", "an approver"


class ApprovalNeed(OfRequest):
    """Whose approval a version of a request needs, and of how many different people."""

    request = TenantLink(QuotaRequest, related_name="needs")
    version = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    whose = models.CharField(max_length=8, choices=Whose.choices)
    group = TenantLink(
        ApproverGroup,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: any approver of the tenant.",
    )
    escalated_to = TenantLink(
        ApproverGroup,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose people may decide too, since it has waited for so long.",
    )
    people = models.PositiveSmallIntegerField(default=1)
    policy = TenantLink(ApprovalPolicy, null=True, blank=True, related_name="+")
    own_teams = models.BooleanField(
        default=False, help_text="Owners of the asking team may decide too."
    )

    class Meta:
        ordering = ("request", "version", "position")
        verbose_name = "approval need"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "request", "version", "position"),
                name="governance_need_position",
            ),
        )

    def __str__(self) -> str:
        return f"{self.request} v{self.version}: {self.people} × {self.group or self.whose}"


class Approval(OfRequest):
    """One person's yes to one version of a request; ``seen`` has the figures they were shown."""

    request = TenantLink(QuotaRequest, related_name="approvals")
    version = models.PositiveIntegerField()
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    on_behalf_of = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    whose = models.CharField(max_length=8, choices=Whose.choices)
    at = models.DateTimeField()
    text = models.TextField(blank=True, default="")
    seen = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "request", "version", "person"),
                name="governance_approval_once_a_version",
            ),
        )

    def __str__(self) -> str:
        return f"{self.request} v{self.version}: yes from {self.person}"
