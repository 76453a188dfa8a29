"""Carol at her desk in a browser: by keyboard and by eye, in light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page

from governance.front_door import approvals, requests
from governance.models import Budget, Demand, QuotaRequest, RequestKind, RequestState
from inventory.models import Part, TeamMember
from tests.admin.test_requests import at, keys, standing
from tests.flows.asking import LATER, Desk
from tests.pages.test_in_chromium import _faults as faults
from tests.pages.test_in_chromium import _sign_in as sign_in
from tests.pages.test_in_chromium import _visit as visit
from tests.world import NOW, World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,  # starts Chromium and runs axe on every page
]


@pytest.fixture
def desk(site: str, committed_month: World) -> Desk:
    """A week's requests of every sort; four of them wait for Carol, three of these of low risk."""
    desk = Desk(committed_month)
    with desk.open():
        desk.without_policies()
        QuotaRequest.objects.filter(state=RequestState.SUBMITTED).update(
            state=RequestState.WITHDRAWN
        )
        desk.policy(Demand.ONE, amount_from=Decimal("1.5"), name="Anything above 1.50")
        desk.join("erin", "FinOps")
        for key in keys(desk, 3):
            desk.submitted(desk.wanted("2", subscription=key))
        _others(desk)
    return desk


def _others(desk: Desk) -> None:
    """Of Carol's own, temporary and amended, asked about, decided; a budget that is too small."""
    carol = desk.world.people["carol"]
    member = TeamMember.objects.create(team=desk.team, person=carol, part=Part.MEMBER)
    desk.submitted(desk.wanted("7"), by="carol")
    member.delete()
    desk.reject(desk.submitted(), "carol")
    urgent = desk.submitted(desk.for_a_time(date(2026, 11, 29)))
    again = desk.wanted("400", kind=RequestKind.TEMPORARY, last_day=date(2026, 11, 30))
    why = "The campaign runs a day longer, in three more countries than we had told you."
    requests.amend(urgent, again, seen=1, by=desk.actor("alice"), at=LATER, text=why)
    QuotaRequest.objects.filter(number=urgent.number).update(runs_out_on=date(2026, 11, 22))
    asked = desk.submitted(desk.wanted("2500000", unit="tokens"))
    approvals.ask(asked, seen=1, by=desk.actor("carol"), at=LATER, text="For which model?")
    Budget.objects.create(
        team=desk.team,
        amount=Decimal(120),
        from_day=date(2026, 11, 1),
        set_by="erin@example.org",
        recorded_at=NOW,
    )


@contextmanager
def at_desk(
    chromium: Browser, site: str, *, scheme: str = "light", width: int = 1400
) -> Iterator[Page]:
    with visit(chromium, site, "carol", scheme=scheme, width=width) as page:
        yield page


def urgent(desk: Desk) -> QuotaRequest:
    """The one that stands first."""
    with desk.open():
        return QuotaRequest.objects.get(version=2)


def together(page: Page, site: str, desk: Desk) -> None:
    """From the list to the confirmation of three."""
    page.goto(site + at(desk))
    for number in range(1, 4):
        page.locator("#result_list tbody tr").nth(number).locator("input").check()
    page.get_by_label("Action:").select_option("approve_chosen")
    page.get_by_role("button", name="Go").click()
    page.get_by_text("These will be approved").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_desk_is_whole_and_readable(
    chromium: Browser, site: str, desk: Desk, scheme: str
) -> None:
    row = urgent(desk)
    found: dict[str, list[str]] = {}
    with at_desk(chromium, site, scheme=scheme) as page:
        for place in (at(desk), at(desk) + "?show=all", at(desk, row.pk, "change")):
            page.goto(site + place)
            page.locator("details.verb").evaluate_all("all => all.forEach(one => one.open = true)")
            found[place] = faults(page) + page.evaluate("window.blocked")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Keyboard").click()
        found["keys"] = faults(page)
        page.get_by_role("button", name="Close").click()
        together(page, site, desk)
        found["together"] = faults(page) + page.evaluate("window.blocked")
    assert not any(found.values()), found


@pytest.mark.parametrize("width", [360, 768, 1400])
def test_no_page_of_the_desk_scrolls_sideways(
    chromium: Browser, site: str, desk: Desk, width: int
) -> None:
    with at_desk(chromium, site, width=width) as page:
        for place in (at(desk) + "?show=all", at(desk, urgent(desk).pk, "change")):
            page.goto(site + place)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, place


