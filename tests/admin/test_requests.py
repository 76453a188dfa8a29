"""The approver's desk in the admin: who sees and decides what, once, and on what was seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.front_door import approvals, requests
from governance.models import (
    Approval,
    Budget,
    Demand,
    QuotaRequest,
    RequestKind,
    RequestState,
)
from inventory.models import Ownership, Part, TeamMember
from tenancy import audit, scope
from tenancy.models import Membership, Role
from tests.admin.registered import address
from tests.flows.asking import LATER, Desk
from tests.pages.eventful import subscription
from tests.world import NOW, Browser, World

OK, FOUND, REFUSED = HTTPStatus.OK, HTTPStatus.FOUND, HTTPStatus.FORBIDDEN
MISSING, CONFLICT, BAD = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.BAD_REQUEST


@pytest.fixture
def desk(world: World, clock_at: Callable[[datetime], None]) -> Desk:
    """Requests need one of FinOps, which is Carol; the clock stands where the world's does."""
    clock_at(NOW)
    desk = Desk(world)
    with desk.open():
        desk.without_policies()
        QuotaRequest.objects.filter(state=RequestState.SUBMITTED).update(
            state=RequestState.WITHDRAWN
        )
        desk.policy(Demand.ONE)
    return desk


@pytest.fixture
def asked(desk: Desk) -> QuotaRequest:
    """Alice asks for three more a month."""
    with desk.open():
        return desk.submitted()


def at(desk: Desk, *rest: object) -> str:
    return address(desk.world.contoso, QuotaRequest, *rest)


def decide(desk: Desk, who: Browser, row: QuotaRequest, verb: str, **said: Any) -> Any:
    """Send a decision on what the page showed, which is version 1 unless something is said."""
    return who.post(at(desk, row.pk, verb), {"seen": 1, **said})


def standing(desk: Desk, row: QuotaRequest) -> tuple[str, int]:
    """The state of a request, and how many approvals it has."""
    with desk.open():
        row.refresh_from_db()
        return row.state, Approval.objects.filter(request=row).count()


def numbers(page: Any) -> list[int]:
    """The numbers of the requests on the list, in its order."""
    return [row.number for row in page.context["cl"].result_list]


def said(answer: Any) -> list[str]:
    """What the page after a decision tells its maker."""
    return [str(one) for one in answer.context["messages"]]


def keys(desk: Desk, count: int) -> list[Any]:
    """Further subscriptions of Alice's team, each of the tier that allows 20 a month."""
    made = []
    for number in range(count):
        key = subscription(desk.world.contoso, f"key-more-{number}")
        Ownership.objects.create(
            subscription=key, team=desk.team, from_day=date(2026, 9, 1), recorded_at=NOW
        )
        made.append(key)
    return made


