"""Requests through the API: what would be, what is asked, and what a team does about it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from governance.models import ApprovalPolicy, Demand, QuotaRequest
from inventory.models import Part, TeamMember
from portal.api import request_examples as shown
from tenancy import scope
from tests.api.asking import LIST, NEW, WHAT_IF, Asking, asked, done, kept, of_number, tiered
from tests.api.conftest import Program, faults, problem
from tests.api.test_schema import _shape
from tests.world import NOW, World

#: Every deed, with what it is sent.
DEEDS: dict[str, dict[str, Any]] = {
    "change": {name: NEW[name] for name in NEW if name != "team"},
    "submit": {},
    "amend": {name: NEW[name] for name in NEW if name != "team"} | {"version": 1},
    "comment": {"text": "Soon?"},
    "answer": {"text": "By Friday."},
    "withdraw": {},
    "approve": {"version": 1},
    "reject": {"version": 1, "reason": "Too much."},
    "ask": {"version": 1, "text": "For how long?"},
}


# --- looking ahead -------------------------------------------------------------------------------


def test_looking_ahead_tells_the_consequences_and_who_decides_and_keeps_nothing(
    world: World, program: Asking
) -> None:
    before = kept(world)
    body = {name: NEW[name] for name in NEW if name != "reason"}
    told = program("alice", "read:requests").send(WHAT_IF, body)
    assert told.status_code == 200, told.content
    found = told.json()

    assert _shape(found) == _shape(shown.WHAT_IF) | {
        "consequences": _shape(shown.WHAT_IF["consequences"])
        | {"runs_out_without": _shape(found["consequences"]["runs_out_without"])}
    }
    limits = found["consequences"]["before"], found["consequences"]["after"]
    assert [one["limit"] for one in limits] == ["5", "7.5"]
    assert found["consequences"]["monthly_change"] == "2.5"
    assert [need["says"] for need in found["route"]["needs"]] == ["one of FinOps"]
    assert kept(world) == before


def test_what_an_amendment_would_need_does_not_count_the_request_twice(
    world: World, program: Asking
) -> None:
    with scope.of(world.contoso.ref):
        ApprovalPolicy.objects.create(
            name="Much", demand=Demand.TWO, amount_from=4, effective_from=NOW, set_by="erin"
        )
    alice = program("alice")
    number = asked(alice)["number"]
    other = NEW | {"amount": "3"}
    needs = [
        sum(need["people"] for need in alice.send(WHAT_IF, body).json()["route"]["needs"])
        for body in (other, other | {"amends": number})
    ]
    assert needs == [3, 1]


def test_looking_ahead_is_for_what_one_sees(program: Asking) -> None:
    assert faults(program("bob").send(WHAT_IF, NEW)) == ["team"]
    assert faults(program("mallory").send(WHAT_IF, NEW)) == ["team"]
    mine = NEW | {"team": "support"}
    assert faults(program("bob").send(WHAT_IF, mine)) == ["subscription"]
    answer = program("alice").send(WHAT_IF, NEW | {"amends": 2})
    assert problem(answer, 404)["code"] == "not-found"


# --- asking --------------------------------------------------------------------------------------


def test_a_draft_is_written_sent_and_told(world: World, program: Asking) -> None:
    alice = program("alice")
    draft = asked(alice, submit=False)
    assert (draft["state"], draft["version"], draft["approvals"]) == ("draft", 1, [])
    assert {name: draft[name] for name in NEW} == NEW

    told = alice.read(draft["url"])
    assert [need["group"] for need in told["route"]["needs"]] == ["FinOps"]
    assert program("carol").ask(of_number(draft["number"])).status_code == 404

    sent = done(alice, draft["number"], "submit")
    assert (sent["state"], sent["submitted_at"]) == ("submitted", "2026-11-20T14:20:00Z")
    assert _shape(sent) == _shape(shown.STANDING) | {"runs_out_on": "NoneType"}
    told = alice.read(draft["url"])
    assert told["route"] is None
    assert told["consequences"]["after"]["limit"] == "7.5"
    assert done(alice, draft["number"], "submit") == sent

    events = alice.all(draft["timeline_url"], page_size=1)
    assert [event["kind"] for event in events] == ["drafted", "submitted"]
    assert _shape(events[1])["details"] == "dict" or _shape(events[1]).keys() == shown.EVENT.keys()


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ({"kind": "temporary", "last_day": "2026-11-25"}, "key-search"),
        ({"kind": "decrease"}, "key-search"),
        ({"kind": "increase", "unit": "tokens", "every": "day", "amount": "100"}, "key-search"),
        ({"kind": "increase", "gateway": None, "subscription": None}, None),
        ({"kind": "tier", "product": "silver", "amount": None}, "key-search"),
        ({"kind": "reactivation", "amount": None}, "key-search"),
        (
            {
                "kind": "subscription",
                "subscription": None,
                "product": "silver",
                "amount": None,
                "display_name": "Batch of search",
                "environment": "test",
                "application": "Batch",
            },
            None,
        ),
    ],
)
def test_everything_that_can_be_asked_for(
    world: World, program: Asking, said: dict[str, Any], subject: str | None
) -> None:
    tiered(world)
    alice = program("alice")
    assert alice.send(WHAT_IF, NEW | said).status_code == 200
    row = asked(alice, **said)
    assert {name: row[name] for name in said} == said
    assert (row["state"], row["subscription"]) == ("submitted", subject)
    assert alice.read(row["url"])["consequences"] is not None


def test_where_no_policy_asks_anybody_it_is_in_force_at_once(world: World, program: Asking) -> None:
    with scope.of(world.contoso.ref):
        ApprovalPolicy.objects.update(demand=Demand.AUTOMATIC)
    alice = program("alice")
    assert alice.send(WHAT_IF, NEW).json()["route"]["automatic"] is True
    row = asked(alice)
    assert (row["state"], row["override"]["amount"]) == ("approved", "2.5")
    key = alice.read("subscriptions/apim-contoso/key-search/")
    assert key["limit"]["amount"] == "7.5"


@pytest.mark.parametrize("name", ["carol", "dan", "vic"])
def test_only_the_team_and_administrators_ask(world: World, program: Asking, name: str) -> None:
    before = kept(world)
    assert problem(program(name).send(LIST, NEW), 403)["code"] == "not-yours-to-ask"
    assert kept(world) == before
    assert program("erin").send(LIST, NEW).status_code == 201


def test_a_key_of_another_team_is_none(program: Asking) -> None:
    for changed in ({"subscription": "key-support"}, {"subscription": "none"}):
        told = problem(program("alice").send(LIST, NEW | changed), 400)
        assert told["errors"][0]["detail"] == "There is none like it, or it is not yours to see."
    theirs = {"gateway": "apim-fabrikam", "subscription": "key-pune"}
    assert faults(program("erin").send(LIST, NEW | theirs)) == ["subscription"]
    assert faults(program("erin").send(LIST, NEW | {"subscription": "key-support"})) == [
        "subscription"
    ]


# --- once ----------------------------------------------------------------------------------------


def keyed(asking: Program, key: str, **more: Any) -> Any:
    return asking.send(LIST, NEW | more, headers={"Idempotency-Key": key})


def test_a_key_asks_once(world: World, program: Asking) -> None:
    alice = program("alice")
    first = keyed(alice, "k-1", submit=True)
    before = kept(world)
    again = keyed(program("alice"), "k-1", submit=True)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert kept(world) == before

    other = problem(keyed(alice, "k-1", submit=True, amount="9"), 409)
    assert other["code"] == "key-reused"
    assert str(first.json()["number"]) in other["detail"]
    assert keyed(alice, "k-2", submit=True).status_code == 201
    assert keyed(program("erin"), "k-1", submit=True, amount="9").status_code == 201


def test_a_key_whose_request_was_refused_is_free(program: Asking) -> None:
    alice = program("alice")
    assert faults(keyed(alice, "k-1", amount="0")) == ["amount"]
    assert keyed(alice, "k-1").status_code == 201


def test_a_key_of_someone_who_left_the_team_tells_nothing(world: World, program: Asking) -> None:
    alice = program("alice")
    assert keyed(alice, "k-1").status_code == 201
    with scope.of(world.contoso.ref):
        TeamMember.objects.filter(person=world.people["alice"]).delete()
    problem(keyed(alice, "k-1"), 404)


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "ключ", "\x7f"])
def test_what_is_no_key_is_refused(world: World, program: Asking, key: str) -> None:
    before = kept(world)
    assert faults(keyed(program("alice"), key)) == ["Idempotency-Key"]
    assert kept(world) == before


def test_a_key_sent_many_times_at_once_asks_once(committed_world: World) -> None:
    alice = Program(committed_world.token("alice"))
    gate = Barrier(5)

    def one(_turn: int) -> tuple[int, int]:
        try:
            gate.wait(30)
            answer = keyed(alice, "k-1", submit=True)
            return answer.status_code, answer.json()["number"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(one, range(5)))
    assert sorted(status for status, _ in answers) == [200, 200, 200, 200, 201]
    assert len({number for _, number in answers}) == 1
    with scope.of(committed_world.contoso.ref):
        assert QuotaRequest.objects.exclude(key_digest="").count() == 1
        assert not QuotaRequest.objects.filter(key_digest="k-1").exists()


# --- whose business it is ------------------------------------------------------------------------


@pytest.mark.parametrize("deed", ["", "timeline", *DEEDS])
@pytest.mark.parametrize("name", ["bob", "mallory"])
def test_anothers_request_is_not_there(world: World, program: Asking, name: str, deed: str) -> None:
    mine = asked(program("alice"))["number"]
    before, asking = kept(world), program(name)

    def told(number: int) -> dict[str, Any]:
        address = of_number(number, deed)
        answer = asking.send(address, DEEDS[deed]) if deed in DEEDS else asking.ask(address)
        return problem(answer, 404) | {"instance": ""}

    assert told(mine) == told(9999)
    assert kept(world) == before


@pytest.mark.parametrize("deed", DEEDS)
def test_each_deed_needs_its_scope(world: World, program: Asking, deed: str) -> None:
    needed = "decide:requests" if deed in {"approve", "reject", "ask"} else "write:requests"
    others = {"read:requests", "write:requests", "decide:requests"} - {needed}
    before = kept(world)
    told = problem(program("erin", *others).send(of_number(2, deed), DEEDS[deed]), 403)
    assert told["code"] == "missing-scope"
    assert needed in told["detail"]
    assert kept(world) == before


def test_reading_and_asking_need_their_scopes(program: Asking) -> None:
    for address in (LIST, of_number(1), of_number(1, "timeline")):
        asking = program("erin", "write:requests", "decide:requests")
        assert problem(asking.ask(address), 403)["code"] == "missing-scope"
    assert problem(program("alice", "read:requests").send(LIST, NEW), 403)["code"] == (
        "missing-scope"
    )


# --- changing, saying, withdrawing ---------------------------------------------------------------


def test_a_draft_is_changed_by_its_author(program: Asking) -> None:
    alice = program("alice")
    number = asked(alice, submit=False)["number"]
    changed = done(alice, number, "change", **DEEDS["change"] | {"amount": "4"})
    assert (changed["amount"], changed["version"], changed["state"]) == ("4", 1, "draft")
    erins = program("erin").send(of_number(number, "change"), DEEDS["change"])
    assert erins.status_code == 404  # an administrator sees what was sent
    done(alice, number, "submit")
    told = problem(alice.send(of_number(number, "change"), DEEDS["change"]), 409)
    assert told["code"] == "already-decided"


def test_an_amendment_is_a_new_version_that_is_approved_anew(program: Asking) -> None:
    alice = program("alice")
    number = asked(alice)["number"]
    said = DEEDS["amend"] | {"amount": "4", "text": "More came in."}
    amended = done(alice, number, "amend", **said)
    assert (amended["version"], amended["amount"]) == (2, "4")
    assert [part["missing"] for part in amended["approvals"]] == [1]
    last = alice.all(of_number(number, "timeline"))[-1]
    assert (last["kind"], last["version"], last["text"]) == ("amended", 2, "More came in.")
    assert Decimal(last["details"]["changed"]["amount"]["after"]) == 4

    told = problem(alice.send(of_number(number, "amend"), said | {"amount": "5"}), 409)
    assert told["code"] == "version-passed"
    same = alice.send(of_number(number, "amend"), said | {"version": 2})
    assert problem(same, 400)["code"] == "invalid"
    erins = program("erin").send(of_number(number, "amend"), said | {"version": 2})
    assert problem(erins, 403)["code"] == "not-your-request"


def test_it_is_talked_about(program: Asking) -> None:
    alice, carol = program("alice"), program("carol")
    number = asked(alice)["number"]
    done(carol, number, "comment", text="I look at it today.")
    told = problem(alice.send(of_number(number, "answer"), {"text": "Thanks."}), 409)
    assert told["code"] == "no-question"
    assert done(carol, number, "ask", version=1, text="How long?")["state"] == "question"
    assert done(alice, number, "answer", text="Two weeks.")["state"] == "submitted"
    said = [(one["kind"], one["text"]) for one in alice.all(of_number(number, "timeline"))[2:]]
    assert said == [
        ("commented", "I look at it today."),
        ("asked", "How long?"),
        ("answered", "Two weeks."),
    ]


def test_it_is_taken_back_by_its_author(program: Asking) -> None:
    alice = program("alice")
    number = asked(alice)["number"]
    told = problem(program("erin").send(of_number(number, "withdraw"), {}), 403)
    assert told["code"] == "not-your-request"
    gone = done(alice, number, "withdraw", text="Not needed.")
    assert (gone["state"], alice.read(gone["url"])["consequences"]) == ("withdrawn", None)
    assert done(alice, number, "withdraw") == gone
    for deed in ("submit", "amend"):
        told = problem(alice.send(of_number(number, deed), DEEDS[deed]), 409)
        assert told["code"] == "already-decided"


def test_a_team_member_who_only_looks_does_not_ask(world: World, program: Asking) -> None:
    with scope.of(world.contoso.ref):
        TeamMember.objects.create(
            team=world.search.team, person=world.people["vic"], part=Part.MEMBER
        )
    assert problem(program("vic").send(LIST, NEW), 403)["code"] == "not-yours-to-ask"