def test_the_list_is_seen_whole_on_a_usual_screen(chromium: Browser, site: str, desk: Desk) -> None:
    with at_desk(chromium, site, width=1400) as page:
        page.goto(site + at(desk))
        assert (
            page.evaluate(
                "(box => box.scrollWidth - box.clientWidth)(document.querySelector('.results'))"
            )
            == 0
        )


def test_keys_move_open_and_decide_nothing_without_the_button(
    chromium: Browser, site: str, desk: Desk
) -> None:
    row = urgent(desk)
    with at_desk(chromium, site) as page:
        page.goto(site + at(desk))
        for key, place in (("j", 0), ("j", 1), ("k", 0)):
            page.keyboard.press(key)
            lines = page.locator("#result_list tbody tr")
            assert "current" in (lines.nth(place).get_attribute("class") or "")
        page.keyboard.press("o")
        page.wait_for_url(f"**/{row.pk}/change/**")
        page.keyboard.press("r")
        assert page.evaluate("document.activeElement.id") == "reject-text"
        page.keyboard.type("aq?j")  # words now, and no keys
        assert page.get_by_label("Reason").input_value() == "aq?j"
        assert standing(desk, row) == (RequestState.SUBMITTED, 0)

        page.goto(site + at(desk))
        page.keyboard.press("j")
        page.keyboard.press("a")
        page.wait_for_url(f"**/{row.pk}/approve/**")
        assert page.evaluate("document.activeElement.id") == "approve-text"
        assert standing(desk, row) == (RequestState.SUBMITTED, 0)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text(f"Request {row.number} is approved.").wait_for()
    assert standing(desk, row) == (RequestState.APPROVED, 1)


def test_keys_are_shown_and_can_be_switched_off_for_good(
    chromium: Browser, site: str, desk: Desk
) -> None:
    with at_desk(chromium, site) as page:
        page.goto(site + at(desk))
        page.keyboard.press("?")
        page.get_by_label("Use these keys in this browser").uncheck()
        page.get_by_role("button", name="Close").click()
        for _ in range(2):
            page.keyboard.press("j")
            page.keyboard.press("?")
            assert page.locator("tr.current").count() == 0
            assert page.locator("#keys[open]").count() == 0
            page.reload()
        page.get_by_role("button", name="Keyboard").click()
        page.get_by_label("Use these keys in this browser").check()
        page.get_by_role("button", name="Close").click()
        page.locator("h1").click()
        page.keyboard.press("j")
        assert page.locator("tr.current").count() == 1


def test_several_are_confirmed_before_they_are_approved(
    chromium: Browser, site: str, desk: Desk
) -> None:
    with desk.open():
        rows = list(QuotaRequest.objects.filter(amount=2).order_by("number"))
    with at_desk(chromium, site) as page:
        together(page, site, desk)
        assert {standing(desk, row) for row in rows} == {(RequestState.SUBMITTED, 0)}
        page.get_by_role("button", name="Approve 3 requests").dblclick()
        page.get_by_text(f"Request {rows[2].number} ").wait_for()
    assert {standing(desk, row) for row in rows} == {(RequestState.APPROVED, 1)}


def test_a_page_that_is_out_of_date_says_what_changed(
    chromium: Browser, site: str, desk: Desk
) -> None:
    row = urgent(desk)
    with chromium.new_context() as context:  # whose console may tell of the 409
        page = context.new_page()
        sign_in(page, site, "carol")
        page.goto(site + at(desk, row.pk, "approve"))
        page.get_by_label("Note (optional)").fill("Go ahead.")
        with desk.open():
            wanted = desk.wanted("300", kind=RequestKind.TEMPORARY, last_day=date(2026, 11, 28))
            requests.amend(row, wanted, seen=2, by=desk.actor("alice"), at=LATER)
        with page.expect_response(lambda answer: answer.request.method == "POST") as sent:
            page.evaluate("document.querySelector('#approve form').requestSubmit()")
        assert sent.value.status == 409
        page.get_by_text("What changed since you looked").wait_for()
        assert page.get_by_label("Note (optional)").input_value() == "Go ahead."
        assert faults(page) == []
    assert standing(desk, row) == (RequestState.SUBMITTED, 0)