class TestTheList:
    def test_shows_at_first_what_waits_for_whoever_looks(
        self, desk: Desk, asked: QuotaRequest
    ) -> None:
        inbox = desk.world.carol.get(at(desk))
        assert numbers(inbox) == [asked.number]
        assert b"waiting for me (1)" in inbox.content
        assert b"+3.00 USD a month" in inbox.content
        assert b"0 of 1" in inbox.content
        for person in (desk.world.dan, desk.world.vic, desk.world.erin):
            others = person.get(at(desk))
            assert numbers(others) == []
            assert b"all open" in others.content
            assert numbers(person.get(at(desk) + "?show=open")) == [asked.number]

    def test_what_runs_out_first_stands_first_then_what_waited_longest(self, desk: Desk) -> None:
        with desk.open():
            first, second, third, fourth = (desk.submitted() for _ in range(4))
            for row, day in ((second, 25), (third, 22)):
                QuotaRequest.objects.filter(number=row.number).update(
                    runs_out_on=date(2026, 11, day)
                )
            for row in (first, fourth):
                QuotaRequest.objects.filter(number=row.number).update(runs_out_on=None)
        inbox = desk.world.carol.get(at(desk))
        found = [one.number for one in (third, second, first, fourth)]
        assert numbers(inbox) == found
        assert b"22 Nov 2026" in inbox.content
        assert b"2 days left" in inbox.content

    def test_a_state_a_team_a_tier_and_words_choose_what_is_shown(
        self, desk: Desk, asked: QuotaRequest
    ) -> None:
        carol = desk.world.carol
        with desk.open():
            no = desk.reject(desk.submitted(), "carol")
            product, team = desk.world.contoso.product.pk, desk.team.pk
            key = desk.world.search.subscription.name
        assert numbers(carol.get(at(desk) + "?show=rejected")) == [no.number]
        assert no.number in numbers(carol.get(at(desk) + "?show=all"))
        for query in (f"tier={product}", f"team__id__exact={team}", "kind__exact=increase"):
            assert numbers(carol.get(at(desk) + "?" + query)) == [asked.number], query
        assert numbers(carol.get(at(desk) + "?kind__exact=tier")) == []
        for words in (str(asked.number), key, "campaign", "alice@example.org"):
            assert numbers(carol.get(at(desk) + f"?q={words}")) == [asked.number], words
        assert numbers(carol.get(at(desk) + "?q=nothing-of-the-kind")) == []

    def test_says_what_one_should_know(self, desk: Desk) -> None:
        with desk.open():
            TeamMember.objects.create(
                team=desk.team, person=desk.world.people["carol"], part=Part.MEMBER
            )
            desk.submitted(by="carol")
            Budget.objects.create(
                team=desk.team,
                amount=Decimal(1),
                from_day=date(2026, 11, 1),
                set_by="erin@example.org",
                recorded_at=NOW,
            )
            short = desk.submitted(desk.for_a_time(date(2026, 11, 30)))
            again = desk.wanted("4", kind=RequestKind.TEMPORARY, last_day=date(2026, 11, 30))
            actor = desk.actor("alice")
            requests.amend(short, again, seen=1, by=actor, at=LATER)
            open_question = desk.submitted()
            approvals.ask(open_question, seen=1, by=desk.actor("carol"), at=LATER, text="Why?")
        page = desk.world.carol.get(at(desk) + "?show=open").content.decode()
        for words in (
            "own request: not yours to decide",
            "over budget",
            "temporary",
            "version 2",
            "question open",
            "+4.00 USD a month until 30 Nov 2026",
        ):
            assert words in page, words

    def test_no_budget_is_said_to_break_that_does_not(
        self, desk: Desk, asked: QuotaRequest
    ) -> None:
        assert b"over budget" not in desk.world.carol.get(at(desk)).content

    def test_asks_the_database_as_often_for_many_as_for_few(self, desk: Desk) -> None:
        carol = desk.world.carol

        def count() -> int:
            with CaptureQueriesContext(connection) as made:
                assert carol.get(at(desk)).status_code == OK
            return len(made)

        with desk.open():
            for _ in range(2):
                desk.submitted()
        few = count()
        with desk.open():
            for key in keys(desk, 6):
                desk.submitted(desk.wanted(subscription=key))
        assert count() == few

    def test_a_draft_is_on_nobodys_list(self, desk: Desk) -> None:
        with desk.open():
            row = desk.drafted()
        assert row.number not in numbers(desk.world.carol.get(at(desk) + "?show=all"))
        assert desk.world.carol.get(at(desk, row.pk, "change")).status_code == MISSING


