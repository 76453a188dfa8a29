"""The test bed itself: the role that tests connect as, and that nothing stays behind."""

import pytest
from django.db import connection, transaction

from tenancy import scope, tenants
from tenancy.models import Tenant, TenantProfile


@pytest.mark.django_db
def test_tests_connect_as_the_plain_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles"
            " WHERE rolname = current_user"
        )
        assert cursor.fetchone() == ("apportion_app", False)


@pytest.mark.parametrize("run", [1, 2])
def test_what_a_test_commits_is_gone_for_the_next(run: int, committed: None) -> None:
    assert not Tenant.objects.exists()
    ref = tenants.create("left-over", name="Left over", currency="EUR", zone="Europe/Berlin")
    connection.close()  # only what was committed is there for the next connection
    with scope.of(ref):
        assert TenantProfile.objects.count() == 1


@pytest.mark.django_db
def test_a_plain_test_is_one_transaction() -> None:
    assert connection.in_atomic_block
    assert transaction.get_autocommit() is False
