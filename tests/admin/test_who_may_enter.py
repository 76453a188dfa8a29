"""Who sees which page of the admin, for every model that has one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from tenancy.administration import May
from tests.admin.registered import a_row, address, guarded, label, pages, registered
from tests.world import World

OK, REFUSED, MISSING = HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND

every_model = pytest.mark.parametrize("model", registered(), ids=label)
every_guarded_model = pytest.mark.parametrize("model", guarded(), ids=label)


def _status(browser: Client, page: str) -> int:
    return int(browser.get(page).status_code)


@every_model
def test_an_administrator_may_do_what_the_model_allows(model: Any, world: World) -> None:
    may, row = pages(model).admins_may, a_row(world.contoso, model)
    assert _status(world.erin, address(world.contoso, model)) == OK
    assert _status(world.erin, address(world.contoso, model, row.pk, "change")) == OK
    added = OK if May.ADD in may else REFUSED
    assert _status(world.erin, address(world.contoso, model, "add")) == added
    removed = OK if May.DELETE in may else REFUSED
    assert _status(world.erin, address(world.contoso, model, row.pk, "delete")) == removed
    answer = world.erin.post(address(world.contoso, model, row.pk, "change"), {})
    assert answer.status_code in ((OK, HTTPStatus.FOUND) if May.CHANGE in may else (REFUSED,))


@every_model
def test_approver_finance_and_auditor_look_only(model: Any, world: World) -> None:
    row = a_row(world.contoso, model)
    change = address(world.contoso, model, row.pk, "change")
    for person in (world.carol, world.dan, world.vic):
        assert _status(person, address(world.contoso, model)) == OK
        assert _status(person, change) == OK
        assert _status(person, address(world.contoso, model, "add")) == REFUSED
        assert _status(person, address(world.contoso, model, row.pk, "delete")) == REFUSED
        assert person.post(change, {}).status_code == REFUSED
        assert person.post(address(world.contoso, model, "add"), {}).status_code == REFUSED


@every_model
def test_a_team_owner_does_not_enter(model: Any, world: World) -> None:
    row = a_row(world.contoso, model)
    for page in ((), ("add",), (row.pk, "change"), (row.pk, "history"), (row.pk, "delete")):
        assert _status(world.alice, address(world.contoso, model, *page)) == REFUSED


@every_model
def test_the_administrator_of_another_tenant_finds_nothing(model: Any, world: World) -> None:
    row = a_row(world.contoso, model)
    for page in ((), ("add",), (row.pk, "change"), (row.pk, "history"), (row.pk, "delete")):
        assert _status(world.mallory, address(world.contoso, model, *page)) == MISSING
    assert _status(world.mallory, address(world.fabrikam, model)) == OK


@every_guarded_model
def test_the_row_of_another_tenant_is_not_there(model: Any, world: World) -> None:
    ours, theirs = a_row(world.contoso, model), a_row(world.fabrikam, model)
    for page in ("change", "history"):
        assert _status(world.erin, address(world.contoso, model, ours.pk, page)) == OK
        assert _status(world.erin, address(world.contoso, model, theirs.pk, page)) == MISSING
    if May.DELETE in pages(model).admins_may:
        page = address(world.contoso, model, theirs.pk, "delete")
        assert world.erin.post(page, {"post": "yes"}).status_code == MISSING


def test_the_index_has_no_list_of_djangos_own(world: World) -> None:
    page = world.erin.get(f"{world.contoso.home}admin/")
    assert page.status_code == OK
    assert b"Gateways" in page.content
    assert b"Recent actions" not in page.content
    assert b"Groups" not in page.content


def test_nobody_signs_in_at_the_admin(world: World) -> None:
    login = f"{world.contoso.home}admin/login/"
    assert _status(world.erin, login) == OK
    assert _status(world.alice, login) == REFUSED
    assert Client().get(login).status_code == HTTPStatus.FOUND
