"""Every page and every resource of the API, against everybody who has no business there."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from tests.isolation.routes import NO_SUCH_NUMBER, OPEN, Route, api, outside, pages
from tests.isolation.state import digests
from tests.world import NOW, Place, World

OF_A_TEAM = [route for route in pages() if route.team_keys]
RESOURCES_OF_A_TEAM = [route for route in api() if route.team_keys]

every_page = pytest.mark.parametrize("route", pages(), ids=str)
every_team_page = pytest.mark.parametrize("route", OF_A_TEAM, ids=str)
every_resource = pytest.mark.parametrize("route", api(), ids=str)
every_team_resource = pytest.mark.parametrize("route", RESOURCES_OF_A_TEAM, ids=str)


@pytest.fixture(autouse=True)
def _in_november(clock_at: Any) -> None:
    clock_at(NOW)


@pytest.fixture
def bearer(world: World) -> Any:
    """Opens the API as a person; of all scopes, unless some are named."""

    def opened(name: str, *scopes: str) -> Client:
        return Client(headers={"authorization": f"Bearer {world.token(name, *scopes)}"})

    return opened


# --- pages ---------------------------------------------------------------------------------------


@every_page
def test_nobody_sees_a_page_without_signing_in(route: Route, world: World) -> None:
    page = route.address(world.contoso, world.search)
    answer = Client().get(page)
    assert answer.status_code == HTTPStatus.FOUND
    assert answer.headers["Location"].startswith("/sign-in/?next=/t/contoso/")


@every_page
def test_no_page_is_there_for_a_person_of_another_tenant(route: Route, world: World) -> None:
    page = route.address(world.contoso, world.search)
    assert world.erin.get(page).status_code == HTTPStatus.OK
    assert world.mallory.get(page).status_code == HTTPStatus.NOT_FOUND
    assert world.mallory.post(page).status_code == HTTPStatus.NOT_FOUND


@every_team_page
def test_no_page_of_a_team_is_there_for_another_team(route: Route, world: World) -> None:
    mine = route.address(world.contoso, world.search)
    not_mine = route.address(world.contoso, world.support)
    assert world.alice.get(mine).status_code == HTTPStatus.OK
    assert world.bob.get(not_mine).status_code == HTTPStatus.OK
    assert world.alice.get(not_mine).status_code == HTTPStatus.NOT_FOUND


@every_team_page
def test_not_yours_and_no_such_are_told_alike(route: Route, world: World) -> None:
    page = route.address(world.contoso, world.support)
    missing = page.replace("key-support", "key-nowhere").replace("/support/", "/nowhere/")
    if "number" in route.keys:
        missing = re.sub(r"/[0-9]+/", f"/{NO_SUCH_NUMBER}/", page)
    assert missing != page
    refused, unknown = world.alice.get(page), world.alice.get(missing)
    assert unknown.status_code == HTTPStatus.NOT_FOUND
    assert _said(refused, "support") == _said(unknown, "nowhere")


@every_page
def test_a_key_of_another_tenant_opens_nothing(route: Route, world: World) -> None:
    """The address says one's own tenant, the keys in it are the other's."""
    if route.foreign_keys:
        theirs = route.address(world.fabrikam, world.fabrikam.houses[0])
        page = theirs.replace("/t/fabrikam/", "/t/contoso/")
        assert world.mallory.get(theirs).status_code == HTTPStatus.OK
        assert world.erin.get(page).status_code == HTTPStatus.NOT_FOUND
    else:
        seen = world.erin.get(route.address(world.contoso, world.search)).content
        assert [word for word in (b"Pune", b"Kochi", b"Fabrikam") if word in seen] == []


@pytest.mark.parametrize("route", [route for route in pages() if not route.team_keys], ids=str)
def test_a_page_of_all_teams_shows_a_team_owner_their_own(route: Route, world: World) -> None:
    page = world.alice.get(route.address(world.contoso, world.search))
    if page.status_code == HTTPStatus.OK:
        assert [word for word in (b"key-support", b"Support") if word in page.content] == []
    else:
        assert page.status_code == HTTPStatus.FORBIDDEN


# --- outside any tenant --------------------------------------------------------------------------


@pytest.mark.parametrize("route", outside(), ids=str)
def test_what_is_open_to_all_is_known(route: Route, world: World) -> None:
    if route.name in OPEN:
        return
    page = route.address(world.contoso, world.search)
    assert Client().get(page).headers["Location"].startswith("/sign-in/?next=")


def test_a_person_without_a_tenant_enters_none(world: World) -> None:
    from tenancy.models import Person  # noqa: PLC0415 - only here
    from tests.world import Browser  # noqa: PLC0415

    stranger = Browser(Person.objects.create_person("zoe@example.org", name="Zoe"))
    for place in (world.contoso, world.fabrikam):
        assert stranger.get(place.home).status_code == HTTPStatus.NOT_FOUND
    assert b"ontoso" not in stranger.get("/").content


# --- the API -------------------------------------------------------------------------------------


@every_resource
def test_no_resource_without_a_token(route: Route, world: World) -> None:
    path = route.address(world.contoso, world.search)
    for client in (
        Client(),
        Client(headers={"authorization": "Bearer apt_contoso_" + "x" * 43}),
        world.erin,  # a browser's session is no token
    ):
        assert client.get(path).status_code == HTTPStatus.UNAUTHORIZED


@every_resource
def test_a_token_opens_its_own_tenant_only(route: Route, world: World, bearer: Any) -> None:
    ours = bearer("erin").get(route.address(world.contoso, world.search))
    assert ours.status_code == HTTPStatus.OK
    theirs = bearer("mallory").get(route.address(world.contoso, world.search))
    if route.foreign_keys:
        assert theirs.status_code == HTTPStatus.NOT_FOUND
    else:
        assert [word for word in _words(world.contoso) if word in theirs.content] == []


@every_team_resource
def test_no_resource_of_a_team_for_another_team(route: Route, world: World, bearer: Any) -> None:
    alice = bearer("alice")
    assert alice.get(route.address(world.contoso, world.search)).status_code == HTTPStatus.OK
    refused = alice.get(route.address(world.contoso, world.support))
    assert refused.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("route", [route for route in api() if not route.team_keys], ids=str)
def test_a_list_holds_what_its_reader_may_see(route: Route, world: World, bearer: Any) -> None:
    seen = bearer("alice").get(route.address(world.contoso, world.search))
    assert seen.status_code in {HTTPStatus.OK, HTTPStatus.FORBIDDEN}
    assert b"support" not in seen.content.lower()


@every_resource
def test_a_token_made_by_changing_the_tenant_in_it_is_none(route: Route, world: World) -> None:
    text = world.token("mallory").replace("apt_fabrikam_", "apt_contoso_")
    client = Client(headers={"authorization": f"Bearer {text}"})
    path = route.address(world.contoso, world.search)
    assert client.get(path).status_code == HTTPStatus.UNAUTHORIZED


# --- reading changes nothing ---------------------------------------------------------------------


@pytest.mark.parametrize("route", [*pages(), *outside(), *api()], ids=str)
def test_reading_changes_nothing(route: Route, world: World, bearer: Any) -> None:
    if route.name is None:
        return
    path = route.address(world.contoso, world.search)
    browser = bearer("erin") if route in api() else world.erin
    before = digests(world)
    expected = {HTTPStatus.OK, HTTPStatus.FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
    if route.name == "ready":
        expected.add(HTTPStatus.SERVICE_UNAVAILABLE)
    assert browser.get(path).status_code in expected
    assert browser.head(path).status_code in expected
    assert digests(world) == before


def _words(place: Place) -> list[bytes]:
    names = [place.ref.slug, place.gateway.name]
    names += [house.team.name for house in place.houses]
    return [name.encode() for name in names]


def _said(answer: Any, name: str) -> str:
    """A page without the name that was asked for, and without what differs from page to page."""
    assert answer.status_code == HTTPStatus.NOT_FOUND
    text = answer.content.decode().replace(name, "…")
    lines = [line for line in text.splitlines() if "csrf" not in line]
    return "\n".join(lines)
