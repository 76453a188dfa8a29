"""The pages of the price list: what changed, what is held back, every meter."""

from __future__ import annotations

import re

import pytest

from billing import preferences
from billing.models import Meter, Price, PriceDecision
from tenancy import scope
from tests.world import World

ROOT = "/t/contoso/prices/"
METER = f"{ROOT}meters/0b0e5d1f-0000-4000-8000-000000000001/"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def suspect(world: World) -> str:
    """The page of the one suspect price."""
    return f"{ROOT}suspects/{Price.objects.exclude(doubts=[]).get().pk}/"


def text(page: object) -> str:
    content: bytes = page.content  # type: ignore[attr-defined]  # an answer that was read whole
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content.decode()))


def plan_of(page: object) -> str:
    content: bytes = page.content  # type: ignore[attr-defined]  # an answer that was read whole
    found = re.search(r'name="plan" value="([^"]+)"', content.decode())
    assert found
    return found[1]


def verdict(world: World) -> str:
    with scope.of(world.contoso.ref):
        return str(PriceDecision.objects.get().verdict)


def test_changes_are_shown_with_both_prices_and_what_is_held_back(world: World) -> None:
    seen = text(world.carol.get(ROOT))
    assert "2 changes, the newest load first, in it meters used here" in seen
    assert "gpt 5.2 chat Inp glbl Tokens" in seen
    assert "1.75 USD per 1M 1750 USD per 1M, from 15 Sep" in seen
    assert "held back" in seen


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("kind=new-price", "1 change,"),
        ("kind=suspect", "1 change,"),
        ("kind=vanished", "No such change."),
        ("text=norway", "No such change."),
        ("text=SWEDEN&meters=used", "2 changes,"),
        ("page=99", "2 changes,"),
    ],
)
def test_changes_can_be_filtered(world: World, asked: str, found: str) -> None:
    assert found in text(world.dan.get(f"{ROOT}?{asked}"))


@pytest.mark.parametrize("asked", ["kind=odd", "load=x", "page=0", "meters=mine", "load=-1"])
def test_a_filter_that_cannot_be_read_is_refused(world: World, asked: str) -> None:
    assert world.dan.get(f"{ROOT}?{asked}").status_code == 400


def test_a_suspect_is_accepted_only_after_its_effect_was_shown(world: World, suspect: str) -> None:
    said = {"verdict": "accepted", "reason": "I asked Azure."}
    assert "jump" in text(world.dan.get(suspect))

    planned = world.dan.post(suspect, said)

    assert "All open months 3.50 3,500.00 +3,496.50" in text(planned)
    assert verdict(world) == "rejected"
    changed = {**said, "reason": "Another.", "plan": plan_of(planned)}
    assert "This is the plan as things stand now" in text(world.dan.post(suspect, changed))
    assert verdict(world) == "rejected"
    done = world.dan.post(suspect, {**said, "plan": plan_of(planned)}, follow=True)
    assert "is accepted." in text(done)
    assert verdict(world) == "accepted"
    assert "1750 USD" in text(world.dan.get(METER))


def test_who_may_not_change_prices_sees_no_buttons_and_is_refused(
    world: World, suspect: str
) -> None:
    assert "Accept" in text(world.erin.get(suspect))
    for browser in (world.carol, world.vic):
        assert "Accept: it is right" not in text(browser.get(suspect))
        assert browser.post(suspect, {"verdict": "accepted", "reason": "x"}).status_code == 403
    for address in (ROOT, suspect, METER, f"{ROOT}suspects/", f"{ROOT}meters/"):
        assert world.alice.get(address).status_code == 403
        assert world.mallory.get(address).status_code == 404


@pytest.mark.parametrize(
    "said", [{"verdict": "accepted"}, {"verdict": "odd", "reason": "x"}, {"reason": "x"}]
)
def test_a_decision_that_is_not_whole_is_refused(
    world: World, suspect: str, said: dict[str, str]
) -> None:
    assert world.dan.post(suspect, said).status_code == 400
    assert verdict(world) == "rejected"


def test_suspects_can_be_filtered_by_what_was_decided(world: World) -> None:
    assert "by erin@example.org" in text(world.dan.get(f"{ROOT}suspects/?state=rejected"))
    assert "No such price." in text(world.dan.get(f"{ROOT}suspects/?state=waiting"))
    assert "1 price," in text(world.dan.get(f"{ROOT}suspects/?rule=jump"))


def test_a_meter_says_what_its_name_means_and_why_it_costs_what_it_does(world: World) -> None:
    seen = text(world.vic.get(METER))
    assert "Why this price?" in seen
    assert "used here" in seen
    assert "What its name says" in seen
    assert "rejected" in seen
    assert world.vic.get(f"{ROOT}meters/none/").status_code == 404
    assert world.vic.get(f"{ROOT}meters/a%00b/").status_code == 404


def test_meters_are_found_by_words_in_any_order(world: World) -> None:
    assert "1 meter," in text(world.dan.get(f"{ROOT}meters/?text=SWEDEN+inp+openai"))
    assert "No such meter." in text(world.dan.get(f"{ROOT}meters/?text=inp+norway"))


def test_names_of_the_list_are_shown_and_never_run(world: World, suspect: str) -> None:
    Meter.objects.update(meter_name=HOSTILE, product_name=HOSTILE, region=HOSTILE)
    for address in (ROOT, suspect, METER, f"{ROOT}suspects/", f"{ROOT}meters/"):
        page = world.dan.get(address)
        assert page.status_code == 200
        assert HOSTILE not in page.content.decode()


def test_who_is_told_is_set_on_the_page(world: World) -> None:
    saved = world.dan.post(ROOT, {"price_news_to": "dan@example.org\r\n a@example.org "})
    assert saved.status_code == 302
    with scope.of(world.contoso.ref):
        assert preferences.price_news_to() == ("dan@example.org", "a@example.org")
    assert "No mail is sent" in text(world.dan.get(ROOT))
    assert world.dan.post(ROOT, {"price_news_to": "nobody"}).status_code == 400
    assert world.carol.post(ROOT, {"price_news_to": ""}).status_code == 403
    with scope.of(world.fabrikam.ref):
        assert preferences.price_news_to() == ()
