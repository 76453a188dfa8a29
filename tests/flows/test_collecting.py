"""What happened becomes notices: each once, for those whom it concerns at that moment."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from governance.approvers import deciders
from governance.consequences.asked import Asked
from governance.front_door import approvals, lapsing, requests
from governance.models import (
    Alert,
    AlertKind,
    ApproverGroup,
    Delivery,
    GroupMember,
    NewsMark,
    Notice,
    QuotaRequest,
    RequestKind,
    Suspension,
)
from governance.notifications import collecting
from governance.rules.topics import Topic
from inventory.models import Subscription
from tenancy import memberships, scope
from tenancy.access import Actor
from tenancy.models import Membership, Role
from tests.world import NOW, World

#: A quiet day: what the world itself has happened long before.
LATER = NOW + timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def quiet(committed_world: World) -> World:
    """The world, of which everything was collected up to `LATER`."""
    assert collect(committed_world, LATER) == 0
    return committed_world


def collect(world: World, at: datetime) -> int:
    return collecting.collect(world.contoso.ref, at=at)


def actor(world: World, name: str) -> Actor:
    return memberships.actor(world.people[name])


def told(world: World, topic: Topic) -> dict[str, list[str]]:
    """By title, the people who were told of a topic since, in their inbox."""
    with scope.of(world.contoso.ref):
        notices = Notice.objects.filter(topic=topic.value, recorded_at__gt=LATER).order_by("id")
        return {
            notice.title: sorted(
                str(row.person.name)
                for row in Delivery.objects.filter(notice=notice, channel="inbox")
                if row.person
            )
            for notice in notices
        }


def asked(world: World, at: datetime) -> QuotaRequest:
    """Alice asks for more on her team's subscription."""
    with scope.of(world.contoso.ref):
        alice = actor(world, "alice")
        wanted = Asked(
            kind=RequestKind.INCREASE,
            team=world.search.team,
            reason="A launch in December.",
            subscription=Subscription.objects.select_related("gateway", "product").get(
                pk=world.search.subscription.pk
            ),
            amount=Decimal(5),
        )
        row = requests.draft(wanted, by=alice, at=at)
        return requests.submit(row, by=alice, at=at)


def test_who_may_decide_is_told_once_that_it_waits(quiet: World) -> None:
    row = asked(quiet, LATER + MINUTE)

    assert collect(quiet, LATER + 2 * MINUTE) == 1
    assert collect(quiet, LATER + 3 * MINUTE) == 0

    title = f"Request {row.number} of Search waits for a decision"
    waiting = told(quiet, Topic.REQUEST_WAITING)
    assert list(waiting) == [title]
    assert "Carol" in waiting[title]
    assert not {"Alice", "Bob", "Dan", "Vic"} & set(waiting[title])
    with scope.of(quiet.contoso.ref):
        notice = Notice.objects.get(title=title)
        for name in waiting[title]:
            person = actor(quiet, name.lower())
            assert deciders.may_decide(person, row, at=LATER + 2 * MINUTE).allowed
    assert notice.link == f"requests/{row.number}/"
    assert notice.lines[0] == "More, for good, Key of search. Asked by Alice."


def test_who_lost_the_role_is_not_told(quiet: World) -> None:
    asked(quiet, LATER + MINUTE)
    with scope.of(quiet.contoso.ref):
        Membership.objects.filter(person=quiet.people["carol"]).update(role=Role.VIEWER)

    collect(quiet, LATER + 2 * MINUTE)

    assert "Carol" not in {
        name for row in told(quiet, Topic.REQUEST_WAITING).values() for name in row
    }


def test_who_asked_is_told_that_it_moved(quiet: World) -> None:
    row = asked(quiet, LATER + MINUTE)
    with scope.of(quiet.contoso.ref):
        carol = actor(quiet, "carol")
        approvals.reject(row, seen=1, by=carol, at=LATER + 2 * MINUTE, reason="Not this month.")

    collect(quiet, LATER + 3 * MINUTE)

    assert told(quiet, Topic.REQUEST_WAITING) == {}  # decided before it could be told
    assert told(quiet, Topic.REQUEST_MOVED) == {
        f"Request {row.number} of Search was rejected": ["Alice"]
    }
    with scope.of(quiet.contoso.ref):
        notice = Notice.objects.get(topic=Topic.REQUEST_MOVED, recorded_at__gt=LATER)
    assert notice.lines[1] == "carol@example.org: Not this month."


