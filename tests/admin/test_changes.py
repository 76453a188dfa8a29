"""A change made in the admin: done, kept in the audit log, and followed by what it must cause."""

from __future__ import annotations

from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest

from billing.models import ExchangeRate, MeterMapping, PriceDecision
from governance.models import Quota
from inventory.models import CostCenter, Ownership
from tenancy import audit, scope
from tenancy.models import AuditRecord, Membership, Person, Role, TenantModel
from tests.admin.registered import a_row, address
from tests.world import World

FROM = {"effective_from_0": "2026-09-01", "effective_from_1": "00:00:00"}


def _last(world: World) -> AuditRecord:
    with scope.of(world.contoso.ref):
        assert list(audit.verify()) == []
        found: AuditRecord = AuditRecord.objects.order_by("-number")[0]
        return found


def _done(answer: Any) -> None:
    assert answer.status_code == HTTPStatus.FOUND, answer.context["errors"]


def test_what_was_added_changed_and_removed_is_in_the_audit_log(world: World) -> None:
    _done(world.erin.post(address(world.contoso, CostCenter, "add"), {"code": "CC9", "name": "A"}))
    added = _last(world)
    assert (added.action, added.actor) == ("cost-center.add", "erin@example.org")
    assert added.before is None
    assert added.after is not None
    assert added.after == {
        "id": added.after["id"],
        "code": "CC9",
        "name": "A",
        "owner": None,
    }

    row = added.after["id"]
    change = address(world.contoso, CostCenter, row, "change")
    _done(world.erin.post(change, {"code": "CC9", "name": "B"}))
    changed = _last(world)
    assert (changed.before, changed.after) == ({"name": "A"}, {"name": "B"})

    history = world.carol.get(address(world.contoso, CostCenter, row, "history"))
    assert [record.action for record in history.context["records"]] == [
        "cost-center.change",
        "cost-center.add",
    ]
    _done(world.erin.post(address(world.contoso, CostCenter, row, "delete"), {"post": "yes"}))
    removed = _last(world)
    assert (removed.action, removed.after) == ("cost-center.delete", None)
    assert removed.before == {"id": row, "code": "CC9", "name": "B", "owner": None}


def test_removing_several_leaves_a_record_of_each(world: World) -> None:
    with scope.of(world.contoso.ref):
        rows = [CostCenter.objects.create(code=f"X{n}", name="x").pk for n in range(3)]
        before = AuditRecord.objects.count()
    said = {"action": "delete_selected", "_selected_action": rows, "post": "yes"}
    _done(world.erin.post(address(world.contoso, CostCenter), said))
    with scope.of(world.contoso.ref):
        assert AuditRecord.objects.count() == before + 3
        assert not CostCenter.objects.filter(pk__in=rows).exists()


def test_saving_what_is_there_leaves_no_record(world: World) -> None:
    row, before = a_row(world.contoso, CostCenter), _last(world)
    change = address(world.contoso, CostCenter, row.pk, "change")
    _done(world.erin.post(change, {"code": row.code, "name": row.name}))
    assert _last(world).number == before.number


def test_a_name_that_is_taken_in_the_tenant_is_said_in_the_form(world: World) -> None:
    with scope.of(world.fabrikam.ref):
        CostCenter.objects.create(code="ONLY-THEIRS", name="x")
    add = address(world.contoso, CostCenter, "add")
    taken = world.erin.post(add, {"code": "CC-search", "name": "again"})
    assert taken.status_code == HTTPStatus.OK
    assert b"already exists" in taken.content
    _done(world.erin.post(add, {"code": "ONLY-THEIRS", "name": "not to be seen from here"}))


@pytest.mark.parametrize("kind", [MeterMapping, ExchangeRate, PriceDecision])
def test_prices_are_changed_where_the_effect_is_shown_and_not_here(
    world: World, kind: type[TenantModel]
) -> None:
    row = a_row(world.contoso, kind)
    answer = world.erin.post(address(world.contoso, kind, row.pk, "change"), {"rate": "2", **FROM})
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert world.erin.get(address(world.contoso, kind)).status_code == HTTPStatus.OK
    assert world.erin.get(address(world.contoso, kind, "add")).status_code == HTTPStatus.FORBIDDEN


def test_a_quota_names_who_set_it(world: World) -> None:
    said = {
        "subscription": world.search.subscription.pk,
        "limit": "12.5",
        "unit": "currency",
        "span": "month",
        "hardness": "soft",
        "rollover": "none",
        "thresholds": "50,80",
        "effective_from_0": "2026-12-01",
        "effective_from_1": "00:00:00",
        "set_by": "somebody@else.example",
    }
    _done(world.erin.post(address(world.contoso, Quota, "add"), said))
    with scope.of(world.contoso.ref):
        row = Quota.objects.get(limit=Decimal("12.5"))
        assert row.set_by == "erin@example.org"
    page = world.dan.get(address(world.contoso, Quota))
    assert b"12.5 USD" in page.content


def test_somebody_new_is_invited_with_a_role(world: World) -> None:
    said = {
        "email": "Nina@Example.org",
        "name": "Nina",
        "password": "a-long-enough-phrase",
        "role": Role.FINANCE,
    }
    _done(world.erin.post(address(world.contoso, Membership, "add"), said))
    assert "password" not in (_last(world).after or {})
    nina = Person.objects.get(email="nina@example.org")
    assert nina.check_password("a-long-enough-phrase")
    with scope.of(world.contoso.ref):
        assert Membership.objects.get(person=nina).role == Role.FINANCE


def test_an_invitation_changes_nothing_of_somebody_who_can_sign_in_already(world: World) -> None:
    mallory = world.people["mallory"]
    mallory.set_password("her own, from before")
    mallory.save()
    said = {
        "email": mallory.email,
        "name": "Somebody",
        "password": "a-long-enough-phrase",
        "role": Role.VIEWER,
    }
    _done(world.erin.post(address(world.contoso, Membership, "add"), said))
    mallory.refresh_from_db()
    assert mallory.check_password("her own, from before")
    assert mallory.name == "Mallory"


MOVE = {"from_day": "2026-11-02", "environment": "test", "application": "Chat"}


def test_a_subscription_is_moved_by_the_verb_and_no_row_changes_after(world: World) -> None:
    add = address(world.contoso, Ownership, "add")
    said = MOVE | {"subscription": world.search.subscription.pk, "team": world.support.team.pk}
    refused = world.erin.post(add, said | {"reason": ""})
    assert refused.status_code == HTTPStatus.OK
    assert b"Give a reason" in refused.content
    early = world.erin.post(add, said | {"reason": "Ours.", "from_day": "2026-08-02"})
    assert b"2026-08 is closed" in early.content
    with scope.of(world.contoso.ref):
        assert Ownership.objects.count() == 2

    _done(world.erin.post(add, said | {"reason": "Support runs it."}))
    kept = _last(world)
    assert (kept.action, kept.reason) == ("ownership.assign-retroactively", "Support runs it.")
    with scope.of(world.contoso.ref):
        row = Ownership.objects.get(reason="Support runs it.")
        assert (row.recorded_by, row.environment) == ("erin@example.org", "test")
    for act in ("change", "delete"):
        answer = world.erin.post(address(world.contoso, Ownership, row.pk, act), {"post": "yes"})
        assert answer.status_code == HTTPStatus.FORBIDDEN