class TestOneRequest:
    def test_all_it_takes_to_decide_is_on_one_page(self, desk: Desk, asked: QuotaRequest) -> None:
        page = desk.world.carol.get(at(desk, asked.pk, "change")).content.decode()
        for words in (
            "What it changes",
            "Who must approve",
            "One of FinOps",
            "What happened",
            "The campaign begins.",
            "+3.00 USD a month",
            f"Approve request {asked.number}",
        ):
            assert words in page, words

    @pytest.mark.parametrize("verb", ["approve", "reject", "ask"])
    def test_the_list_leads_to_the_form_of_each_decision(
        self, desk: Desk, asked: QuotaRequest, verb: str
    ) -> None:
        link = f"{asked.pk}/{verb}/"
        assert link in desk.world.carol.get(at(desk)).content.decode()
        page = desk.world.carol.get(at(desk, asked.pk, verb))
        assert page.status_code == OK
        assert f'id="{verb}" open' in page.content.decode()
        assert standing(desk, asked) == (RequestState.SUBMITTED, 0)

    def test_whoever_only_looks_is_told_who_decides(self, desk: Desk, asked: QuotaRequest) -> None:
        page = desk.world.dan.get(at(desk, asked.pk, "change"))
        assert page.status_code == OK
        assert b"is for others to decide: FinOps" in page.content
        assert b'<form method="post" action="/t/contoso/admin/governance' not in page.content

    def test_the_next_one_is_named(self, desk: Desk, asked: QuotaRequest) -> None:
        with desk.open():
            later = desk.submitted()
        page = desk.world.carol.get(at(desk, asked.pk, "change"))
        assert f"Next: request {later.number}".encode() in page.content

    def test_its_history_is_the_audit_log_of_it_alone(
        self, desk: Desk, asked: QuotaRequest
    ) -> None:
        with desk.open():
            audit.record("request.other", f"request {asked.number}0", by="x", at=NOW)
        page = desk.world.carol.get(at(desk, asked.pk, "history"))
        assert [one.action for one in page.context["records"]] == [
            "request.submitted",
            "request.drafted",
        ]

    def test_what_an_approval_rested_on_is_told_in_figures_one_can_read(
        self, desk: Desk, asked: QuotaRequest
    ) -> None:
        decide(desk, desk.world.carol, asked, "approve")
        page = desk.world.carol.get(at(desk, asked.pk, "change"))
        (given,) = page.context["page"].given
        assert dict(given.seen) == {
            "Used": "1.75 USD",
            "Limit": "5.00 USD",
            "Limit with it": "8.00 USD",
            "Expected (P50)": "1.75 USD",
            "More a month": "3.00 USD",
            "Usage through": "20 Nov 2026 14:00 UTC",
            "Basis of cost": "estimated",
        }
        assert b"<dd>8.00 USD</dd>" in page.content

    def test_an_approver_who_stands_in_is_told_for_whom(self, desk: Desk) -> None:
        with desk.open():
            desk.hire("ann", Role.APPROVER)
            desk.stands_in("ann", absent="carol")
            row = desk.submitted()
        ann = Browser(desk.world.people["ann"])
        assert b"You decide for Carol" in ann.get(at(desk, row.pk, "change")).content
        assert decide(desk, ann, row, "approve").status_code == FOUND
        assert b"Ann, for Carol" in ann.get(at(desk, row.pk, "change")).content


