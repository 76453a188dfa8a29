"""The audit log: complete, in order, and no change of it unnoticed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connections, transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from portal.embedded import Role
from tenancy import audit, scope
from tenancy.models import AuditRecord
from tests import bed
from tests.world import NOW, World

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, places=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
documents = st.none() | st.dictionaries(st.text(max_size=20), values, max_size=5)


def _record(number: int = 0, **said: Any) -> AuditRecord:
    return audit.record("quota.set", f"key {number}", by="erin@example.org", at=NOW, **said)


def _problems() -> list[int]:
    return [broken.number for broken in audit.verify()]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=documents, after=documents)
def test_whatever_is_recorded_holds(before: Any, after: Any, world: World) -> None:
    assume("\\x00" not in ascii([before, after]))  # PostgreSQL's jsonb holds no NUL
    with scope.of(world.contoso.ref), transaction.atomic():
        _record(before=before, after=after)
        assert _problems() == []
        transaction.set_rollback(True)


def test_amounts_and_instants_are_kept_to_the_last_digit(world: World) -> None:
    with scope.of(world.contoso.ref):
        _record(after={"limit": Decimal("12.500000000000000001"), "from": NOW})
        kept = AuditRecord.objects.order_by("-number")[0]
        assert kept.after == {"limit": "12.500000000000000001", "from": "2026-11-20T14:20:00Z"}
        assert _problems() == []


def test_each_tenant_has_its_own_numbers(world: World) -> None:
    for place in (world.contoso, world.fabrikam):
        with scope.of(place.ref):
            last = AuditRecord.objects.count()
            assert _record().number == last + 1


def test_the_application_can_only_add(world: World) -> None:
    with scope.of(world.contoso.ref):
        for change in (
            lambda: AuditRecord.objects.update(actor="mallory@example.org"),
            lambda: AuditRecord.objects.all().delete(),
        ):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                change()


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE tenancy_auditrecord SET actor = 'x' WHERE number = 3", [3]),
        ("UPDATE tenancy_auditrecord SET after = '{\"limit\": 9}' WHERE number = 3", [3]),
        ("UPDATE tenancy_auditrecord SET at = at + interval '1 second' WHERE number = 3", [3]),
        ("UPDATE tenancy_auditrecord SET reason = 'because' WHERE number = 3", [3]),
        ("DELETE FROM tenancy_auditrecord WHERE number = 3", [4]),
        ("DELETE FROM tenancy_auditrecord WHERE number = 1", [2]),
        ("UPDATE tenancy_auditrecord SET number = 9 WHERE number = 3", [4, 9]),
    ],
)
def test_a_change_by_other_means_is_found(
    statement: str, broken: list[int], committed_world: World
) -> None:
    """By somebody with all rights on the server."""
    with scope.of(committed_world.contoso.ref):
        while AuditRecord.objects.count() < 5:
            _record(AuditRecord.objects.count())
        assert _problems() == []
    with psycopg.connect(bed.url(Role.SUPERUSER), autocommit=True) as server:
        tenant = committed_world.contoso.ref.id
        server.execute(f"{statement} AND tenant_id = {tenant}".encode())
    with scope.of(committed_world.contoso.ref):
        assert _problems()[: len(broken)] == broken
    with scope.of(committed_world.fabrikam.ref):
        assert _problems() == []


def test_many_at_once_leave_one_chain(committed_world: World) -> None:
    tenant = committed_world.contoso.ref

    def several(writer: int) -> None:
        try:
            for number in range(5):
                with scope.of(tenant):
                    _record(writer * 100 + number)
        finally:
            connections.close_all()

    with scope.of(tenant):
        before = AuditRecord.objects.count()
    with ThreadPoolExecutor(4) as writers:
        list(writers.map(several, range(4)))
    with scope.of(tenant):
        assert AuditRecord.objects.count() == before + 20
        assert _problems() == []


def test_a_change_taken_back_leaves_no_record(committed_world: World) -> None:
    with scope.of(committed_world.contoso.ref):
        before = AuditRecord.objects.count()
    with scope.of(committed_world.contoso.ref):
        _record()
        transaction.set_rollback(True)
    with scope.of(committed_world.contoso.ref):
        assert AuditRecord.objects.count() == before
        assert _record().number == before + 1
        assert _problems() == []
