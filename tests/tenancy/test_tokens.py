"""API tokens: shown once, kept as a digest, good for one person in one tenant until they end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tenancy import scope, tokens
from tenancy.models import ApiToken, Membership, Role
from tenancy.refusals import Invalid, NotFound
from tenancy.tokens import BadToken
from tests.world import NOW, World

HOUR = timedelta(hours=1)


def _issue(world: World, name: str = "alice", lasts: timedelta = HOUR) -> str:
    with scope.of(world.contoso.ref):
        person = world.people[name]
        return tokens.issue(person, name="t", scopes=("read:costs",), at=NOW, lasts=lasts).text


def test_a_token_stands_for_its_person_and_no_more(world: World) -> None:
    text = _issue(world)
    assert tokens.tenant_of(text) == world.contoso.ref
    with scope.of(world.contoso.ref):
        actor = tokens.actor(text, at=NOW)
    assert (actor.email, actor.role) == ("alice@example.org", Role.TEAM_OWNER)
    assert actor.scopes == frozenset({"read:costs"})
    assert actor.tenant == world.contoso.ref


def test_the_secret_is_stored_nowhere(world: World) -> None:
    text = _issue(world)
    secret = text.split("_", 2)[2]
    with scope.of(world.contoso.ref):
        row = ApiToken.objects.get(name="t")
        kept = " ".join(str(getattr(row, field.name)) for field in row._meta.concrete_fields)
    assert secret not in kept
    assert text not in kept
    assert len(row.prefix) <= 6


def test_no_two_tokens_are_alike(world: World) -> None:
    assert len({_issue(world) for _ in range(20)}) == 20


def test_a_token_ends_at_its_instant(world: World) -> None:
    text = _issue(world)
    with scope.of(world.contoso.ref):
        tokens.actor(text, at=NOW + HOUR - timedelta(microseconds=1))
        with pytest.raises(BadToken):
            tokens.actor(text, at=NOW + HOUR)


def test_a_revoked_token_ends_at_once(world: World) -> None:
    text = _issue(world)
    with scope.of(world.contoso.ref):
        tokens.actor(text, at=NOW)
        ApiToken.objects.filter(name="t").update(revoked_at=NOW)
        with pytest.raises(BadToken):
            tokens.actor(text, at=NOW)


def test_a_token_ends_with_its_persons_membership(world: World) -> None:
    text = _issue(world)
    with scope.of(world.contoso.ref):
        Membership.objects.filter(person=world.people["alice"]).delete()
        with pytest.raises(BadToken):
            tokens.actor(text, at=NOW)


def test_a_token_follows_its_persons_role(world: World) -> None:
    text = _issue(world, "erin")
    with scope.of(world.contoso.ref):
        assert tokens.actor(text, at=NOW).role == Role.ADMIN
        Membership.objects.filter(person=world.people["erin"]).update(role=Role.VIEWER)
        assert tokens.actor(text, at=NOW).role == Role.VIEWER


def test_a_token_is_unknown_in_another_tenant(world: World) -> None:
    text = _issue(world)
    with scope.of(world.fabrikam.ref), pytest.raises(BadToken):
        tokens.actor(text, at=NOW)


@pytest.mark.parametrize("text", ["", "apt", "apt__", "apt_contoso", "x_contoso_y", "apt_nobody_y"])
def test_what_is_no_token_names_no_tenant(text: str, world: World) -> None:
    with pytest.raises(BadToken):
        tokens.tenant_of(text)


def test_only_members_get_one(world: World) -> None:
    with pytest.raises(NotFound):
        _issue(world, "mallory")


@pytest.mark.parametrize("lasts", [timedelta(), timedelta(days=-1), timedelta(days=367)])
def test_a_token_lasts_at_most_a_year(lasts: timedelta, world: World) -> None:
    assert _issue(world, lasts=timedelta(days=366))
    with pytest.raises(Invalid):
        _issue(world, lasts=lasts)


def test_a_scope_that_there_is_not_is_refused(world: World) -> None:
    with scope.of(world.contoso.ref), pytest.raises(Invalid, match="write:everything"):
        tokens.issue(
            world.people["erin"], name="t", scopes=("write:everything",), at=NOW, lasts=HOUR
        )