class TestDeciding:
    def test_an_approval_is_in_force_at_once_and_a_second_click_changes_nothing(
        self, desk: Desk, asked: QuotaRequest
    ) -> None:
        carol = desk.world.carol
        page = carol.post(at(desk, asked.pk, "approve"), {"seen": 1, "text": "Fine."}, follow=True)
        assert said(page) == [f"Request {asked.number} is approved."]
        assert page.redirect_chain == [(at(desk), FOUND)]
        assert standing(desk, asked) == (RequestState.APPROVED, 1)
        again = carol.post(at(desk, asked.pk, "approve"), {"seen": 1}, follow=True)
        assert said(again) == [f"Request {asked.number} was approved already; nothing changed."]
        with desk.open():
            assert desk.limit() == 8
            assert desk.granted(asked) == [3]
        after = carol.get(at(desk, asked.pk, "change"))
        assert b"What the decision rested on" in after.content
        assert b"Fine." in after.content

    def test_one_of_two_is_not_enough(self, desk: Desk) -> None:
        with desk.open():
            desk.policy(Demand.TWO)
            desk.join("erin", "FinOps")
            row = desk.submitted()
        first = desk.world.carol.post(at(desk, row.pk, "approve"), {"seen": 1}, follow=True)
        assert said(first) == [f"You approved request {row.number}. It needs one more approval."]
        again = desk.world.carol.post(at(desk, row.pk, "approve"), {"seen": 1}, follow=True)
        assert said(again) == said(first)
        assert standing(desk, row) == (RequestState.SUBMITTED, 1)
        inbox = desk.world.erin.get(at(desk))
        assert b"1 of 2" in inbox.content
        assert b"You approved version 1" in desk.world.carol.get(at(desk, row.pk, "change")).content
        assert decide(desk, desk.world.erin, row, "approve").status_code == FOUND
        assert standing(desk, row) == (RequestState.APPROVED, 2)

    @pytest.mark.parametrize("verb", ["reject", "ask"])
    def test_a_no_and_a_question_need_words(
        self, desk: Desk, asked: QuotaRequest, verb: str
    ) -> None:
        answer = decide(desk, desk.world.carol, asked, verb, text="   ")
        assert answer.status_code == BAD
        assert b"Say w" in answer.content
        assert standing(desk, asked) == (RequestState.SUBMITTED, 0)
        assert decide(desk, desk.world.carol, asked, verb, text="Why now?").status_code == FOUND
        state = {"reject": RequestState.REJECTED, "ask": RequestState.QUESTION}[verb]
        assert standing(desk, asked) == (state, 0)
        assert decide(desk, desk.world.carol, asked, verb, text="Why now?").status_code == FOUND
        assert standing(desk, asked) == (state, 0)

    def test_what_is_asked_about_is_approved_when_it_is_answered(
        self, desk: Desk, asked: QuotaRequest
    ) -> None:
        decide(desk, desk.world.carol, asked, "ask", text="How long?")
        page = desk.world.carol.get(at(desk, asked.pk, "change"))
        assert b"it can be approved once the team has answered" in page.content
        assert decide(desk, desk.world.carol, asked, "approve").status_code == CONFLICT
        with desk.open():
            requests.answer(asked, "A week.", by=desk.actor("alice"), at=LATER)
        assert decide(desk, desk.world.carol, asked, "approve").status_code == FOUND

    def test_a_version_that_passed_is_not_approved_and_the_change_is_shown(
        self, desk: Desk, asked: QuotaRequest
    ) -> None:
        seen = desk.world.carol.get(at(desk, asked.pk, "change")).context["page"].last_event
        with desk.open():
            wanted, alice = desk.wanted("9"), desk.actor("alice")
            requests.amend(asked, wanted, seen=1, by=alice, at=LATER, text="It grew.")
        sent = {"last": seen, "text": "As it was."}
        answer = decide(desk, desk.world.carol, asked, "approve", **sent)
        assert answer.status_code == CONFLICT
        page = answer.content.decode()
        assert "you saw version 1, it is version 2 now" in page
        assert [(one.name, one.before, one.after) for one in answer.context["page"].changed] == [
            ("Amount", "3", "9")
        ]
        assert "It grew." in page
        assert "As it was." in page
        assert 'name="seen" value="2"' in page
        assert standing(desk, asked) == (RequestState.SUBMITTED, 0)
        assert decide(desk, desk.world.carol, asked, "approve", seen=2).status_code == FOUND

    def test_what_another_decided_meanwhile_is_said(self, desk: Desk, asked: QuotaRequest) -> None:
        seen = desk.world.carol.get(at(desk, asked.pk, "change")).context["page"].last_event
        with desk.open():
            desk.join("erin", "FinOps")
            desk.reject(asked, "erin")
        answer = decide(desk, desk.world.carol, asked, "approve", last=seen)
        assert answer.status_code == CONFLICT
        assert [(one.who, one.says, one.text) for one in answer.context["page"].since] == [
            ("Erin", "rejected", "Too much.")
        ]
        assert standing(desk, asked) == (RequestState.REJECTED, 0)

    def test_nobody_decides_on_their_own_request(self, desk: Desk) -> None:
        with desk.open():
            carol = desk.world.people["carol"]
            TeamMember.objects.create(team=desk.team, person=carol, part=Part.MEMBER)
            row = desk.submitted(by="carol")
        for verb in ("approve", "reject", "ask"):
            answer = decide(desk, desk.world.carol, row, verb, text="Mine.")
            assert answer.status_code == REFUSED, verb
            assert b"Nobody decides on their own request" in answer.content
        assert standing(desk, row) == (RequestState.SUBMITTED, 0)

    def test_nor_for_a_team_they_own(self, desk: Desk, asked: QuotaRequest) -> None:
        with desk.open():
            carol = desk.world.people["carol"]
            TeamMember.objects.create(team=desk.team, person=carol, part=Part.OWNER)
        assert numbers(desk.world.carol.get(at(desk))) == []
        answer = decide(desk, desk.world.carol, asked, "approve")
        assert answer.status_code == REFUSED
        assert b"You own the team" in answer.content
        assert standing(desk, asked) == (RequestState.SUBMITTED, 0)

    @pytest.mark.parametrize("role", [Role.FINANCE, Role.TEAM_OWNER, Role.VIEWER])
    def test_a_role_that_was_lost_since_the_page_was_opened_counts(
        self, desk: Desk, asked: QuotaRequest, role: Role
    ) -> None:
        assert desk.world.carol.get(at(desk, asked.pk, "approve")).status_code == OK
        with desk.open():
            Membership.objects.filter(person=desk.world.people["carol"]).update(role=role)
        assert decide(desk, desk.world.carol, asked, "approve").status_code == REFUSED
        assert standing(desk, asked) == (RequestState.SUBMITTED, 0)

    @pytest.mark.parametrize(
        "sent", [{}, {"seen": ""}, {"seen": "x"}, {"seen": "0"}, {"seen": "9" * 30}]
    )
    def test_a_decision_names_the_version_it_is_about(
        self, desk: Desk, asked: QuotaRequest, sent: dict[str, str]
    ) -> None:
        answer = desk.world.carol.post(at(desk, asked.pk, "approve"), sent)
        assert answer.status_code == BAD
        assert standing(desk, asked) == (RequestState.SUBMITTED, 0)

    def test_the_list_is_left_as_it_was_found(self, desk: Desk, asked: QuotaRequest) -> None:
        kept = "?_changelist_filters=show%3Dopen%26q%3Dcampaign"
        answer = desk.world.carol.post(at(desk, asked.pk, "approve") + kept, {"seen": 1})
        assert answer.headers["Location"] == at(desk) + "?show=open&q=campaign"


