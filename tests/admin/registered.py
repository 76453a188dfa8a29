"""Every page of the admin there is, found by asking its site: a new one is tested at once."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models

from tenancy import scope
from tenancy.administration import MembersAdmin
from tenancy.models import TenantModel
from tests.world import Place

Kind = type[models.Model]


def registered() -> list[Kind]:
    """The models with pages in the admin, by label."""
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


def guarded() -> list[Kind]:
    """Those whose rows belong to a tenant."""
    return [model for model in registered() if issubclass(model, TenantModel)]


def label(model: Kind) -> str:
    return model._meta.label


def pages(model: Kind) -> MembersAdmin:
    """The model's pages."""
    found = admin.site._registry[model]
    assert isinstance(found, MembersAdmin)
    return found


def address(place: Place, model: Kind, *rest: object) -> str:
    """Where a page of the model is, in one tenant: the list, or what ``rest`` names."""
    here = f"{place.home}admin/{model._meta.app_label}/{model._meta.model_name}/"
    return here + "".join(f"{part}/" for part in rest)


def a_row(place: Place, model: Kind) -> Any:
    """One of the tenant's rows."""
    with scope.of(place.ref):
        return model._default_manager.all()[0]
