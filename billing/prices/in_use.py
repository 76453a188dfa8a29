"""Which meters of the public list matter to the tenant in scope: those its mappings name."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef

from billing.models import MeterMapping


def mapped(meter: str = "meter_id") -> Exists:
    """Whether a mapping names the meter in this column of the query."""
    return Exists(MeterMapping.objects.filter(meter=OuterRef(meter)))


def deployments(meters: Iterable[int]) -> list[int]:
    """The ids of the deployments that a mapping of any time prices by one of these meters."""
    named = MeterMapping.objects.filter(meter__in=list(meters)).order_by("deployment_id")
    return list(named.values_list("deployment_id", flat=True).distinct())