def test_a_reminder_and_an_escalation_reach_those_who_may_decide_then(quiet: World) -> None:
    row = asked(quiet, LATER + MINUTE)
    collect(quiet, LATER + 2 * MINUTE)
    with scope.of(quiet.contoso.ref):
        row.refresh_from_db()
        assert row.escalate_at is not None
        then = row.escalate_at
        lapsing.due(at=then)

    collect(quiet, then + MINUTE)

    title = f"Request {row.number} of Search"
    escalated = told(quiet, Topic.REQUEST_ESCALATED)
    assert list(escalated) == [f"{title} was escalated and waits for a decision"]
    assert "Carol" in escalated[f"{title} was escalated and waits for a decision"]
    assert "Carol" in told(quiet, Topic.REQUEST_REMINDER)[f"{title} still waits for a decision"]
    assert told(quiet, Topic.REQUEST_MOVED) == {f"{title} was escalated": ["Alice"]}


def test_an_approver_of_no_group_that_is_asked_is_not_told(quiet: World) -> None:
    with scope.of(quiet.contoso.ref):
        zoe = type(quiet.people["carol"]).objects.create_person("zoe@example.org", name="Zoe")
        Membership.objects.create(person=zoe, role=Role.APPROVER)
        group = ApproverGroup.objects.create(name="Others")
        GroupMember.objects.create(group=group, person=zoe)
    row = asked(quiet, LATER + MINUTE)
    collect(quiet, LATER + 2 * MINUTE)
    with scope.of(quiet.contoso.ref):
        may = deciders.may_decide(memberships.actor(zoe), row, at=LATER + 2 * MINUTE).allowed
    (people,) = told(quiet, Topic.REQUEST_WAITING).values()
    assert ("Zoe" in people) is may


def suspend(world: World, since: datetime, lifted: datetime | None = None) -> None:
    with scope.of(world.contoso.ref):
        Suspension.objects.create(
            subscription=world.search.subscription,
            reason="Spend reached the limit.",
            evidence={},
            since=since,
            lifted_at=lifted,
            lifted_because="A new month began." if lifted else "",
        )


def test_a_suspension_and_its_end_are_told_to_the_owners(quiet: World) -> None:
    suspend(quiet, LATER + MINUTE)
    collect(quiet, LATER + 2 * MINUTE)
    assert told(quiet, Topic.SUSPENDED) == {"Key of search was suspended": ["Alice"]}
    with scope.of(quiet.contoso.ref):
        Suspension.objects.filter(lifted_at=None).update(
            lifted_at=LATER + 5 * MINUTE, lifted_because="The quota rose."
        )
    collect(quiet, LATER + 6 * MINUTE)
    assert told(quiet, Topic.REACTIVATED) == {"Key of search is served again": ["Alice"]}
    assert collect(quiet, LATER + 7 * MINUTE) == 0


def test_what_was_over_while_nothing_ran_is_not_told_afterwards(quiet: World) -> None:
    """Three days without a worker: nobody gets a storm of what is no longer so."""
    begun = LATER + timedelta(hours=5)
    suspend(quiet, begun, begun + timedelta(hours=1))
    alert(quiet, AlertKind.QUOTA_USED, begun, resolved_at=begun + timedelta(hours=1))
    alert(quiet, AlertKind.QUOTA_FORECAST, begun)

    collect(quiet, LATER + timedelta(days=3))

    assert told(quiet, Topic.SUSPENDED) == {}
    assert len(told(quiet, Topic.REACTIVATED)) == 1
    assert told(quiet, Topic.QUOTA_THRESHOLD) == {}
    assert len(told(quiet, Topic.QUOTA_FORECAST)) == 1


