"""Every tenant model there is, found by asking Django: a new one is tested from its first day."""

from __future__ import annotations

from django.apps import apps

from tenancy.models import TenantModel

#: Models that read a view over other tenant models, and hold no rows of their own.
VIEWS = frozenset({"inventory_owner"})


def tenant_models() -> list[type[TenantModel]]:
    """Concrete tenant models, tables and views, by label."""
    found = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    return sorted(found, key=lambda model: model._meta.label)


def tables() -> list[type[TenantModel]]:
    """Those that hold rows."""
    return [model for model in tenant_models() if model._meta.db_table not in VIEWS]


def label(model: type[TenantModel]) -> str:
    """How a test of this model is called."""
    return model._meta.label