class TestOthers:
    def test_who_does_not_enter_sees_and_decides_nothing(
        self, desk: Desk, asked: QuotaRequest
    ) -> None:
        with desk.open():
            desk.hire("zoe", Role.VIEWER)
        for person in (desk.world.alice, Browser(desk.world.people["zoe"])):
            assert person.get(at(desk)).status_code == REFUSED
            assert person.get(at(desk, asked.pk, "change")).status_code == REFUSED
            assert decide(desk, person, asked, "approve").status_code == REFUSED
            together = person.post(at(desk, "together", "approve"), {"request": f"{asked.pk}:1"})
            assert together.status_code == REFUSED
        assert standing(desk, asked) == (RequestState.SUBMITTED, 0)

    def test_finance_and_the_auditor_decide_nothing(self, desk: Desk, asked: QuotaRequest) -> None:
        for person in (desk.world.dan, desk.world.vic):
            for verb in ("approve", "reject", "ask"):
                assert decide(desk, person, asked, verb, text="So.").status_code == REFUSED
            assert b'name="action"' not in person.get(at(desk) + "?show=open").content
        assert standing(desk, asked) == (RequestState.SUBMITTED, 0)

    def test_a_request_of_another_tenant_is_not_there(
        self, desk: Desk, asked: QuotaRequest
    ) -> None:
        with scope.of(desk.world.fabrikam.ref):
            theirs = QuotaRequest.objects.get(state=RequestState.SUBMITTED)
        for page in ("change", "approve", "history"):
            assert desk.world.carol.get(at(desk, theirs.pk, page)).status_code == MISSING
        assert decide(desk, desk.world.carol, theirs, "approve").status_code == MISSING
        together = at(desk, "together", "approve")
        answer = desk.world.carol.post(together, {"request": f"{theirs.pk}:1"}, follow=True)
        assert said(answer) == ["No request was chosen; nothing changed."]
        assert decide(desk, desk.world.mallory, asked, "approve").status_code == MISSING
        with scope.of(desk.world.fabrikam.ref):
            theirs.refresh_from_db()
            assert theirs.state == RequestState.SUBMITTED

    def test_what_is_no_request_is_not_there(self, desk: Desk) -> None:
        for key in ("nothing", "0", "9" * 40):
            for page in ("change", "approve", "history"):
                assert desk.world.carol.get(at(desk, key, page)).status_code == MISSING, key


