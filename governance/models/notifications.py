from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from governance.rules.topics import ABOUT, TIMINGS, TOPICS, Timing, Topic
from inventory.models import CostCenter, Team, teams_of
from tenancy.links import TenantLink
from tenancy.models import Person, TenantModel

if TYPE_CHECKING:
    from tenancy.access import Actor

_TIMINGS = [(timing.value, says) for timing, says in TIMINGS.items()]


class Notice(TenantModel):
    """Something that happened and that people are told of, once: ``key`` says what it is.

    A notice of a team is for its people, one of a cost center for its owner too, and one of a cost
    center alone for the people of its teams as well. One of neither, and any other, is for those
    who see the whole tenant.
    """

    topic = models.CharField(max_length=32, choices=TOPICS)
    key = models.CharField(max_length=200, editable=False)
    subject_kind = models.CharField(max_length=40)
    subject_key = models.CharField(max_length=200)
    team = TenantLink(Team, null=True, blank=True)
    cost_center = TenantLink(CostCenter, null=True, blank=True)
    title = models.CharField(max_length=200)
    lines = models.JSONField(default=list)
    link = models.CharField(max_length=400, blank=True, help_text="Path below the tenant's.")
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("tenant", "key"), name="governance_notice_once"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def about(self) -> str:
        """The topic in words."""
        return ABOUT[Topic(self.topic)].label

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        return rows if actor.sees_whole_tenant else rows.filter(concerning(actor))


def concerning(actor: Actor, *, under: str = "") -> Q:
    """The notices of whoever sees but part of the tenant; ``under`` leads to them from a row."""
    mine = teams_of(actor)
    centers = Team.objects.filter(id__in=mine).values("cost_center_id")
    return (
        Q(**{f"{under}team_id__in": mine})
        | Q(**{f"{under}cost_center__owner_id": actor.person_id})
        | Q(**{f"{under}team": None, f"{under}cost_center_id__in": centers})
    )


class EndpointKind(models.TextChoices):
    TEAMS = "teams", "Microsoft Teams"
    SLACK = "slack", "Slack"
    WEBHOOK = "webhook", "signed webhook"


class Endpoint(TenantModel):
    """An address that notices are posted to: a team's, or the tenant's.

    The secret of a signed webhook is derived from the installation's key and ``generation``.
    """

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=EndpointKind.choices)
    team = TenantLink(Team, null=True, blank=True)
    url = models.CharField(max_length=2000)
    topics = models.JSONField(default=list, help_text="What it is told of.")
    active = models.BooleanField(default=True)
    generation = models.PositiveIntegerField(default=1, editable=False)
    rotated_at = models.DateTimeField(null=True, blank=True, editable=False)
    set_by = models.CharField(max_length=254, editable=False)
    set_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        return rows if actor.sees_whole_tenant else rows.filter(team_id__in=teams_of(actor))


class Preference(TenantModel):
    """How one person wants to be told of a topic. No row: as `governance.rules.topics` says."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    topic = models.CharField(max_length=32, choices=TOPICS)
    inbox = models.BooleanField(default=True, help_text="Shown in Apportion.")
    email = models.CharField(max_length=8, choices=_TIMINGS)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "person", "topic"), name="governance_preference_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.person}, {self.get_topic_display()}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.filter(person_id=actor.person_id)
        return rows


class Channel(models.TextChoices):
    INBOX = "inbox", "in Apportion"
    EMAIL = "email", "e-mail"
    TEAMS = "teams", "Microsoft Teams"
    SLACK = "slack", "Slack"
    WEBHOOK = "webhook", "signed webhook"


class DeliveryState(models.TextChoices):
    WAITING = "waiting", "waiting"
    SENT = "sent", "sent"
    FAILED = "failed", "failed, tried again"
    DEAD = "dead", "given up"
    DROPPED = "dropped", "not sent: no longer theirs"


#: Those that are still to be sent.
OPEN = (DeliveryState.WAITING, DeliveryState.FAILED)


class Delivery(TenantModel):
    """One notice on its way to one person or endpoint by one channel: an outbox and its log.

    ``lease`` counts who took it: only whoever took it last may record what came of it.
    """

    notice = TenantLink(Notice, related_name="deliveries")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    endpoint = TenantLink(Endpoint, null=True, blank=True)
    timing = models.CharField(max_length=8, choices=_TIMINGS[:2], default=Timing.AT_ONCE.value)
    state = models.CharField(
        max_length=8, choices=DeliveryState.choices, default=DeliveryState.WAITING
    )
    tries = models.PositiveIntegerField(default=0)
    recorded_at = models.DateTimeField()
    first_due_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease = models.PositiveIntegerField(default=0, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    status = models.PositiveIntegerField(
        null=True, blank=True, help_text="What the receiver answered to the last try."
    )
    error = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "deliveries"
        constraints = (
            models.CheckConstraint(
                condition=Q(person=None) ^ Q(endpoint=None), name="governance_delivery_one_receiver"
            ),
            models.UniqueConstraint(
                fields=("tenant", "notice", "channel", "person"),
                condition=Q(person__isnull=False),
                name="governance_delivery_person_once",
            ),
            models.UniqueConstraint(
                fields=("tenant", "notice", "endpoint"),
                condition=Q(endpoint__isnull=False),
                name="governance_delivery_endpoint_once",
            ),
        )
        indexes = (
            models.Index(
                fields=("tenant", "due_at"),
                condition=Q(state__in=("waiting", "failed")),
                name="governance_delivery_due",
            ),
            models.Index(
                fields=("tenant", "person", "id"),
                condition=Q(channel="inbox"),
                name="governance_delivery_inbox",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.notice}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        """One's own and those of one's teams' endpoints, of what one may see now."""
        rows: models.QuerySet[Self] = cls.objects.all()
        if actor.sees_whole_tenant:
            return rows
        teams = teams_of(actor)
        mine = Q(person_id=actor.person_id) | Q(endpoint__team_id__in=teams)
        return rows.filter(mine, concerning(actor, under="notice__"))


class NewsMark(TenantModel):
    """How far what happened has been turned into notices, by where it was read."""

    source = models.CharField(max_length=32)
    through = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("tenant", "source"), name="governance_news_mark_once"),
        )

    def __str__(self) -> str:
        return f"{self.source} through {self.through:%Y-%m-%d %H:%M}"
