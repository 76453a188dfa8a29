"""The pages about who approves: policies in order, trying them, and absences."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.approvers import policies
from governance.approvers.policies import Wanted
from governance.models import (
    ApprovalPolicy,
    ApproverGroup,
    Delegation,
    Demand,
    QuotaRequest,
    RequestKind,
    RequestState,
)
from tenancy import memberships, scope
from tests.world import NOW, World

ROOT = "/t/contoso/requests/policies/"
TRIAL = f"{ROOT}trial/"
AWAY = "/t/contoso/requests/absences/"
LARGE = {
    "name": "Large ones",
    "kinds": ["increase", "temporary"],
    "amount_from": "500.00",
    "window_days": "30",
    "demand": "two",
    "remind_after_hours": "12",
    "escalate_after_hours": "48",
    "expires_after_days": "14",
}


@pytest.fixture(autouse=True)
def _in_november(clock_at: Any) -> None:
    clock_at(NOW)


def text(page: Any) -> str:
    plain = re.sub(r"<[^>]+>", " ", page.content.decode())
    return re.sub(r"\s+", " ", html.unescape(plain))


def add(world: World, name: str, demand: Demand = Demand.ONE, **conditions: Any) -> ApprovalPolicy:
    with scope.of(world.contoso.ref):
        erin = memberships.actor(world.people["erin"])
        return policies.add(Wanted(name=name, demand=demand, **conditions), by=erin, at=NOW)


def named(world: World) -> list[str]:
    """The policies that count, in their order."""
    with scope.of(world.contoso.ref):
        return [one.name for one in policies.listed(at=NOW + timedelta(hours=1))]


def test_policies_are_listed_in_their_order_in_words(world: World) -> None:
    add(world, "Large ones", Demand.TWO, amount_from=Decimal(500), own_teams=True)
    page = text(world.carol.get(ROOT))
    assert page.index("Whatever is asked") < page.index("Large ones")
    assert "from 500.00 USD more a month for the team in 30 days on" in page
    assert "two different people of the tenant's approvers; also for a team they own" in page
    assert "any request" in page
    assert "one of FinOps" in page
    assert "While on trial" not in page
    assert "Add a policy" not in page
    assert "Carol" in page


def test_teams_do_not_see_the_policies_and_only_administrators_change_them(world: World) -> None:
    assert world.alice.get(ROOT).status_code == 403
    assert world.alice.get(TRIAL).status_code == 403
    for browser in (world.carol, world.dan, world.vic):
        assert browser.get(ROOT).status_code == 200
        assert browser.post(f"{ROOT}new/", LARGE | {"do": "save"}).status_code == 403
        ended = {"do": "end", "policy": _id(world, "Whatever is asked")}
        assert browser.post(ROOT, ended).status_code == 403
    assert named(world) == ["Whatever is asked"]


def test_a_policy_is_shown_before_it_is_added(world: World) -> None:
    page = world.erin.post(f"{ROOT}new/", LARGE | {"do": "show", "amount_from": "3"})
    assert page.status_code == 200
    assert named(world) == ["Whatever is asked"]
    assert "1 request sent in the last 90 days" not in text(page)
    assert "3 requests sent in the last 90 days" in text(page)
    assert "It would have met 3 , and 3 of them need something else by it." in text(page)
    assert "2 different people of the tenant's approvers" in text(page)
    assert world.erin.post(f"{ROOT}new/", LARGE | {"do": "save"}).status_code == 302
    assert named(world) == ["Whatever is asked", "Large ones"]
    with scope.of(world.contoso.ref):
        row = ApprovalPolicy.objects.get(name="Large ones")
        assert row.kinds == ["increase", "temporary"]
        assert (row.demand, row.amount_from, row.set_by) == ("two", 500, "erin@example.org")
        assert (row.remind_after_hours, row.expires_after_days) == (12, 14)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("amount_from", "-1", "greater than or equal to 0"),
        ("amount_from", "NaN", "Enter a number"),
        ("window_days", "0", "greater than or equal to 1"),
        ("window_days", "400", "less than or equal to 366"),
        ("name", "", "This field is required"),
        ("team", "99999", "Select a valid choice"),
        ("demand", "nobody", "Select a valid choice"),
        ("percent_from", "1" * 7, "Give a percentage"),
    ],
)
def test_what_cannot_be_taken_is_said_at_its_field_and_nothing_is_lost(
    world: World, field: str, value: str, says: str
) -> None:
    page = world.erin.post(f"{ROOT}new/", LARGE | {"do": "save", field: value})
    assert page.status_code == 400
    assert says in text(page)
    assert 'value="48"' in page.content.decode()
    assert named(world) == ["Whatever is asked"]


def test_nobody_is_asked_by_an_automatic_one_and_so_it_has_no_group(world: World) -> None:
    with scope.of(world.contoso.ref):
        group = str(ApproverGroup.objects.get(name="FinOps").pk)
    page = world.erin.post(
        f"{ROOT}new/", LARGE | {"do": "save", "demand": "automatic", "group": group}
    )
    assert page.status_code == 400
    assert "Leave it empty: nobody is asked." in text(page)


def test_a_policy_is_changed_by_another_in_its_place(world: World) -> None:
    add(world, "Last")
    page = f"{ROOT}{_id(world, 'Whatever is asked')}/"
    shown = world.erin.get(page).content.decode()
    assert 'value="Whatever is asked"' in shown
    changed = LARGE | {"do": "save", "name": "All of them", "demand": "one"}
    assert world.erin.post(page, changed).status_code == 302
    assert named(world) == ["All of them", "Last"]
    over = text(world.carol.get(page))
    assert "Counted" in over
    assert world.erin.post(page, changed).status_code == 409


def test_policies_are_moved_and_ended(world: World) -> None:
    add(world, "Second")
    add(world, "Third")
    post = world.erin.post
    assert post(ROOT, {"do": "up", "policy": _id(world, "Third")}).status_code == 302
    assert named(world) == ["Whatever is asked", "Third", "Second"]
    assert post(ROOT, {"do": "down", "policy": _id(world, "Whatever is asked")}).status_code == 302
    assert named(world) == ["Third", "Whatever is asked", "Second"]
    assert post(ROOT, {"do": "down", "policy": _id(world, "Whatever is asked")}).status_code == 302
    assert named(world) == ["Third", "Second", "Whatever is asked"]
    assert post(ROOT, {"do": "up", "policy": _id(world, "Third")}).status_code == 302
    assert named(world) == ["Third", "Second", "Whatever is asked"]
    gone = {"do": "end", "policy": _id(world, "Second")}
    assert post(ROOT, gone).status_code == 302
    assert named(world) == ["Third", "Whatever is asked"]
    assert post(ROOT, gone).status_code == 409
    assert post(ROOT, {"do": "burn", "policy": _id(world, "Third")}).status_code == 400
    assert post(ROOT, {"do": "end", "policy": "x"}).status_code == 400
    assert post(ROOT, {"do": "end", "policy": "987654"}).status_code == 404


def test_a_policy_that_asks_more_people_than_there_are_says_so(world: World) -> None:
    with scope.of(world.contoso.ref):
        group = ApproverGroup.objects.get(name="FinOps")
    add(world, "Two of one", Demand.TWO, group=group)
    page = text(world.carol.get(ROOT))
    assert "The group FinOps has one person who may approve; 2 must." in page


def test_the_trial_says_who_would_approve_and_why(world: World) -> None:
    add(world, "Large ones", Demand.TWO, amount_from=Decimal(500))
    team = str(world.search.team.pk)
    page = text(world.carol.get(TRIAL, {"team": team, "kind": "increase", "amount": "499"}))
    assert "One of FinOps" in page
    assert "Large ones" not in page
    page = text(world.carol.get(TRIAL, {"team": team, "kind": "increase", "amount": "600.50"}))
    assert "2 different people of the tenant's approvers" in page
    assert "600.50 USD more a month for the team in 30 days, from 500.00 USD on" in page
    unknown = text(world.carol.get(TRIAL, {"team": team, "kind": "increase"}))
    assert "not known, so taken as reached" in unknown
    shown = world.carol.get(f"{TRIAL}shown/", {"team": team, "kind": "decrease"})
    assert "<html" not in shown.content.decode()
    assert "One of FinOps" in text(shown)


def test_the_trial_counts_what_the_team_asked_for_before(world: World) -> None:
    add(world, "Large ones", Demand.TWO, amount_from=Decimal(500))
    with scope.of(world.contoso.ref):
        row = QuotaRequest.objects.create(
            number=77,
            kind=RequestKind.INCREASE,
            team=world.search.team,
            subscription=world.search.subscription,
            amount=Decimal(400),
            reason="More.",
            requested_by=world.people["alice"],
            created_at=NOW,
        )
        row.state, row.submitted_at = RequestState.SUBMITTED, NOW
        row.save()
    asked = {"team": str(world.search.team.pk), "kind": "increase", "amount": "100"}
    assert "500.00 USD more a month for the team" in text(world.carol.get(TRIAL, asked))
    others = asked | {"team": str(world.support.team.pk)}
    assert "Large ones" not in text(world.carol.get(TRIAL, others))


@pytest.mark.parametrize(
    "asked", [{"team": "0"}, {"kind": "x"}, {"amount": "1e99"}, {"days": "-1"}]
)
def test_a_trial_that_cannot_be_read_is_no_error(world: World, asked: dict[str, str]) -> None:
    usual = {"team": str(world.search.team.pk), "kind": "increase"}
    page = world.carol.get(TRIAL, usual | asked)
    assert page.status_code == 200
    assert "Choose a team" in text(page)


def test_the_replay_asks_the_database_as_often_for_many_as_for_few(world: World) -> None:
    page = f"{ROOT}{_id(world, 'Whatever is asked')}/"
    world.carol.get(page)
    with CaptureQueriesContext(connection) as few:
        world.carol.get(page)
    with scope.of(world.contoso.ref):
        for number in range(100, 120):
            row = QuotaRequest.objects.create(
                number=number,
                kind=RequestKind.INCREASE,
                team=world.search.team,
                subscription=world.search.subscription,
                amount=Decimal(400),
                reason="More.",
                requested_by=world.people["alice"],
                created_at=NOW,
            )
            row.state, row.submitted_at = RequestState.SUBMITTED, NOW
            row.save()
    with CaptureQueriesContext(connection) as many:
        shown = text(world.carol.get(page))
    assert "It would have met 23" in shown
    assert len(many) == len(few)


def test_somebody_names_a_stand_in_for_themself_and_takes_it_back(world: World) -> None:
    said = {
        "do": "name",
        "absent": "carol@example.org",
        "stand_in": "Erin@Example.org",
        "first_day": "2026-11-20",
        "last_day": "2026-11-27",
        "reason": "On leave.",
    }
    assert world.carol.post(AWAY, said).status_code == 302
    with scope.of(world.contoso.ref):
        row = Delegation.objects.latest("id")
        assert row.stand_in == world.people["erin"]
        assert NOW <= row.effective_from < NOW + timedelta(minutes=5)
        assert f"{row.effective_until:%Y-%m-%d %H:%M}" == "2026-11-27 23:00"
    assert "On leave." in text(world.carol.get(AWAY))
    assert "On leave." not in text(world.alice.get(AWAY))
    again = world.carol.post(AWAY, said)
    assert again.status_code == 400
    assert "stands in for" in text(again)
    assert world.alice.post(AWAY, {"do": "end", "delegation": row.pk}).status_code == 404
    assert world.dan.post(AWAY, {"do": "end", "delegation": row.pk}).status_code == 403
    assert world.carol.post(AWAY, {"do": "end", "delegation": row.pk}).status_code == 302
    assert world.carol.post(AWAY, {"do": "end", "delegation": row.pk}).status_code == 409
    assert "On leave." not in text(world.carol.get(AWAY))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"absent": "dan@example.org"}, "for dan@example.org an administrator does"),
        ({"stand_in": "carol@example.org"}, "Choose somebody else than who is away."),
        ({"stand_in": "mallory@example.org"}, "Nobody of this address belongs to the tenant."),
        ({"last_day": "2026-11-18"}, "Give an end after the start and after now."),
        ({"last_day": "2028-11-18"}, "Give an end within 366 days of the start."),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused_at_its_field(
    world: World, changed: dict[str, str], says: str
) -> None:
    said = {
        "do": "name",
        "absent": "carol@example.org",
        "stand_in": "erin@example.org",
        "first_day": "2026-11-20",
        "last_day": "2026-11-27",
    }
    page = world.carol.post(AWAY, said | changed)
    assert page.status_code == 400
    assert says in text(page)


def _id(world: World, name: str) -> int:
    with scope.of(world.contoso.ref):
        return int(ApprovalPolicy.objects.values_list("pk", flat=True).get(name=name))