class TestTogether:
    """Alice's further keys are of a tier of 20 a month: 2 is a tenth of that."""

    @pytest.fixture
    def several(self, desk: Desk) -> list[QuotaRequest]:
        with desk.open():
            return [desk.submitted(desk.wanted("2", subscription=key)) for key in keys(desk, 3)]

    def choose(self, desk: Desk, rows: list[QuotaRequest], **said: Any) -> Any:
        chosen = {"action": "approve_chosen", "_selected_action": [row.pk for row in rows]}
        return desk.world.carol.post(at(desk), chosen | said, follow=True)

    def confirm(self, desk: Desk, *wanted: str) -> list[str]:
        to = at(desk, "together", "approve")
        return said(desk.world.carol.post(to, {"request": list(wanted)}, follow=True))

    def test_each_is_listed_with_its_figures_and_then_approved_by_itself(
        self, desk: Desk, several: list[QuotaRequest]
    ) -> None:
        page = self.choose(desk, several)
        assert [one.request.number for one in page.context["together"]] == [
            one.number for one in several
        ]
        assert page.context["alone"] == ()
        for words in ("+2.00 USD a month", "20.00 USD", "22.00 USD", "+10 %", f"{several[0].pk}:1"):
            assert words in page.content.decode(), words
        assert {standing(desk, row) for row in several} == {(RequestState.SUBMITTED, 0)}

        wanted = [one.key for one in page.context["together"]]
        assert self.confirm(desk, *wanted) == [
            f"Request {row.number} is approved." for row in several
        ]
        assert {standing(desk, row) for row in several} == {(RequestState.APPROVED, 1)}
        assert self.confirm(desk, *wanted) == [
            f"Request {row.number} was approved already; nothing changed." for row in several
        ]
        with desk.open():
            assert [desk.granted(row) for row in several] == [[2], [2], [2]]

    def test_unlike_ones_are_refused(self, desk: Desk, several: list[QuotaRequest]) -> None:
        with desk.open():
            other = desk.submitted(desk.wanted("1", kind=RequestKind.DECREASE))
        page = self.choose(desk, [*several, other])
        (told,) = said(page)
        assert told.startswith("Only requests of one kind, unit and period")
        answer = desk.world.carol.post(
            at(desk, "together", "approve"),
            {"request": [f"{row.pk}:1" for row in (*several, other)]},
        )
        assert answer.status_code == CONFLICT
        assert standing(desk, several[0]) == (RequestState.SUBMITTED, 0)

    def test_what_is_no_small_matter_is_looked_at_alone(
        self, desk: Desk, several: list[QuotaRequest]
    ) -> None:
        with desk.open():
            much = desk.submitted(desk.wanted("4", subscription=keys_of(several)[0]))
            own = desk.submitted(desk.wanted("3"))
        page = self.choose(desk, [*several, much, own])
        alone = {one.request.number: one.why_not for one in page.context["alone"]}
        assert alone == {
            much.number: "Its limit would be 20 % above that of 30 days ago;"
            " together up to 10 % are approved.",
            own.number: "Its limit would be 60 % above that of 30 days ago;"
            " together up to 10 % are approved.",
        }
        told = self.confirm(desk, f"{several[0].pk}:1", f"{much.pk}:1")
        assert told[0] == f"Request {several[0].number} is approved."
        assert told[1].startswith(f"Request {much.number} has to be decided by itself.")
        assert standing(desk, much) == (RequestState.SUBMITTED, 0)

    def test_two_for_one_limit_are_not_approved_at_once(
        self, desk: Desk, several: list[QuotaRequest]
    ) -> None:
        with desk.open():
            twice = desk.submitted(desk.wanted("1", subscription=keys_of(several)[0]))
        page = self.choose(desk, [several[0], twice])
        assert [one.why_not for one in page.context["alone"]] == [
            "Another one that was chosen is for the same limit."
        ]

    def test_together_they_must_not_break_a_budget(
        self, desk: Desk, several: list[QuotaRequest]
    ) -> None:
        with desk.open():
            found = desk.world.carol.get(at(desk, several[0].pk, "change")).context["page"]
            share = next(one for one in found.consequences.shares if one.name == str(desk.team))
            Budget.objects.create(
                team=desk.team,
                amount=share.before + 5,
                from_day=date(2026, 11, 1),
                set_by="erin@example.org",
                recorded_at=NOW,
            )
        assert len(self.choose(desk, several[:2]).context["together"]) == 2
        page = self.choose(desk, several)
        assert {one.why_not for one in page.context["alone"]} == {
            "Together with the others it would break a budget."
        }

    def test_one_that_changed_meanwhile_is_left_and_the_others_are_not(
        self, desk: Desk, several: list[QuotaRequest]
    ) -> None:
        with desk.open():
            wanted = desk.wanted("1", subscription=keys_of(several)[1])
            requests.amend(several[1], wanted, seen=1, by=desk.actor("alice"), at=LATER)
        told = self.confirm(desk, *(f"{row.pk}:1" for row in several))
        assert told[0] == f"Request {several[0].number} is approved."
        assert "you saw version 1, it is version 2 now" in told[1]
        assert told[2] == f"Request {several[2].number} is approved."
        assert standing(desk, several[1]) == (RequestState.SUBMITTED, 0)

    def test_one_that_needs_two_is_looked_at_alone(
        self, desk: Desk, several: list[QuotaRequest]
    ) -> None:
        with desk.open():
            desk.policy(Demand.TWO)
            row = desk.submitted(desk.wanted("0.1"))
        page = self.choose(desk, [row])
        assert [one.why_not for one in page.context["alone"]] == [
            "It needs 2 more approvals, not one."
        ]
        assert b"None of these can be approved together." in page.content

    @pytest.mark.parametrize("sent", ["x", "1", "1:", ":1", "1:x", "9" * 30 + ":1", "1:-1"])
    def test_what_is_no_choice_is_refused(self, desk: Desk, sent: str) -> None:
        to = at(desk, "together", "approve")
        assert desk.world.carol.post(to, {"request": [sent]}).status_code == BAD
        assert desk.world.carol.get(to).status_code == HTTPStatus.METHOD_NOT_ALLOWED

    def test_a_row_that_is_no_id_is_refused(self, desk: Desk, asked: QuotaRequest) -> None:
        chosen = {"action": "approve_chosen", "_selected_action": ["x"]}
        assert desk.world.carol.post(at(desk), chosen).status_code == BAD


def keys_of(rows: list[QuotaRequest]) -> list[Any]:
    return [row.subscription for row in rows]
