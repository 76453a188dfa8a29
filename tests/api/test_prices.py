"""The price list through the API: what changed, every meter, and decisions on what is doubted."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from billing.models import Meter, Price, PriceDecision
from portal.api import price_examples
from tenancy import scope
from tests.api.conftest import Program, problem
from tests.world import World

Asking = Callable[..., Program]
METER = "meters/0b0e5d1f-0000-4000-8000-000000000001/"
BODY = {"verdict": "accepted", "reason": "I asked Azure."}


@pytest.fixture
def decision(world: World) -> str:
    """Where the one suspect price is decided."""
    return f"suspect-prices/{Price.objects.exclude(doubts=[]).get().pk}/decision/"


def verdict(world: World) -> str:
    with scope.of(world.contoso.ref):
        return str(PriceDecision.objects.get().verdict)


def test_changes_come_with_their_meter_both_prices_and_doubts(program: Asking) -> None:
    first, second = program("dan").all("price-changes/")
    assert (first["kind"], second["kind"]) == ("new-meter", "new-price")
    assert second["before"]["listed_price"] == "1.75"
    assert (second["price"]["listed_price"], second["used"]) == ("1750", True)
    assert second["price"]["doubts"][0]["rule"] == "jump"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"kind": "new-price"}, 1),
        ({"kind": "vanished"}, 0),
        ({"text": "5.2 CHAT sweden"}, 2),
        ({"text": "norway"}, 0),
        ({"meters": "used"}, 2),
        ({"product": "Azure OpenAI"}, 2),
        ({"page_size": 1}, 2),
    ],
)
def test_changes_can_be_filtered(program: Asking, asked: dict[str, str], found: int) -> None:
    assert len(program("dan").all("price-changes/", **asked)) == found


def test_whoever_reads_on_gets_only_newer_loads(program: Asking) -> None:
    load = program("dan").all("price-changes/")[0]["load"]
    assert program("dan").all("price-changes/", after_load=load) == []
    assert len(program("dan").all("price-changes/", after_load=load - 1)) == 2


def test_a_meter_says_what_it_is_and_what_it_costs_here(program: Asking, world: World) -> None:
    found = program("dan").read(METER)
    assert [row["id"] for row in program("dan").all("meters/", text="inp GLBL")] == [found["id"]]
    assert [word["word"] for word in found["reading"]][:1] == ["gpt"]
    assert [price["listed_price"] for price in found["prices"]] == ["1750", "1.75"]
    (term,) = found["terms"]
    assert (term["unit_price"], term["currency"], term["sheet_line"]) == ("0.00000175", "USD", None)
    problem(program("dan").ask("meters/none/"), 404)


def test_a_decision_is_planned_then_made(program: Asking, world: World, decision: str) -> None:
    dan = program("dan")
    planned = dan.send(decision, BODY)
    assert planned.status_code == 200, planned.content
    shown = planned.json()
    assert (shown["applied"], verdict(world)) == (False, "rejected")
    assert Decimal(shown["effect"]["open"]["after"]) == 3500

    other = dan.send(decision, {**BODY, "reason": "another", "plan": shown["plan"]})
    assert problem(other, 409)["code"] == "plan-mismatch"
    assert verdict(world) == "rejected"

    done = dan.send(decision, {**BODY, "plan": shown["plan"]})
    assert (done.json()["applied"], verdict(world)) == (True, "accepted")
    one = dan.read(decision.removesuffix("decision/"))
    assert (one["state"], one["decision"]["by"]) == ("accepted", "dan@example.org")
    assert one["former"]["listed_price"] == "1.75"


def test_a_decision_of_one_tenant_is_none_of_the_others(
    program: Asking, world: World, decision: str
) -> None:
    mallory = program("mallory")
    plan = mallory.send(decision, BODY).json()["plan"]

    assert problem(program("dan").send(decision, {**BODY, "plan": plan}), 409)
    assert mallory.send(decision, {**BODY, "plan": plan}).json()["applied"]

    assert verdict(world) == "rejected"
    (seen,) = program("dan").all("suspect-prices/", state="rejected")
    assert seen["decision"]["by"] == "erin@example.org"
    assert program("dan").all("suspect-prices/", state="accepted") == []


@pytest.mark.parametrize("name", ["alice", "carol", "vic"])
def test_only_finance_and_administrators_decide(
    program: Asking, world: World, decision: str, name: str
) -> None:
    assert program("erin").send(decision, BODY).status_code == 200
    assert problem(program(name).send(decision, BODY), 403)["code"] == "not-allowed"


def test_deciding_needs_its_scope(program: Asking, decision: str) -> None:
    refused = program("dan", "read:prices").send(decision, BODY)
    assert problem(refused, 403)["code"] == "missing-scope"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verdict": "accepted"}, "reason"),
        ({**BODY, "reason": "  "}, "reason"),
        ({**BODY, "verdict": "maybe"}, "verdict"),
        ({**BODY, "reazon": "x"}, "reazon"),
        ([], None),
    ],
)
def test_a_decision_that_is_not_whole_names_the_field(
    program: Asking, decision: str, body: object, field: str | None
) -> None:
    told = problem(program("dan").send(decision, body), 400)
    if field:
        assert [fault["field"] for fault in told["errors"]] == [field]


def test_what_is_not_held_back_cannot_be_decided(program: Asking, world: World) -> None:
    plain = Price.objects.get(doubts=[]).pk
    refused = program("dan").send(f"suspect-prices/{plain}/decision/", BODY)
    assert problem(refused, 409)["code"] == "not-suspect"
    problem(program("dan").send(f"suspect-prices/{2**70}/decision/", BODY), 404)
    problem(program("dan").ask(f"suspect-prices/{plain}/"), 404)


def test_a_team_owner_is_told_whom_to_ask(program: Asking) -> None:
    for address in ("price-changes/", "meters/", METER, "suspect-prices/"):
        assert "finance" in problem(program("alice").ask(address), 403)["detail"]


def test_walking_the_meters_meets_each_once(program: Asking, world: World) -> None:
    known = Meter.objects.get()
    for number in range(7):
        known.pk, known.azure_id = None, f"m-{number}"
        known.save(force_insert=True)

    walked = [row["id"] for row in program("dan").all("meters/", page_size=3)]

    assert sorted(walked) == walked
    assert len(set(walked)) == len(walked) == 8


def test_the_examples_look_like_the_answers(program: Asking, world: World, decision: str) -> None:
    with scope.of(world.contoso.ref):
        PriceDecision.objects.all().delete()
    dan, one = program("dan"), decision.removesuffix("decision/")
    change, meter = dan.all("price-changes/")[1], dan.read(METER)

    assert dan.all("meters/")[0].keys() == price_examples.METER.keys()
    assert dan.read(one).keys() == price_examples.SUSPECT.keys()
    assert change.keys() == price_examples.PRICE_CHANGE.keys()
    assert change["price"].keys() == price_examples.PRICE_CHANGE["price"].keys()
    assert change["meter"].keys() == price_examples.PRICE_CHANGE["meter"].keys()
    assert meter.keys() == price_examples.METER_DETAIL.keys()
    assert meter["terms"][0].keys() == price_examples.METER_DETAIL["terms"][0].keys()
