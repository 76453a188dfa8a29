"""The world is complete: a tenant model without rows in it would be tested by nothing."""

import pytest

from tenancy import scope
from tenancy.models import TenantModel
from tests.isolation.registry import label, tenant_models
from tests.world import World


@pytest.mark.parametrize("model", tenant_models(), ids=label)
def test_both_tenants_have_rows_of_every_model(model: type[TenantModel], world: World) -> None:
    for place in (world.contoso, world.fabrikam):
        with scope.of(place.ref):
            assert model._base_manager.exists(), (
                f"tests/world.py makes no {model._meta.label}: add a row of it to both tenants"
            )
