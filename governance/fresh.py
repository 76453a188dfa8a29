"""Whose usage has been read of late: of what is known so late nothing new is said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.models import UsageFeed
from governance.models import Level
from inventory.models import Owner, Subscription
from tenancy import periods, tenants


@dataclass(frozen=True, slots=True)
class Fresh:
    """The subjects with usage of late. A team or a cost center that is at several gateways has it
    where one of these was read: what is known of it is then no more than it used.
    """

    subjects: frozenset[tuple[Level, int]]

    def __contains__(self, subject: tuple[Level, int]) -> bool:
        return subject in self.subjects


def of_tenant(*, at: datetime, stale_after: timedelta) -> Fresh:
    """Of the tenant in scope: those whose usage was read to within ``stale_after`` of an instant.

    A subscription belongs to whoever owns it on that day.
    """
    today = periods.local_day(at, tenants.billing().zone)
    feeds = UsageFeed.objects.filter(through__gte=at - stale_after)
    read = list(feeds.values_list("gateway_id", flat=True))
    mine = Subscription.objects.filter(gateway_id__in=read)
    owners = (
        Owner.objects.filter(subscription__gateway_id__in=read, team__isnull=False)
        .filter(from_day__lte=today)
        .exclude(until_day__lte=today)
        .values_list("team_id", "cost_center_id", "team__cost_center_id")
        .distinct()
    )
    subjects = {(Level.SUBSCRIPTION, id) for id in mine.values_list("id", flat=True)}
    for team, own, center in owners:
        subjects |= {(Level.TEAM, team), (Level.COST_CENTER, own or center)}
    return Fresh(frozenset(subjects))
