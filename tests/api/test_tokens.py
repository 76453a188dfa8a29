"""Who may ask at all: the token decides the tenant, the person and the scopes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.api import urls
from tenancy import scope, tokens
from tenancy.models import ApiToken, Membership, Tenant, TenantState
from tests import world as small_world
from tests.api.addresses import BY_ID, EVERY, PUBLIC, SCOPED, Address
from tests.api.conftest import Program, problem
from tests.world import World

Asking = Callable[..., Program]
#: Lists that are added to, each change planned before it is made.
PLANNED = {"exchange-rates", "mappings", "price-sheets", "reservations"}
#: What is added to at once: it prices nothing anew.
AT_ONCE = {
    "approver-groups",
    "budgets",
    "delegations",
    "notification-endpoints",
    "notification-preferences",
    "ownership",
    "policies",
    "quotas",
    "requests",
    "usage-comparisons",
}
every = pytest.mark.parametrize("address", EVERY, ids=lambda address: address.name)


def test_no_address_is_left_out() -> None:
    named = {address.name for address in EVERY} | {*PUBLIC, *BY_ID}
    assert named == {pattern.name for pattern in urls.urlpatterns}


@every
def test_without_a_token_nothing_is_told(world: World, address: Address) -> None:
    answer = Client().get(address.path)
    assert problem(answer, 401)["code"] == "not-authenticated"
    assert answer["WWW-Authenticate"].startswith("Bearer ")


@every
def test_signing_in_is_no_token(world: World, address: Address) -> None:
    problem(world.dan.get(address.path), 401)


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer apt_contoso_",
        "Bearer apt_contoso_" + "x" * 43,
        "Bearer apt_nowhere_" + "x" * 43,
        "Bearer apt_contoso_" + "x" * 5000,
        "Bearer apt_con\x00toso_" + "x" * 43,
        "Bearer apt_contoso_" + "é" * 43,
        "Basic ZGFuOnNlY3JldA==",
        "Token apt_contoso_" + "x" * 43,
    ],
)
def test_what_is_no_token_of_ours_is_refused(world: World, sent: str) -> None:
    answer = Client().get("/api/v1/teams/", headers={"Authorization": sent})
    problem(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer ")


def test_a_token_says_whose_it_is(program: Asking) -> None:
    index = program("alice", "read:usage").read("")
    assert index["tenant"]["slug"] == "contoso"
    assert index["token"] == {
        "person": "alice@example.org",
        "role": "team_owner",
        "scopes": ["read:usage"],
    }


def test_the_index_leads_everywhere(program: Asking) -> None:
    dan = program("dan")
    links = dan.read("")["links"]
    answers = {name: dan.ask(address).status_code for name, address in links.items()}
    # Each names what is to be asked for.
    wanting = ("usage", "further-usage", "usage-breakdown", "costs", "estimates")
    needs_more = dict.fromkeys(wanting, 400)
    assert answers == dict.fromkeys(links, 200) | needs_more


def test_a_secret_of_one_tenant_is_none_in_another(world: World) -> None:
    token = world.token("dan").replace("apt_contoso_", "apt_fabrikam_")
    assert problem(Program(token).ask("teams/"), 401)["code"] == "bad-token"


def test_a_token_ends(world: World) -> None:
    token = world.token("dan")
    assert Program(token).ask("teams/").status_code == 200
    with time_machine.travel(small_world.NOW + timedelta(hours=1, minutes=1)):
        answer = Program(token).ask("teams/")
    assert problem(answer, 401)["code"] == "bad-token"
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_token_can_be_revoked(world: World) -> None:
    token = world.token("dan")
    with scope.of(world.contoso.ref):
        ApiToken.objects.filter(prefix=token[-43:][:6]).update(revoked_at=small_world.NOW)
    problem(Program(token).ask("teams/"), 401)


def test_a_token_ends_with_its_persons_membership(world: World) -> None:
    token = world.token("dan")
    with scope.of(world.contoso.ref):
        Membership.objects.filter(person=world.people["dan"]).delete()
    problem(Program(token).ask("teams/"), 401)


def test_a_token_of_someone_who_was_shut_out_is_refused(world: World) -> None:
    token = world.token("dan")
    world.people["dan"].is_active = False
    world.people["dan"].save(update_fields=["is_active"])
    problem(Program(token).ask("teams/"), 401)


def test_a_closed_tenants_token_is_refused(world: World) -> None:
    token = world.token("mallory")
    Tenant.objects.filter(slug="fabrikam").update(state=TenantState.CLOSED)
    problem(Program(token).ask("teams/"), 401)


@pytest.mark.parametrize("address", SCOPED, ids=lambda address: address.name)
def test_a_scope_that_is_missing_is_named(program: Asking, address: Address) -> None:
    assert program("dan", str(address.scope)).ask(address.path).status_code == 200
    others = [name for name in tokens.SCOPES if name != address.scope]
    answer = program("dan", *others).ask(address.path)
    document = problem(answer, 403)
    assert document["code"] == "missing-scope"
    assert str(address.scope) in document["detail"]
    assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]


def test_using_a_token_is_noted(world: World) -> None:
    token = world.token("dan")
    Program(token).ask("teams/")
    with scope.of(world.contoso.ref):
        row = ApiToken.objects.get(prefix=token[-43:][:6])
    assert row.last_used_at is not None
    assert row.last_used_at >= small_world.NOW


def test_use_is_noted_once_a_minute_so_that_requests_do_not_wait_for_each_other(
    world: World,
) -> None:
    dan = Program(world.token("dan"))
    dan.read("teams/")
    with CaptureQueriesContext(connection) as asked:
        dan.read("teams/")
    assert asked.captured_queries
    assert not [one for one in asked.captured_queries if one["sql"].startswith("UPDATE")]


@every
def test_nothing_can_be_written_but_what_is_meant_to_be(world: World, address: Address) -> None:
    headers = {"Authorization": f"Bearer {world.token('erin')}"}
    posts = {"POST"} if address.name in PLANNED | AT_ONCE else set()
    for method in {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - posts:
        answer = Client().generic(method, address.path, headers=headers)
        problem(answer, 405)
        assert answer["Allow"] == ", ".join(["GET", "HEAD", *posts])


@every
def test_an_unchanged_answer_is_not_sent_again(program: Asking, address: Address) -> None:
    dan = program("dan")
    first = dan.ask(address.path)
    again = dan.ask(address.path, headers={"If-None-Match": first["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert first["Cache-Control"] == "private, no-cache"
    assert "Authorization" in first["Vary"]
