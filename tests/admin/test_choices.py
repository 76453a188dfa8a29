"""What a form or a search of the admin offers: rows and people of this tenant, and of no other."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest

from tenancy import scope
from tenancy.administration import May
from tests.admin.registered import a_row, address, guarded, label, pages
from tests.world import World

ADDED = [model for model in guarded() if May.ADD in pages(model).admins_may]
SEARCHED = [(model, name) for model in guarded() for name in pages(model).autocomplete_fields]
#: Words that are in every row of Fabrikam that has a name, and in nobody else's.
THEIRS = (b"fabrikam", b"mallory", b"Pune", b"Kochi", b"key-pune", b"key-kochi")


def _names_of_others(content: bytes) -> list[bytes]:
    return [word for word in THEIRS if word in content]


@pytest.mark.parametrize("model", ADDED, ids=label)
def test_a_form_offers_no_row_of_another_tenant(model: Any, world: World) -> None:
    page = world.erin.get(address(world.contoso, model, "add"))
    assert page.status_code == HTTPStatus.OK
    assert _names_of_others(page.content) == []


@pytest.mark.parametrize("model", guarded(), ids=label)
def test_lists_and_filters_name_nothing_of_another_tenant(model: Any, world: World) -> None:
    ours = world.erin.get(address(world.contoso, model)).content
    assert _names_of_others(ours) == []


def test_the_words_looked_for_are_on_the_other_tenants_pages(world: World) -> None:
    """Else the tests above could not fail."""
    seen = b"".join(
        world.mallory.get(address(world.fabrikam, model)).content for model in guarded()
    )
    assert _names_of_others(seen) == list(THEIRS)


@pytest.mark.parametrize(("model", "name"), SEARCHED)
def test_a_search_finds_rows_of_this_tenant_only(model: Any, name: str, world: World) -> None:
    target = model._meta.get_field(name).related_model
    query = {
        "app_label": model._meta.app_label,
        "model_name": model._meta.model_name,
        "field_name": name,
    }
    answer = world.erin.get(f"{world.contoso.home}admin/autocomplete/", query).json()
    found = {row["id"] for row in answer["results"]}
    with scope.of(world.contoso.ref):
        assert found == {str(row.pk) for row in target._default_manager.all()}
    assert found


def test_a_link_to_another_tenants_row_is_no_valid_choice(world: World) -> None:
    from inventory.models import Team, TeamMember  # noqa: PLC0415 - only here

    theirs = world.fabrikam.houses[0].team
    person = world.people["carol"].pk
    add = address(world.contoso, TeamMember, "add")
    refused = world.erin.post(add, {"team": theirs.pk, "person": person, "part": "member"})
    assert refused.status_code == HTTPStatus.OK
    assert b"Select a valid choice" in refused.content
    ours = a_row(world.contoso, Team)
    taken = world.erin.post(add, {"team": ours.pk, "person": person, "part": "member"})
    assert taken.status_code == HTTPStatus.FOUND


def test_a_person_of_another_tenant_is_no_valid_choice(world: World) -> None:
    from inventory.models import TeamMember  # noqa: PLC0415 - only here

    add = address(world.contoso, TeamMember, "add")
    said = {"team": world.search.team.pk, "person": world.people["mallory"].pk, "part": "member"}
    refused = world.erin.post(add, said)
    assert b"Select a valid choice" in refused.content
    with scope.of(world.contoso.ref):
        assert TeamMember.objects.count() == 2


def test_a_filter_cannot_ask_about_secrets(world: World) -> None:
    """Filtering by a person's password, letter by letter, would tell it."""
    page = f"{world.contoso.home}admin/tenancy/membership/?person__password__startswith=a"
    assert world.erin.get(page).status_code == HTTPStatus.BAD_REQUEST
