"""Who acts is said by the membership, at the moment of the request, and by nothing else."""

from __future__ import annotations

from http import HTTPStatus

from tenancy import scope
from tenancy.models import Membership, Role, Tenant, TenantState
from tests.world import World

OK, MISSING, REFUSED = HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN


def _membership(world: World, name: str) -> Membership:
    found: Membership = Membership.objects.get(person=world.people[name])
    return found


def test_nothing_a_caller_sends_makes_a_role(world: World) -> None:
    page = f"{world.contoso.home}admin/"
    claims = {"X-Role": "admin", "X-Tenant": "contoso", "X-User": "erin@example.org"}
    assert world.erin.get(page).status_code == OK
    assert world.alice.get(page, {"role": "admin"}, headers=claims).status_code == REFUSED
    world.alice.cookies["role"] = "admin"
    session = world.alice.session
    session.update({"role": "admin", "tenant": "contoso", "is_staff": True})
    session.save()
    assert world.alice.get(page).status_code == REFUSED
    assert world.mallory.get(page, headers=claims).status_code == MISSING


def test_a_role_holds_from_the_next_request_on(world: World) -> None:
    page = f"{world.contoso.home}admin/"
    assert world.alice.get(page).status_code == REFUSED
    with scope.of(world.contoso.ref):
        Membership.objects.filter(person=world.people["alice"]).update(role=Role.AUDITOR)
    assert world.alice.get(page).status_code == OK


def test_who_is_no_member_any_more_finds_nothing_at_once(world: World) -> None:
    assert world.bob.get(world.contoso.home).status_code == OK
    with scope.of(world.contoso.ref):
        _membership(world, "bob").delete()
    assert world.bob.get(world.contoso.home).status_code == MISSING


def test_who_may_not_sign_in_any_more_is_signed_out_at_once(world: World) -> None:
    assert world.bob.get(world.contoso.home).status_code == OK
    bob = world.people["bob"]
    bob.is_active = False
    bob.save()
    assert world.bob.get(world.contoso.home).status_code == HTTPStatus.FOUND


def test_a_closed_tenant_is_not_there_even_for_its_members(world: World) -> None:
    assert world.erin.get(world.contoso.home).status_code == OK
    Tenant.objects.filter(pk=world.contoso.ref.id).update(state=TenantState.CLOSED)
    assert world.erin.get(world.contoso.home).status_code == MISSING


def test_a_member_of_two_tenants_has_a_role_in_each(world: World) -> None:
    with scope.of(world.contoso.ref):
        Membership.objects.create(person=world.people["mallory"], role=Role.VIEWER)
    assert world.mallory.get(f"{world.fabrikam.home}admin/").status_code == OK
    assert world.mallory.get(f"{world.contoso.home}admin/").status_code == REFUSED