def alert(world: World, kind: AlertKind, at: datetime, **more: Any) -> None:
    with scope.of(world.contoso.ref):
        subject = (
            {}
            if {"team", "cost_center", "product"} & more.keys()
            else {"subscription": world.search.subscription}
        )
        Alert.objects.create(
            kind=kind,
            unit="currency",
            span="month",
            period=LATER,
            fired_at=at,
            evidence={"used": "4.00 USD", "limit": "5 USD"},
            **{"threshold": 80} | subject | more,
        )


def test_an_alert_is_told_to_whom_it_concerns(quiet: World) -> None:
    center = quiet.search.team.cost_center
    with scope.of(quiet.contoso.ref):
        type(center).objects.filter(pk=center.pk).update(owner=quiet.people["bob"])
    at = LATER + MINUTE
    alert(quiet, AlertKind.QUOTA_USED, at)
    alert(quiet, AlertKind.QUOTA_FORECAST, at, product=quiet.contoso.product)
    alert(quiet, AlertKind.BUDGET_USED, at, team=quiet.search.team)
    alert(quiet, AlertKind.BUDGET_FORECAST, at, cost_center=center)

    assert collect(quiet, at) == 4
    assert collect(quiet, at + MINUTE) == 0

    (quota,) = told(quiet, Topic.QUOTA_THRESHOLD).items()
    assert quota == ("80 % of the quota of Key of search is used (a month)", ["Alice"])
    (product,) = told(quiet, Topic.QUOTA_FORECAST).values()
    assert product == ["Dan", "Erin"]
    (team,) = told(quiet, Topic.BUDGET_THRESHOLD).values()
    assert team == ["Alice", "Bob", "Dan"]
    (cost_center,) = told(quiet, Topic.BUDGET_FORECAST).values()
    assert cost_center == ["Bob", "Dan"]
    with scope.of(quiet.contoso.ref):
        row = Notice.objects.get(topic=Topic.QUOTA_THRESHOLD, recorded_at__gte=at)
    assert row.lines == ["Used: 4.00 USD", "Limit: 5 USD"]


def test_what_was_written_late_is_still_found(quiet: World) -> None:
    """A transaction that says an earlier instant than it ended at."""
    collect(quiet, LATER + 9 * MINUTE)
    suspend(quiet, LATER + MINUTE)
    assert collect(quiet, LATER + 10 * MINUTE) == 1


def test_more_than_one_pass_can_take_is_taken_in_turn(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "MOST", 2)
    monkeypatch.setattr(collecting, "OVERLAP", timedelta(0))
    for minute in range(5):
        alert(
            quiet, AlertKind.QUOTA_USED, LATER + minute * MINUTE, resolved_at=LATER + timedelta(1)
        )
    at = LATER + 10 * MINUTE
    counts = [collect(quiet, at) for _ in range(6)]
    assert sum(counts) == 5
    assert counts[0] < 5
    assert counts[-1] == 0
    with scope.of(quiet.contoso.ref):
        assert NewsMark.objects.get(source=collecting.SOURCE).through == at


def test_many_in_one_moment_do_not_stop_it(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "MOST", 2)
    for threshold in range(9):
        alert(quiet, AlertKind.QUOTA_USED, LATER, threshold=threshold)
    at = LATER + MINUTE
    assert sum(collect(quiet, at) for _ in range(3)) == 9
    with scope.of(quiet.contoso.ref):
        assert NewsMark.objects.get(source=collecting.SOURCE).through == at


def test_two_workers_tell_it_once(quiet: World) -> None:
    suspend(quiet, LATER + MINUTE)
    asked(quiet, LATER + MINUTE)
    begin, counts = threading.Barrier(2), []

    def work() -> None:
        begin.wait(10)
        counts.append(collect(quiet, LATER + 2 * MINUTE))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(counts) == [0, 2]


def test_the_other_tenant_is_told_nothing(quiet: World) -> None:
    suspend(quiet, LATER + MINUTE)
    collecting.collect(quiet.fabrikam.ref, at=LATER + 2 * MINUTE)
    with scope.of(quiet.fabrikam.ref):
        assert not Notice.objects.filter(recorded_at__gt=LATER).exists()
