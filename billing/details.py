"""Usage and cost row by row, by series, each with the team whose day it was.

Who may see a row is said by who owned the subscription on the row's day, as on a statement: a
team that hands a subscription over keeps what it spent, and does not see what comes after.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Expression, F, FilteredRelation, Q, QuerySet
from django.db.models.functions import Coalesce, TruncDate

from billing.models import ClassUsage, RatedDay, Usage
from inventory.models import Team
from tenancy.access import Actor

#: What makes a row of each one of its kind, in the order they are to be walked.
COSTS_ORDER = (
    "day",
    "subscription_id",
    "deployment_id",
    "series_id",
    "token_class",
    "price_key",
    "sheet_key",
    "markup_key",
    "rate_key",
    "units_per_price",
)
USAGE_ORDER = ("bucket_start", "subscription_id", "deployment_id", "series_id")
FURTHER_ORDER = (*USAGE_ORDER, "token_class")


def costs(actor: Actor) -> QuerySet[RatedDay]:
    """The rated days that an actor may see; ``team_slug`` is None where nobody owned the day."""
    rows = _with_team(RatedDay.objects.all(), F("day")).annotate(
        price_key=Coalesce("price_id", 0),
        sheet_key=Coalesce("sheet_line_id", 0),
        markup_key=Coalesce("markup_line_id", 0),
        rate_key=Coalesce("exchange_rate_id", 0),
    )
    return _seen(rows, actor).select_related(
        "subscription__gateway",
        "deployment",
        "series",
        "price__meter",
        "sheet_line__sheet",
        "sheet_line__meter",
        "markup_line__sheet",
        "exchange_rate",
    )


def usage(actor: Actor, *, zone: str) -> QuerySet[Usage]:
    """The usage that an actor may see, by bucket; ``zone`` says where the owner's days begin."""
    day = TruncDate("bucket_start", tzinfo=ZoneInfo(zone))
    return _seen(_with_team(Usage.objects.all(), day), actor).select_related(
        "subscription__gateway", "deployment", "series"
    )


def further_usage(actor: Actor, *, zone: str) -> QuerySet[ClassUsage]:
    """The usage of classes without a column of their own that an actor may see, by bucket."""
    day = TruncDate("bucket_start", tzinfo=ZoneInfo(zone))
    return _seen(_with_team(ClassUsage.objects.all(), day), actor).select_related(
        "subscription__gateway", "deployment", "series"
    )


def further_classes(rows: Sequence[Usage]) -> dict[tuple[datetime, int], dict[str, int]]:
    """By bucket and series: what these rows' calls used of further classes."""
    found = ClassUsage.objects.filter(
        bucket_start__in={row.bucket_start for row in rows},
        series__in={row.series_id for row in rows},
    ).order_by("token_class")
    classes: dict[tuple[datetime, int], dict[str, int]] = {}
    for one in found:
        classes.setdefault((one.bucket_start, one.series_id), {})[one.token_class] = one.quantity
    return classes


def _with_team(rows: QuerySet[Any], day: Expression | F) -> QuerySet[Any]:  # Any: annotated
    """Each row joined with its owner on its day: at most one, so that none is repeated."""
    owned = Q(subscription__owner__from_day__lte=day) & (
        Q(subscription__owner__until_day=None) | Q(subscription__owner__until_day__gt=day)
    )
    joined: QuerySet[Any] = rows.annotate(
        bearer=FilteredRelation("subscription__owner", condition=owned),
        bearer_team=F("bearer__team_id"),
        team_slug=F("bearer__team__slug"),
    )
    return joined


def _seen(rows: QuerySet[Any], actor: Actor) -> QuerySet[Any]:
    if actor.sees_whole_tenant:
        return rows
    return rows.filter(bearer_team__in=Team.visible_to(actor))
