"""The page of what belongs to no team: every reason, assigning from it, and who may."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.models import BillingSettings
from inventory.models import Deployment, Origin, Ownership
from tenancy import scope
from tests.flows.test_unallocated import FIRST, NAMES, subscription, used
from tests.world import NOW, World

ADDRESS = "/t/contoso/usage/unallocated/"
pytestmark = pytest.mark.usefixtures("at_noon")


def text(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


@pytest.fixture
def nobodys(world: World) -> World:
    """Contoso with a subscription of each reason, and a deployment that nobody knows."""
    place = world.contoso
    with scope.of(place.ref):
        for number, name in enumerate(NAMES, 1):
            held = subscription(place, name)
            used(held, place.deployment, FIRST, 1000 * number, Decimal(number))
        unknown = Deployment.objects.create(
            gateway=place.gateway, host="h", name="new-one", origin=Origin.USAGE, seen_at=NOW
        )
        used(world.search.subscription, unknown, FIRST, 70, None)
    return world


def ids(world: World, *names: str) -> list[int]:
    with scope.of(world.contoso.ref):
        return [subscription(world.contoso, name).pk for name in names]


def test_it_says_what_belongs_to_no_team_and_why(nobodys: World) -> None:
    page = nobodys.dan.get(ADDRESS)
    shown = text(page)
    assert page.status_code == 200
    for said in ("15.00", "master", "gone", "key-new", "No subscription", "new-one", "estimated"):
        assert said in shown
    assert "Administrators assign subscriptions to teams." in shown


def test_one_reason_alone(nobodys: World) -> None:
    shown = text(nobodys.dan.get(ADDRESS + "?reason=unknown"))
    assert "1 row" in shown
    assert "gone" in shown
    assert "key-new" not in shown
    assert nobodys.dan.get(ADDRESS + "?reason=other").status_code == 400


def test_an_empty_month_says_so(world: World) -> None:
    shown = text(world.dan.get(ADDRESS + "?month=2026-10"))
    assert "Every call that was read belongs to a team." in shown
    assert "No team bore anything" in shown


def test_what_is_ticked_is_assigned(nobodys: World) -> None:
    body = {
        "choose": ids(nobodys, "master", "gone"),
        "team": "search",
        "from_day": "2026-11-01",
        "reason": "they are ours",
    }
    page = nobodys.erin.post(ADDRESS, body, follow=True)
    assert "2 subscriptions are given to Search from 01 Nov 2026 on." in text(page)
    with scope.of(nobodys.contoso.ref):
        rows = Ownership.objects.filter(reason="they are ours")
        assert {(row.team, row.from_day, row.recorded_by) for row in rows} == {
            (nobodys.search.team, date(2026, 11, 1), "erin@example.org")
        }


def test_it_can_be_left_with_a_reason(nobodys: World) -> None:
    body = {"choose": ids(nobodys, "master"), "team": "", "from_day": "2026-11-01", "reason": ""}
    refused = nobodys.erin.post(ADDRESS, body)
    assert refused.status_code == 400
    assert "Say why it is nobody&#x27;s" in refused.content.decode()
    page = nobodys.erin.post(ADDRESS, body | {"reason": "load tests"}, follow=True)
    assert "1 subscription is left unallocated" in text(page)
    assert "load tests" in text(page)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"reason": ""}, "Give a reason"),
        ({"from_day": "2026-08-01"}, "is closed"),
        ({"from_day": "soon"}, "valid date"),
        ({"team": "nobody-knows"}, "valid choice"),
        ({"choose": []}, "Choose at least one"),
        ({"choose": ["x"]}, "Tick subscriptions"),
        ({"choose": [9_999_999]}, "Tick subscriptions"),
    ],
)
def test_what_is_wrong_stands_where_it_is_wrong(
    changed: dict[str, Any], says: str, nobodys: World
) -> None:
    body = {
        "choose": ids(nobodys, "master"),
        "team": "search",
        "from_day": "2026-11-01",
        "reason": "x",
    }
    page = nobodys.erin.post(ADDRESS, body | changed)
    assert page.status_code == 400
    assert says in page.content.decode()
    with scope.of(nobodys.contoso.ref):
        assert not Ownership.objects.filter(subscription__name="master").exists()


def test_assigning_is_for_administrators_and_looking_for_who_sees_the_tenant(
    nobodys: World,
) -> None:
    body = {"choose": ids(nobodys, "master"), "team": "", "from_day": "2026-11-01", "reason": "x"}
    assert nobodys.dan.post(ADDRESS, body).status_code == 403
    assert nobodys.alice.get(ADDRESS).status_code == 403
    assert nobodys.mallory.get(ADDRESS).status_code == 404
    with scope.of(nobodys.fabrikam.ref):
        other = subscription(nobodys.fabrikam, "master").pk
    assert nobodys.erin.post(ADDRESS, body | {"choose": [other]}).status_code == 400


def test_quality_stands_on_the_pages_where_it_matters(nobodys: World) -> None:
    with scope.of(nobodys.contoso.ref):
        BillingSettings.objects.update(
            required_metadata=["application", "environment"],
            chargeback_from_quality=Decimal("0.90"),
        )
    says = "showback only: metadata quality 0 % is below 90 %"
    team = text(nobodys.alice.get("/t/contoso/teams/search/"))
    assert "Metadata quality 0 %" in team
    assert "100 % told no environment: key-search" in team
    assert says in team.replace("Showback", "showback")
    assert says in text(nobodys.alice.get("/t/contoso/teams/search/statements/2026-11/"))
    shown = text(nobodys.dan.get(ADDRESS))
    assert "charged back from a quality of 90 % on" in shown
    assert "showback only" in shown


def test_home_leads_to_it(nobodys: World) -> None:
    assert f'href="{ADDRESS}"' in nobodys.dan.get("/t/contoso/").content.decode()


def test_pages_say_from_when_on_hours_are_kept(world: World) -> None:
    with scope.of(world.contoso.ref):
        BillingSettings.objects.update(usage_kept_from=date(2026, 9, 2))
    assert "Hourly detail is kept from 2 Sep 2026 on" in text(world.dan.get(ADDRESS))
    assert "hourly detail is kept from 2 Sep 2026 on" in text(world.dan.get("/t/contoso/status/"))
