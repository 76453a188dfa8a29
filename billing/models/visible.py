from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

from inventory.models import Subscription
from tenancy.models import TenantModel

if TYPE_CHECKING:
    from tenancy.access import Actor


class OfSubscription(TenantModel):
    """Rows that are seen by whoever sees their subscription."""

    class Meta:
        abstract = True

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        if actor.sees_whole_tenant:
            return rows
        return rows.filter(subscription__in=Subscription.visible_to(actor))
