"""One connection, used by one tenant after the other, with everything going wrong in between."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, connections, transaction

from inventory.models import Team
from tenancy import memberships, scope
from tenancy.models import Membership
from tenancy.refusals import NoTenant
from tenancy.scope import OtherTenant
from tests.world import Place, World


class Broke(Exception):
    """Raised on purpose."""


def _well(place: Place) -> None:
    with scope.of(place.ref):
        _sees_only(place)


def _error_in_python(place: Place) -> None:
    with pytest.raises(Broke), scope.of(place.ref):
        _looks_and_breaks(place)


def _error_in_the_database(place: Place) -> None:
    with pytest.raises(DatabaseError), scope.of(place.ref), connection.cursor() as cursor:
        cursor.execute("SELECT 1/0")


def _error_put_right(place: Place) -> None:
    with scope.of(place.ref):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        _sees_only(place)


def _nested_error(place: Place) -> None:
    with scope.of(place.ref):
        with pytest.raises(Broke), scope.of(place.ref):
            raise Broke
        _sees_only(place)


def _other_inside(place: Place) -> None:
    other = scope.TenantRef(place.ref.id + 1, "other")
    with scope.of(place.ref):
        with pytest.raises(OtherTenant), scope.of(other):
            pass
        _sees_only(place)


def _taken_back(place: Place) -> None:
    with scope.of(place.ref):
        Team.objects.update(name="taken back")
        transaction.set_rollback(True)


WAYS = (
    _well,
    _error_in_python,
    _error_in_the_database,
    _error_put_right,
    _nested_error,
    _other_inside,
    _taken_back,
)


def _looks_and_breaks(place: Place) -> None:
    _sees_only(place)
    raise Broke


def _sees_only(place: Place) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM inventory_team")
        assert cursor.fetchall() == [(place.ref.id,)]


def _setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting('apportion.tenant', true), '')"
            " || coalesce(current_setting('apportion.person', true), '')"
        )
        return str(cursor.fetchone()[0])


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("second", WAYS, ids=lambda way: way.__name__.strip("_"))
@pytest.mark.parametrize("first", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_nothing_of_a_tenant_stays_on_the_connection(
    first: Callable[[Place], None], second: Callable[[Place], None], lasting_world: World
) -> None:
    backend = _backend()
    for way, place in ((first, lasting_world.contoso), (second, lasting_world.fabrikam)):
        way(place)
        assert _setting() == ""
        assert Team._base_manager.count() == 0
    assert _backend() == backend


def test_asking_for_ones_tenants_leaves_nothing_either(lasting_world: World) -> None:
    found = memberships.tenants_of(lasting_world.people["alice"])
    assert [tenant.slug for tenant in found] == ["contoso"]
    assert _setting() == ""
    assert Membership._base_manager.count() == 0


def test_ones_own_memberships_are_the_only_rows_across_tenants(lasting_world: World) -> None:
    alice = lasting_world.people["alice"]
    with scope.of_person(alice.pk):
        assert {row.person_id for row in Membership._base_manager.all()} == {alice.pk}
        assert Team._base_manager.count() == 0
        assert Membership._base_manager.update(role="admin") == 0


def test_a_thread_does_not_inherit_the_scope(lasting_world: World) -> None:
    def looked() -> int:
        try:
            with pytest.raises(NoTenant):
                scope.tenant_id()
            return Team._base_manager.count()
        finally:
            connections.close_all()

    with scope.of(lasting_world.contoso.ref), ThreadPoolExecutor(1) as pool:
        assert pool.submit(looked).result() == 0
