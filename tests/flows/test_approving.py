"""Who decides on what a team asks for, and what a decision does: once, and on what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from governance.approvers import deciders
from governance.approvers.deciders import (
    AlreadyDecided,
    NotYourDecision,
    OwnerFirst,
    OwnRequest,
    OwnTeam,
)
from governance.front_door import approvals, lapsing, overrides, requests, timeline
from governance.front_door.approvals import QuestionOpen, VersionPassed
from governance.front_door.overrides import NotYoursToEnd
from governance.limits import quotas
from governance.models import (
    Approval,
    ApproverGroup,
    Demand,
    EventKind,
    Override,
    Quota,
    QuotaRequest,
    RequestKind,
    RequestState,
    Whose,
)
from inventory.models import Part, TeamMember
from tenancy.models import Membership, Role
from tenancy.refusals import Invalid, NotFound, Stale
from tests.flows.asking import LATER, Desk
from tests.world import NOW, World


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    desk = Desk(world)
    with desk.open():
        desk.without_policies()
        yield desk


class TestOneApprover:
    @pytest.fixture(autouse=True)
    def one(self, desk: Desk) -> None:
        desk.policy(Demand.ONE)

    def test_an_increase_is_added_to_the_limit_and_leaves_the_quota_as_it_is(
        self, desk: Desk
    ) -> None:
        before = list(Quota.objects.values())
        row = desk.submitted()
        assert desk.limit(at=NOW) == 5

        assert desk.approve(row, "carol").state == RequestState.APPROVED

        assert desk.limit() == 8
        assert desk.granted(row) == [3]
        assert list(Quota.objects.values()) == before

    def test_a_decrease_takes_away(self, desk: Desk) -> None:
        row = desk.submitted(desk.wanted("2", kind=RequestKind.DECREASE))
        desk.approve(row, "carol")
        assert desk.limit() == 3

    def test_a_later_change_of_the_limit_keeps_what_was_added(self, desk: Desk) -> None:
        desk.approve(desk.submitted(), "carol")
        quotas.set_limit(
            desk.world.search.subscription,
            quotas.Wanted(Decimal(50)),
            from_instant=LATER,
            by="erin",
            at=LATER,
        )
        assert desk.limit() == 53

    def test_a_temporary_increase_ends_at_midnight_where_the_tenant_is(self, desk: Desk) -> None:
        row = desk.submitted(desk.for_a_time(date(2026, 11, 25)))
        desk.approve(row, "carol")
        midnight = datetime(2026, 11, 25, 23, 0, tzinfo=UTC)
        assert desk.limit(at=midnight - timedelta(seconds=1)) == 8
        assert desk.limit(at=midnight) == 5

    def test_saying_yes_again_changes_nothing_and_no_is_refused(self, desk: Desk) -> None:
        row = desk.submitted()
        desk.approve(row, "carol")
        desk.approve(row, "carol")
        desk.approve(row, "erin")
        assert desk.granted(row) == [3]
        assert Approval.objects.filter(request=row).count() == 1
        with pytest.raises(AlreadyDecided, match="approved already; it cannot be rejected"):
            desk.reject(row, "carol")
        with pytest.raises(NotYourDecision):
            desk.approve(row, "dan")

    def test_saying_no_again_changes_nothing_and_yes_is_refused(self, desk: Desk) -> None:
        row = desk.submitted()
        desk.reject(row, "carol")
        assert desk.reject(row, "carol").state == RequestState.REJECTED
        with pytest.raises(AlreadyDecided):
            desk.approve(row, "carol")
        assert desk.granted(row) == []
        assert desk.limit() == 5

    def test_no_needs_a_reason(self, desk: Desk) -> None:
        row = desk.submitted()
        with pytest.raises(Invalid, match="Say why"):
            approvals.reject(row, seen=1, by=desk.actor("carol"), at=LATER, reason=" ")

    def test_nobody_decides_on_their_own_request(self, desk: Desk) -> None:
        TeamMember.objects.create(
            team=desk.team, person=desk.world.people["carol"], part=Part.MEMBER
        )
        row = desk.submitted(by="carol")
        for decide in (desk.approve, desk.reject):
            with pytest.raises(OwnRequest):
                decide(row, "carol")
        assert row not in deciders.waiting_for(desk.actor("carol"), at=LATER)

    def test_nobody_decides_for_a_team_they_own(self, desk: Desk) -> None:
        desk.hire("olga", Role.APPROVER, owns=desk.team, group="FinOps")
        row = desk.submitted()
        with pytest.raises(OwnTeam, match="You own the team Search"):
            desk.approve(row, "olga")

    def test_unless_the_policy_says_so(self, desk: Desk) -> None:
        desk.without_policies()
        desk.policy(Demand.ONE, own_teams=True)
        desk.hire("olga", Role.APPROVER, owns=desk.team, group="FinOps")
        assert desk.approve(desk.submitted(), "olga").state == RequestState.APPROVED

    def test_only_the_group_decides_and_only_while_they_have_the_role(self, desk: Desk) -> None:
        row = desk.submitted()
        for name in ("erin", "dan", "vic", "bob"):
            with pytest.raises(NotYourDecision, match="FinOps"):
                desk.approve(row, name)
        carol = desk.actor("carol")
        Membership.objects.filter(person=desk.world.people["carol"]).update(role=Role.FINANCE)
        with pytest.raises(NotYourDecision):
            approvals.approve(row, seen=1, by=carol, at=LATER)

    def test_what_was_amended_is_not_approved_by_who_saw_what_was_before(self, desk: Desk) -> None:
        row = desk.submitted()
        alice = desk.actor("alice")
        requests.amend(row, desk.wanted("40"), seen=1, by=alice, at=LATER)
        for decide in (desk.approve, desk.reject):
            with pytest.raises(VersionPassed, match="you saw version 1, it is version 2 now"):
                decide(row, "carol")
        desk.approve(row, "carol", seen=2)
        assert desk.limit() == 45

    def test_a_question_waits_for_its_answer(self, desk: Desk) -> None:
        row = desk.submitted()
        carol = desk.actor("carol")
        approvals.ask(row, seen=1, by=carol, at=LATER, text="For how long?")
        with pytest.raises(QuestionOpen):
            desk.approve(row, "carol")
        requests.answer(row, "Until the fair is over.", by=desk.actor("alice"), at=LATER)
        assert desk.approve(row, "carol").state == RequestState.APPROVED
        told = [event.kind for event in timeline.of(carol, row)]
        assert told == [
            EventKind.DRAFTED,
            EventKind.SUBMITTED,
            EventKind.ASKED,
            EventKind.ANSWERED,
            EventKind.APPROVED,
        ]

    def test_what_was_withdrawn_is_not_decided(self, desk: Desk) -> None:
        row = desk.submitted()
        requests.withdraw(row, by=desk.actor("alice"), at=LATER)
        with pytest.raises(AlreadyDecided):
            desk.approve(row, "carol")

    @pytest.mark.parametrize("who", ["alice", "carol", "erin"])
    def test_a_granted_increase_can_be_ended_early(self, desk: Desk, who: str) -> None:
        row = desk.submitted()
        desk.approve(row, "carol")
        overrides.end(row, by=desk.actor(who), at=LATER, reason="The fair is off.")
        assert desk.limit() == 5
        with pytest.raises(Stale):
            overrides.end(row, by=desk.actor(who), at=LATER, reason="Once more.")

    def test_others_do_not_end_it(self, desk: Desk) -> None:
        row = desk.submitted()
        desk.approve(row, "carol")
        for who in ("bob", "dan", "vic"):
            with pytest.raises(NotYoursToEnd, match="its team or an approver"):
                overrides.end(row, by=desk.actor(who), at=LATER, reason="No.")
        assert desk.limit() == 8

    def test_what_was_taken_away_comes_back_by_an_approver_alone(self, desk: Desk) -> None:
        row = desk.submitted(desk.wanted("2", kind=RequestKind.DECREASE))
        desk.approve(row, "carol")
        with pytest.raises(NotYoursToEnd, match="an approver who did not ask"):
            overrides.end(row, by=desk.actor("alice"), at=LATER, reason="We want it back.")
        overrides.end(row, by=desk.actor("erin"), at=LATER, reason="It was too little.")
        assert desk.limit() == 5

    def test_an_approval_keeps_what_it_was_shown(self, desk: Desk) -> None:
        row = desk.submitted()
        desk.approve(row, "carol")
        seen = Approval.objects.get(request=row).seen
        assert (Decimal(seen["limit_before"]), Decimal(seen["limit_after"])) == (5, 8)

    def test_who_stands_in_decides_in_anothers_place_while_it_lasts(self, desk: Desk) -> None:
        desk.hire("nora", Role.APPROVER)
        row = desk.submitted()
        assert "FinOps" in desk.why_not(row, "nora")
        desk.stands_in("nora", absent="carol")
        desk.approve(row, "nora")
        given = Approval.objects.get(request=row)
        assert given.on_behalf_of == desk.world.people["carol"]

    def test_what_another_team_asks_is_not_seen(self, desk: Desk) -> None:
        row = desk.submitted()
        with pytest.raises(NotFound):
            requests.one(desk.actor("bob"), row.number)
        assert requests.one(desk.actor("alice"), row.number) == row


class TestTwoApprovers:
    @pytest.fixture(autouse=True)
    def two(self, desk: Desk) -> None:
        desk.policy(Demand.TWO)
        desk.hire("cora", Role.APPROVER, group="FinOps")

    def test_both_have_to_say_yes_and_nobody_counts_twice(self, desk: Desk) -> None:
        row = desk.submitted()
        desk.approve(row, "carol")
        assert desk.approve(row, "carol").state == RequestState.SUBMITTED
        assert desk.limit() == 5
        assert desk.approve(row, "cora").state == RequestState.APPROVED
        assert desk.granted(row) == [3]

    def test_an_amended_request_needs_both_anew(self, desk: Desk) -> None:
        row = desk.submitted()
        desk.approve(row, "carol")
        requests.amend(row, desk.wanted("4"), seen=1, by=desk.actor("alice"), at=LATER)
        assert desk.approve(row, "cora", seen=2).state == RequestState.SUBMITTED

    def test_one_no_is_enough(self, desk: Desk) -> None:
        row = desk.submitted()
        desk.approve(row, "carol")
        desk.reject(row, "cora")
        assert desk.granted(row) == []
        with pytest.raises(AlreadyDecided):
            desk.approve(row, "carol")

    def test_who_said_yes_does_not_say_no(self, desk: Desk) -> None:
        row = desk.submitted()
        desk.approve(row, "carol")
        with pytest.raises(AlreadyDecided, match="approved by you"):
            desk.reject(row, "carol")

    def test_one_person_is_not_two_by_standing_in(self, desk: Desk) -> None:
        desk.stands_in("cora", absent="carol")
        row = desk.submitted()
        desk.approve(row, "cora")
        assert desk.approve(row, "cora").state == RequestState.SUBMITTED
        assert sum(one.missing for one in deciders.progress(row)) == 1


class TestOwnerFirst:
    def test_the_cost_centers_owner_decides_before_an_approver(self, desk: Desk) -> None:
        desk.policy(Demand.OWNER_FIRST)
        center = desk.team.cost_center
        center.owner = desk.world.people["dan"]
        center.save()
        row = desk.submitted()
        with pytest.raises(OwnerFirst, match="decides first"):
            desk.approve(row, "carol")
        assert row not in deciders.waiting_for(desk.actor("carol"), at=LATER)
        assert desk.approve(row, "dan").state == RequestState.SUBMITTED
        assert Approval.objects.get(request=row).whose == Whose.OWNER
        assert desk.approve(row, "carol").state == RequestState.APPROVED


class TestNobody:
    def test_where_no_policy_asks_anybody_it_is_in_force_at_once(self, desk: Desk) -> None:
        desk.policy(Demand.AUTOMATIC)
        row = desk.submitted()
        assert row.state == RequestState.APPROVED
        assert desk.limit(at=NOW) == 8

    def test_without_any_policy_an_approver_decides(self, desk: Desk) -> None:
        row = desk.submitted()
        assert row.state == RequestState.SUBMITTED
        assert desk.approve(row, "carol").state == RequestState.APPROVED


class TestTheDatabase:
    """What the verbs refuse, the tables refuse too."""

    @pytest.fixture
    def row(self, desk: Desk) -> QuotaRequest:
        desk.policy(Demand.TWO)
        return desk.submitted()

    @pytest.mark.parametrize(
        ("state", "says"),
        [
            ("approved", "not everybody has approved"),
            ("applied", "does not become applied"),
            ("draft", "does not become draft"),
            ("failed", "does not become failed"),
        ],
    )
    def test_no_state_follows_where_it_may_not(
        self, row: QuotaRequest, state: str, says: str
    ) -> None:
        with (
            pytest.raises(IntegrityError, match=says),
            transaction.atomic(),
        ):
            QuotaRequest.objects.filter(pk=row.pk).update(state=state)

    def test_what_was_asked_stays_without_a_new_version(self, row: QuotaRequest) -> None:
        with pytest.raises(IntegrityError, match="new version"), transaction.atomic():
            QuotaRequest.objects.filter(pk=row.pk).update(amount=Decimal(900))

    def test_no_approval_of_another_version_nor_by_its_author(
        self, desk: Desk, row: QuotaRequest
    ) -> None:
        for who, version in (("carol", 2), ("alice", 1)):
            with pytest.raises(IntegrityError), transaction.atomic():
                Approval.objects.create(
                    request=row,
                    version=version,
                    person=desk.world.people[who],
                    whose=Whose.GROUP,
                    at=NOW,
                )

    def test_nothing_is_added_to_a_limit_that_nobody_approved(
        self, desk: Desk, row: QuotaRequest
    ) -> None:
        with pytest.raises(IntegrityError, match="only what is approved"), transaction.atomic():
            Override.objects.create(
                team=desk.team,
                unit="currency",
                span="month",
                amount=Decimal(5),
                effective_from=NOW,
                request=row,
                recorded_at=NOW,
            )


class TestWaiting:
    def test_when_it_runs_out_is_said_anew_of_open_requests_alone(self, desk: Desk) -> None:
        expected = desk.submitted().runs_out_on
        over = desk.submitted(desk.wanted("2"))
        desk.approve(over, "carol")
        stale = date(2026, 12, 24)
        assert stale != expected
        QuotaRequest.objects.update(runs_out_on=stale)
        looked_at = lapsing.look_again(at=LATER)
        rows = QuotaRequest.objects.filter(state=RequestState.SUBMITTED)
        assert looked_at == rows.count() >= 1
        assert stale not in rows.values_list("runs_out_on", flat=True)
        over.refresh_from_db()
        assert over.runs_out_on == stale

    def test_it_reminds_escalates_and_ends(self, desk: Desk) -> None:
        leads = ApproverGroup.objects.create(name="Leads")
        desk.policy(
            Demand.ONE,
            remind_after_hours=24,
            escalate_after_hours=72,
            escalate_to=leads,
            expires_after_days=10,
        )
        desk.hire("lena", Role.APPROVER, group="Leads")
        row = desk.submitted()

        def kinds() -> list[str]:
            return [event.kind for event in timeline.of(desk.actor("carol"), row)][2:]

        lapsing.due(at=NOW + timedelta(hours=25))
        lapsing.due(at=NOW + timedelta(hours=25))
        assert kinds() == [EventKind.REMINDED]
        assert "FinOps" in desk.why_not(row, "lena")
        lapsing.due(at=NOW + timedelta(hours=73))
        assert kinds().count(EventKind.ESCALATED) == 1
        assert desk.why_not(row, "lena") == ""
        lapsing.due(at=NOW + timedelta(days=10))
        row.refresh_from_db()
        assert row.state == RequestState.EXPIRED
        with pytest.raises(AlreadyDecided):
            desk.approve(row, "lena")
