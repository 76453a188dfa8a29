"""Every tenant table, against a neighbour who has the application's own connection.

Each refusal stands beside the success of the same statement in the right scope, so that it is
refused for the right reason.
"""

from __future__ import annotations

import json

import pytest
from django.db import models

from tenancy import scope
from tenancy.models import TenantModel
from tenancy.refusals import NoTenant
from tests.isolation import sql
from tests.isolation.registry import label, tables, tenant_models
from tests.world import World

every_model = pytest.mark.parametrize("model", tenant_models(), ids=label)
every_table = pytest.mark.parametrize("model", tables(), ids=label)


@every_model
def test_without_a_tenant_there_is_nothing(model: type[TenantModel], world: World) -> None:
    assert sql.rows(model) == []
    with pytest.raises(NoTenant):
        model.objects.exists()


@every_model
def test_a_tenant_reads_its_own_rows_only(model: type[TenantModel], world: World) -> None:
    for place in (world.contoso, world.fabrikam):
        with scope.of(place.ref):
            tenants = {json.loads(row)["tenant_id"] for row in sql.rows(model)}
        assert tenants == {place.ref.id}


@every_table
def test_nobody_writes_into_another_tenant(model: type[TenantModel], world: World) -> None:
    with scope.of(world.contoso.ref):
        theirs = sql.rows(model)[0]
    insert, same = sql.insert(model), sql.same(model)
    table = model._meta.db_table
    assert sql.refusal(insert, {"row": theirs}) == sql.REFUSED
    with scope.of(world.fabrikam.ref):
        assert sql.refusal(insert, {"row": theirs}) == sql.REFUSED
        ours = sql.rows(model)[0]
        steal = f"UPDATE {table} t SET tenant_id = {world.contoso.ref.id} WHERE {same}"
        assert sql.refusal(steal, {"row": ours}) == sql.REFUSED
        touch = f"UPDATE {table} t SET tenant_id = t.tenant_id WHERE {same}"
        remove = f"DELETE FROM {table} t WHERE {same}"
        assert sql.touched(touch, {"row": theirs}) == 0
        assert sql.touched(remove, {"row": theirs}) == 0
    with scope.of(world.contoso.ref):
        assert theirs in sql.rows(model)


@every_table
def test_no_link_reaches_into_another_tenant(model: type[TenantModel], world: World) -> None:
    same, table = sql.same(model), model._meta.db_table
    for link in _links(model):
        with scope.of(world.contoso.ref):
            target = sql.rows(link.related_model)[0]
        with scope.of(world.fabrikam.ref):
            ours = _pointing(model, link)
            own = json.loads(ours)[link.column]
            foreign = json.loads(target)["id"]
            if not sql.may_update(model):
                added = json.loads(ours) | {"id": 2**40, link.column: foreign}
                pointed = {"row": json.dumps(added)}
                assert sql.refusal(sql.insert(model), pointed) == sql.POINTS_NOWHERE
                continue
            point = f"UPDATE {table} t SET {link.column} = %(to)s WHERE {same}"
            assert sql.refusal(point, {"row": ours, "to": own}) is None
            assert sql.refusal(point, {"row": ours, "to": foreign}) == sql.POINTS_NOWHERE


@every_table
def test_the_same_row_may_be_written_by_its_tenant(model: type[TenantModel], world: World) -> None:
    """Written again it meets its own key: row security had nothing against it."""
    with scope.of(world.contoso.ref):
        row = sql.rows(model)[0]
        assert sql.refusal(sql.insert(model), {"row": row}) == "23505"


def _links(model: type[TenantModel]) -> list[models.ForeignKey]:
    return [
        field
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey) and issubclass(field.related_model, TenantModel)
    ]


def _pointing(model: type[TenantModel], link: models.ForeignKey) -> str:
    """A row of the tenant in scope that has the link set."""
    found = [row for row in sql.rows(model) if json.loads(row)[link.column] is not None]
    assert found, f"tests/world.py makes no {model._meta.label} with {link.name}: add one"
    return found[0]
