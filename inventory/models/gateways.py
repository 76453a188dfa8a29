from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from inventory.models.teams import CostCenter, Team, teams_of
from inventory.rules.dimensions import faults_of_names
from tenancy.links import TenantLink
from tenancy.models import TenantModel
from tenancy.models.tenants import SLUG

if TYPE_CHECKING:
    from tenancy.access import Actor

GUID = RegexValidator(r"\A[0-9a-fA-F-]{36}\Z", "Use the GUID that the Azure portal shows.")
RESOURCE = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9._()-]{0,88}[A-Za-z0-9)_-]?\Z",
    "Use the name as the Azure portal shows it.",
)


class UsageSource(models.TextChoices):
    """Where a gateway's usage is read from: one of them, never several added together."""

    LLM_LOG = "llm_log", "gateway logs (LLM log joined to gateway log)"
    METRICS = "metrics", "emitted token metrics (AppMetrics)"
    EVENTS = "events", "pushed usage events"


class Gateway(TenantModel):
    """One API Management service and the Log Analytics workspace its logs go to.

    One whose usage is pushed may be any other gateway: it has no service and no workspace.
    """

    name = models.CharField(max_length=62, validators=[SLUG])
    azure_subscription_id = models.CharField(max_length=36, blank=True, validators=[GUID])
    resource_group = models.CharField(max_length=90, blank=True, validators=[RESOURCE])
    service = models.CharField(
        max_length=50,
        blank=True,
        validators=[RESOURCE],
        help_text="Name of the API Management service. Empty for another gateway, whose usage is "
        "pushed.",
    )
    workspace_id = models.CharField(
        max_length=36,
        blank=True,
        validators=[GUID],
        help_text="Workspace ID (GUID) in Log Analytics. Empty where usage is pushed.",
    )
    credential = models.CharField(
        max_length=62,
        default="default",
        help_text="Entry of APPORTION_AZURE_CREDENTIALS_FILE, or 'default' for the machine's own "
        "managed identity.",
    )
    inference_url = models.URLField(
        blank=True, help_text="Base address of the gateway's inference API, for test calls."
    )
    usage_from = models.DateTimeField(help_text="Usage is read from this instant on.")
    usage_source = models.CharField(
        max_length=16,
        choices=UsageSource.choices,
        default=UsageSource.LLM_LOG,
        help_text="Where usage is read from. One source counts; sources are never added together.",
    )
    metric_dimensions = models.JSONField(
        default=dict,
        blank=True,
        help_text="For emitted metrics: the names of dimensions that differ from the usual, such "
        'as {"application": "App name"}.',
    )

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("tenant", "name"), name="inventory_gateway_name"),
            models.CheckConstraint(
                condition=models.Q(usage_source="events")
                | ~(models.Q(service="") | models.Q(workspace_id="")),
                name="inventory_gateway_has_its_log",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a gateway that is read from a log and names none, and names no query can hold."""
        super().clean()
        if faults := faults_of_names(self.metric_dimensions):
            raise ValidationError({"metric_dimensions": faults})
        if self.usage_source == UsageSource.EVENTS:
            return
        needed = ("azure_subscription_id", "resource_group", "service", "workspace_id")
        says = "Needed unless usage is pushed (usage source 'events')."
        if missing := {name: says for name in needed if not getattr(self, name)}:
            raise ValidationError(missing)


class ModelAccount(TenantModel):
    """An Azure AI account behind a gateway, whose deployments are read."""

    gateway = TenantLink(Gateway, related_name="accounts")
    azure_subscription_id = models.CharField(max_length=36, validators=[GUID])
    resource_group = models.CharField(max_length=90, validators=[RESOURCE])
    account = models.CharField(max_length=64, validators=[RESOURCE])

    class Meta:
        ordering = ("account",)
        verbose_name = "model account"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "gateway", "account"), name="inventory_model_account_name"
            ),
        )

    def __str__(self) -> str:
        return self.account


class Origin(models.TextChoices):
    INVENTORY = "inventory", "read from Azure"
    USAGE = "usage", "seen in usage only"


class Product(TenantModel):
    """An API Management product: a tier with its token limits at the gateway."""

    gateway = TenantLink(Gateway, related_name="products")
    name = models.CharField(max_length=256)
    display_name = models.CharField(max_length=300)
    tokens_per_minute = models.BigIntegerField(null=True, blank=True)
    token_quota = models.BigIntegerField(null=True, blank=True)
    token_quota_period = models.CharField(max_length=16, blank=True)
    seen_at = models.DateTimeField()
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "gateway", "name"), name="inventory_product_name"
            ),
        )

    def __str__(self) -> str:
        return self.display_name


class GatewayState(models.TextChoices):
    """The states of an API Management subscription, and `unknown` where Azure has none."""

    ACTIVE = "active", "active"
    SUSPENDED = "suspended", "suspended"
    SUBMITTED = "submitted", "submitted"
    REJECTED = "rejected", "rejected"
    CANCELLED = "cancelled", "cancelled"
    EXPIRED = "expired", "expired"
    UNKNOWN = "unknown", "unknown"


class Subscription(TenantModel):
    """An API Management subscription: a key, scoped to a product, owned by a team.

    One that is seen in usage but not in the gateway's inventory is kept too, with no owner:
    its usage is unallocated, not lost. The empty name stands for calls without a subscription.
    """

    gateway = TenantLink(Gateway, related_name="subscriptions")
    name = models.CharField(max_length=256, blank=True)
    display_name = models.CharField(max_length=300, blank=True)
    product = TenantLink(Product, null=True, blank=True, related_name="subscriptions")
    state = models.CharField(
        max_length=16, choices=GatewayState.choices, default=GatewayState.UNKNOWN
    )
    state_comment = models.TextField(blank=True)
    origin = models.CharField(max_length=16, choices=Origin.choices)
    seen_at = models.DateTimeField()
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("gateway", "name")
        verbose_name = "APIM subscription"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "gateway", "name"), name="inventory_subscription_name"
            ),
        )

    def __str__(self) -> str:
        return self.name or "(no subscription)"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        """All of the tenant's, or those whose present owner is one of the actor's teams."""
        rows: models.QuerySet[Self] = cls.objects.all()
        if actor.sees_whole_tenant:
            return rows
        return rows.filter(owner__team_id__in=teams_of(actor), owner__until_day=None)


class Ownership(TenantModel):
    """From which local day on a subscription belongs to a team (or, with none, to nobody).

    With it go the cost center that bears it (none: the team's own), its environment and the
    application it serves. Its end is the next one's start, never stored twice. A row never
    changes: another for the same day takes its place, so that what was known when can be told.
    """

    subscription = TenantLink(Subscription, related_name="ownerships")
    team = TenantLink(Team, null=True, blank=True, related_name="ownerships")
    cost_center = TenantLink(
        CostCenter,
        null=True,
        blank=True,
        related_name="ownerships",
        help_text="Where its cost is booked. None: the team's own cost center.",
    )
    environment = models.CharField(
        max_length=60, blank=True, default="", help_text="Such as production or test."
    )
    application = models.CharField(
        max_length=120, blank=True, default="", help_text="What it is used for."
    )
    from_day = models.DateField()
    reason = models.TextField(blank=True)
    recorded_at = models.DateTimeField(help_text="When it was written down.")
    recorded_by = models.CharField(max_length=254, blank=True, default="")

    class Meta:
        ordering = ("subscription", "from_day", "id")
        verbose_name_plural = "ownership"
        indexes = (
            models.Index(
                fields=("tenant", "subscription", "from_day", "id"),
                name="inventory_ownership_start",
            ),
        )

    def __str__(self) -> str:
        return f"{self.subscription} → {self.team or 'nobody'} from {self.from_day}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        return rows if actor.sees_whole_tenant else rows.filter(team_id__in=teams_of(actor))


class Owner(TenantModel):
    """Who owned a subscription from when to before when: the view over `Ownership`.

    Of several rows for one day the one that was recorded last counts.
    """

    subscription = models.ForeignKey(
        Subscription, on_delete=models.DO_NOTHING, db_constraint=False, related_name="owner"
    )
    team = models.ForeignKey(
        Team,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="owned",
    )
    cost_center = models.ForeignKey(
        CostCenter,
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    environment = models.CharField(max_length=60)
    application = models.CharField(max_length=120)
    from_day = models.DateField()
    until_day = models.DateField(null=True)
    reason = models.TextField()
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=254)

    class Meta:
        managed = False
        db_table = "inventory_owner"
        ordering = ("subscription", "from_day")

    def __str__(self) -> str:
        return f"{self.subscription_id}, {self.from_day} to {self.until_day or 'now'}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        return rows if actor.sees_whole_tenant else rows.filter(team_id__in=teams_of(actor))


class Deployment(TenantModel):
    """A model deployment, known by its account's host and its name there.

    Names are the customer's own and repeat between accounts; model, version, type and region
    come from Azure, never from the name. The base model is what a fine-tuned one was made from.
    """

    gateway = TenantLink(Gateway, related_name="deployments")
    host = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=256, blank=True)
    model = models.CharField(max_length=128, blank=True)
    version = models.CharField(max_length=64, blank=True)
    base_model = models.CharField(max_length=128, blank=True)
    base_version = models.CharField(max_length=64, blank=True)
    sku = models.CharField(max_length=64, blank=True)
    region = models.CharField(max_length=64, blank=True)
    origin = models.CharField(max_length=16, choices=Origin.choices)
    seen_at = models.DateTimeField()
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("host", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "gateway", "host", "name"), name="inventory_deployment_name"
            ),
        )

    def __str__(self) -> str:
        return self.name or "(unnamed deployment)"


class DeploymentState(TenantModel):
    """From when on a deployment had this SKU and capacity; capacity 0: there was none.

    Its end is the next one's start, never stored twice. Provisioned throughput and the hosting of
    fine-tuned models are billed by it, used or not.
    """

    deployment = TenantLink(Deployment, related_name="states")
    from_instant = models.DateTimeField()
    sku = models.CharField(max_length=64, blank=True)
    capacity = models.PositiveIntegerField(
        help_text="In the SKU's own unit: throughput units (PTUs) where it is provisioned."
    )

    class Meta:
        ordering = ("deployment", "from_instant")
        verbose_name = "deployment state"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "deployment", "from_instant"),
                name="inventory_deployment_state_start",
            ),
        )

    def __str__(self) -> str:
        return f"{self.sku} × {self.capacity} from {self.from_instant:%Y-%m-%d %H:%M} UTC"
