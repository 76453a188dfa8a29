"""Which meters of the public list matter to the tenant in scope: those its mappings name."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from billing.models import MeterMapping


def mapped(meter: str = "meter_id") -> Exists:
    """Whether a mapping names the meter in this column of the query."""
    return Exists(MeterMapping.objects.filter(meter=OuterRef(meter)))
