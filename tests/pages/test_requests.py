"""Asking on pages: what is shown before it is sent, what becomes of it, and who decides on what."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import QuotaRequest, RequestState
from inventory.models import GatewayState, Ownership, Product, Subscription
from tenancy import scope
from tenancy.models import Membership, Role
from tests.pages import eventful
from tests.world import NOW, Browser, World

ROOT = "/t/contoso/requests/"
NEW = f"{ROOT}new/?team=search&kind="
LIMIT = "apim-contoso/key-search|currency|month"
ASKED = {
    "limit": LIMIT,
    "amount": "4.50",
    "reason": "Summaries on 1,400 more pages.",
    "expected": "62,000 summaries.",
}


def _rows(world: World) -> list[QuotaRequest]:
    with scope.of(world.contoso.ref):
        return list(QuotaRequest.objects.order_by("number"))


def _row(world: World, number: int) -> QuotaRequest:
    with scope.of(world.contoso.ref):
        return QuotaRequest.objects.get(number=number)


def _text(answer: Any) -> str:
    """The words of a page, without its tags, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def _asks(world: World, kind: str = "increase", do: str = "submit", **said: str) -> Any:
    """Alice sends the form."""
    return world.alice.post(NEW + kind, {**ASKED, "do": do, **said})


def _asked(world: World, **said: str) -> int:
    """Alice asks for more; the number of her request."""
    answer = _asks(world, **said)
    assert answer.status_code == HTTPStatus.FOUND, _text(answer)
    return max(one.number for one in _rows(world))


def _acts(browser: Browser, number: int, do: str, text: str = "", seen: int = 1) -> Any:
    return browser.post(f"{ROOT}{number}/", {"do": do, "text": text, "seen": seen})


# --- asking --------------------------------------------------------------------------------------


def test_what_a_request_would_do_is_shown_before_it_is_sent(month: World) -> None:
    page = month.alice.get(NEW + "increase&subscription=apim-contoso/key-search")
    seen = _text(page)
    assert 'value="apim-contoso/key-search|currency|month" selected' in page.content.decode()
    assert "key-search: 5.00 USD a month, 5.02 used" in seen
    assert "What it changes" in seen
    assert "estimated, USD, November 2026 (Europe/Berlin), usage through 20 Nov 14:20 UTC" in seen
    assert "One of FinOps" in seen
    assert len(_rows(month)) == 4


def test_what_is_asked_is_submitted_and_told_with_who_decides(month: World) -> None:
    number = _asked(month)
    row = _row(month, number)
    assert (row.state, row.amount, row.unit, row.span) == (
        RequestState.SUBMITTED,
        Decimal("4.5"),
        "currency",
        "month",
    )
    seen = _text(month.alice.get(f"{ROOT}{number}/"))
    assert f"Request {number} waits for approval." in seen
    assert "+4.50 USD a month" in seen
    assert "It waits for one of FinOps." in seen
    assert "62,000 summaries." in seen


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("increase", {"limit", "amount", "reason", "expected"}),
        ("temporary", {"limit", "amount", "last_day", "reason", "expected"}),
        ("decrease", {"limit", "amount", "reason"}),
        ("tier", {"subscription", "product", "reason", "expected"}),
        (
            "subscription",
            {"product", "display_name", "environment", "application", "reason", "expected"},
        ),
        ("reactivation", {"subscription", "reason"}),
    ],
)
def test_a_form_has_the_fields_of_its_kind_and_no_others(
    month: World, kind: str, fields: set[str]
) -> None:
    page = month.alice.get(NEW + kind).content.decode()
    shown = set(re.findall(r'id="id_(\w+?)(?:_helptext)?"', page))
    assert shown == fields


def test_each_fault_stands_beside_its_field_and_nothing_is_lost(month: World) -> None:
    answer = _asks(month, amount="a lot", reason="", expected="Much.")
    page = answer.content.decode()
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert 'id="id_amount_error">Give a number above zero, such as 25 or 1,500.50.' in page
    assert 'id="id_reason_error">Say what it is needed for' in page
    assert re.search(r'name="amount" value="a lot"[^>]*aria-invalid="true"', page)
    assert "Much.</textarea>" in page
    assert len(_rows(month)) == 4


def test_what_only_the_rules_know_stands_beside_its_field_too(month: World) -> None:
    answer = _asks(month, "temporary", last_day="2026-11-19")
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert 'id="id_last_day_error">Give its last day, 2026-11-20 or later.' in unescape(
        answer.content.decode()
    )
    assert len(_rows(month)) == 4


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1,500.50", Decimal("1500.5")), ("1 500", Decimal(1500)), ("0.25", Decimal("0.25"))],
)
def test_an_amount_is_read_as_people_write_it(month: World, text: str, amount: Decimal) -> None:
    assert _row(month, _asked(month, amount=text)).amount == amount


@pytest.mark.parametrize("text", ["1,5", "-3", "0", "1e9", "NaN", "٣", "1" * 30, "5 USD"])
def test_what_could_be_read_otherwise_is_refused(month: World, text: str) -> None:
    assert _asks(month, amount=text).status_code == HTTPStatus.BAD_REQUEST
    assert len(_rows(month)) == 4


def test_consequences_are_shown_without_a_script(month: World) -> None:
    answer = _asks(month, do="show", reason="")
    assert answer.status_code == HTTPStatus.OK
    assert "with it: $9.50" in _text(answer)
    assert len(_rows(month)) == 4


def test_the_fragment_tells_what_is_asked_so_far(month: World) -> None:
    place = f"{ROOT}consequences/?team=search&kind=increase&limit={LIMIT}"
    told = month.alice.get(place + "&amount=4.50")
    assert b"<html" not in told.content
    assert "with it: $9.50" in _text(told)
    assert "One of FinOps" in _text(told)
    missing = _text(month.alice.get(place + "&amount="))
    assert "fill in: by how much more." in missing


def test_a_draft_is_kept_changed_and_submitted(month: World) -> None:
    number = _asked(month, do="draft")
    assert _row(month, number).state == RequestState.DRAFT
    assert "Nobody is asked before it is submitted." in _text(month.alice.get(f"{ROOT}{number}/"))
    changed = {**ASKED, "amount": "6", "do": "draft"}
    assert month.alice.post(f"{ROOT}{number}/change/", changed).status_code == HTTPStatus.FOUND
    assert _acts(month.alice, number, "submit").status_code == HTTPStatus.FOUND
    row = _row(month, number)
    assert (row.state, row.amount, row.version) == (RequestState.SUBMITTED, Decimal(6), 1)


def test_a_form_that_is_sent_twice_makes_one_request(month: World) -> None:
    once = _asks(month, key="a-key-of-this-form")
    twice = _asks(month, key="a-key-of-this-form")
    assert once.headers["Location"] == twice.headers["Location"]
    assert len(_rows(month)) == 5
    other = _asks(month, key="a-key-of-this-form", amount="9")
    assert other.status_code == HTTPStatus.CONFLICT
    assert "This form was sent before and made request 5" in _text(other)
    assert len(_rows(month)) == 5


def test_a_new_subscription_is_asked_for_with_its_tier(month: World) -> None:
    said = {
        "product": str(month.contoso.product.pk),
        "display_name": "Summaries",
        "environment": "production",
        "reason": "A key of its own.",
        "do": "submit",
    }
    answer = month.alice.post(NEW + "subscription", said)
    assert answer.status_code == HTTPStatus.FOUND, _text(answer)
    seen = _text(month.alice.get(answer.headers["Location"]))
    assert "New subscription Summaries" in seen
    assert "of Gold of contoso at apim-contoso" in seen


def test_a_form_begins_with_what_can_be_chosen(month: World) -> None:
    with scope.of(month.contoso.ref):
        other = Product.objects.create(
            gateway=month.contoso.gateway, name="free", display_name="Free", seen_at=NOW
        )
    page = month.alice.get(NEW + "tier&subscription=apim-contoso/key-search").content.decode()
    assert f'<option value="{other.pk}" selected>Free</option>' in page
    assert "Who would have to approve" in page


def test_only_a_suspended_subscription_is_asked_to_be_served(month: World) -> None:
    assert "key-search, Gold" in _text(month.alice.get(NEW + "reactivation"))
    with scope.of(month.contoso.ref):
        Subscription.objects.update(state=GatewayState.ACTIVE)
    assert "no suspended subscription" in _text(month.alice.get(NEW + "reactivation"))


def test_nobody_asks_for_a_team_they_do_not_belong_to(month: World) -> None:
    assert month.alice.get(f"{ROOT}new/?team=support&kind=increase").status_code == 404
    assert month.alice.get(f"{ROOT}consequences/?team=support&kind=increase").status_code == 404
    refused = month.carol.post(NEW + "increase", {**ASKED, "do": "submit"})
    assert refused.status_code == HTTPStatus.FORBIDDEN
    theirs = _asks(month, limit="apim-contoso/key-support|currency|month")
    assert theirs.status_code == HTTPStatus.BAD_REQUEST
    assert len(_rows(month)) == 4


def test_a_page_offers_to_ask_to_those_who_may(month: World) -> None:
    for place in ("teams/search/", "subscriptions/apim-contoso/key-search/"):
        assert "Ask for more" in _text(month.alice.get(f"/t/contoso/{place}"))
        assert "Ask for more" not in _text(month.vic.get(f"/t/contoso/{place}"))


# --- deciding ------------------------------------------------------------------------------------


def test_an_approver_approves_the_version_that_was_seen(month: World) -> None:
    number = _asked(month)
    assert "Your decision" in _text(month.carol.get(f"{ROOT}{number}/"))
    assert _acts(month.carol, number, "approve").status_code == HTTPStatus.FOUND
    assert _row(month, number).state == RequestState.APPROVED
    seen = _text(month.alice.get(f"{ROOT}{number}/"))
    assert "yes from Carol" in seen
    assert "The new limit is in force" in seen


def test_an_amended_request_is_not_approved_unseen(month: World) -> None:
    number = _asked(month)
    said = {**ASKED, "amount": "900", "seen": "1", "text": "More pages.", "do": "submit"}
    assert month.alice.post(f"{ROOT}{number}/change/", said).status_code == HTTPStatus.FOUND
    answer = _acts(month.carol, number, "approve", "Fine.", seen=1)
    seen = _text(answer)
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "you saw version 1, it is version 2 now" in seen
    assert "Amount 4.5 → 900" in seen
    assert "More pages." in seen
    assert _row(month, number).state == RequestState.SUBMITTED
    assert _acts(month.carol, number, "approve", seen=2).status_code == HTTPStatus.FOUND


def test_an_amendment_of_a_version_that_passed_tells_what_changed(month: World) -> None:
    number = _asked(month)
    first = {**ASKED, "amount": "6", "seen": "1", "do": "submit"}
    assert month.alice.post(f"{ROOT}{number}/change/", first).status_code == HTTPStatus.FOUND
    second = {**ASKED, "amount": "7", "seen": "1", "do": "submit"}
    answer = month.alice.post(f"{ROOT}{number}/change/", second)
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "Amount 4.5 → 6" in _text(answer)
    assert 'value="7"' in answer.content.decode()
    assert 'name="seen" value="2"' in answer.content.decode()
    assert _row(month, number).version == 2


def test_only_the_author_sees_the_form_of_a_request(month: World) -> None:
    number = _asked(month)
    for browser in (month.erin, month.carol):
        assert "Only Alice, who asks for it" in _text(browser.get(f"{ROOT}{number}/change/"))
        refused = browser.post(f"{ROOT}{number}/change/", {**ASKED, "seen": "1", "do": "show"})
        assert refused.status_code == HTTPStatus.FORBIDDEN
        told = browser.get(f"{ROOT}consequences/?request={number}&limit={LIMIT}&amount=5")
        assert told.status_code == HTTPStatus.FORBIDDEN
    told = month.alice.get(f"{ROOT}consequences/?request={number}&limit={LIMIT}&amount=5")
    assert "with it: $10.00" in _text(told)


def test_an_author_who_left_the_team_changes_nothing(month: World) -> None:
    number = _asked(month)
    with scope.of(month.contoso.ref):
        Membership.objects.filter(person=month.people["alice"]).update(role=Role.AUDITOR)
    assert "Only members of the team" in _text(month.alice.get(f"{ROOT}{number}/change/"))
    said = {**ASKED, "amount": "9", "seen": "1", "do": "submit"}
    assert month.alice.post(f"{ROOT}{number}/change/", said).status_code == HTTPStatus.FORBIDDEN
    assert _row(month, number).version == 1


def test_a_rejection_needs_a_reason_and_keeps_it(month: World) -> None:
    number = _asked(month)
    answer = _acts(month.carol, number, "reject", " ")
    page = answer.content.decode()
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert 'id="decision-fault">Say why: the team has to know' in page
    assert _acts(month.carol, number, "reject", "Use the batch tier.").status_code == 302
    assert "Carol: “Use the batch tier.”" in _text(month.alice.get(f"{ROOT}{number}/"))


def test_what_another_decided_meanwhile_is_said(month: World) -> None:
    number = _asked(month)
    _acts(month.carol, number, "reject", "Use the batch tier.")
    answer = _acts(month.carol, number, "approve", "Fine.")
    seen = _text(answer)
    assert answer.status_code == HTTPStatus.CONFLICT
    assert f"Request {number} is rejected already" in seen
    assert "Carol: “Use the batch tier.”" in seen
    assert _row(month, number).state == RequestState.REJECTED


def test_a_question_is_asked_and_answered(month: World) -> None:
    number = _asked(month)
    assert _acts(month.carol, number, "ask", "For how many pages?").status_code == 302
    assert "Carol: “For how many pages?”" in _text(month.alice.get(f"{ROOT}{number}/"))
    assert "A question is open: it can be approved once" in _text(
        month.carol.get(f"{ROOT}{number}/")
    )
    empty = _acts(month.alice, number, "answer")
    assert empty.status_code == HTTPStatus.BAD_REQUEST
    assert _acts(month.alice, number, "answer", "1,400.").status_code == HTTPStatus.FOUND
    assert _row(month, number).state == RequestState.SUBMITTED


def test_a_comment_is_seen_by_both_sides(month: World) -> None:
    number = _asked(month)
    assert _acts(month.carol, number, "comment", "<b>Looking</b>").status_code == 302
    page = month.alice.get(f"{ROOT}{number}/").content.decode()
    assert "&lt;b&gt;Looking&lt;/b&gt;" in page


def test_a_withdrawn_request_is_over(month: World) -> None:
    number = _asked(month)
    assert _acts(month.alice, number, "withdraw", "Not needed.").status_code == HTTPStatus.FOUND
    seen = _text(month.alice.get(f"{ROOT}{number}/"))
    assert "Withdrawn" in seen
    assert "Withdraw request" not in seen
    assert "what was asked for stays" in _text(month.alice.get(f"{ROOT}{number}/change/"))


def test_who_may_not_decide_is_told_why(month: World) -> None:
    number = _asked(month)
    assert "Nobody decides on their own request." in _text(month.alice.get(f"{ROOT}{number}/"))
    refused = _acts(month.alice, number, "approve")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert "is for others to decide: FinOps" in _text(month.erin.get(f"{ROOT}{number}/"))
    assert _acts(month.erin, number, "approve").status_code == HTTPStatus.FORBIDDEN
    assert _acts(month.bob, number, "comment", "?").status_code == HTTPStatus.NOT_FOUND
    assert _row(month, number).state == RequestState.SUBMITTED


@pytest.mark.parametrize(
    "said", [{}, {"do": "approve"}, {"do": "apply", "seen": "1"}, {"do": "reject", "seen": "x"}]
)
def test_a_form_of_somebody_elses_making_is_refused(month: World, said: dict[str, str]) -> None:
    answer = month.carol.post(f"{ROOT}2/", said)
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert _row(month, 2).state == RequestState.SUBMITTED


# --- the list ------------------------------------------------------------------------------------


def test_a_list_holds_ones_own_teams_requests(month: World) -> None:
    seen = _text(month.alice.get(ROOT))
    assert "3 requests" in seen
    assert "key-support" not in seen
    assert "Draft since" in seen
    assert "Draft since" not in _text(month.carol.get(ROOT))


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("", 3),
        ("?state=submitted", 1),
        ("?state=applied", 2),
        ("?kind=temporary&team=search", 2),
        ("?team=support&state=rejected", 0),
        ("?show=waiting", 1),
    ],
)
def test_a_list_is_narrowed_by_its_address(month: World, question: str, count: int) -> None:
    assert f"{count} request" in _text(month.carol.get(ROOT + question))


@pytest.mark.parametrize("question", ["?state=lost", "?kind=gift", "?show=mine", "?page=0"])
def test_a_question_that_means_nothing_is_refused(month: World, question: str) -> None:
    assert month.carol.get(ROOT + question).status_code == HTTPStatus.BAD_REQUEST


def test_a_filter_by_another_team_is_as_by_none(month: World) -> None:
    assert month.alice.get(ROOT + "?team=support").status_code == HTTPStatus.NOT_FOUND


def test_a_long_list_has_pages_that_keep_the_filters(month: World) -> None:
    row = _row(month, 3)
    names = ("team_id", "kind", "subscription_id", "product_id", "reason", "created_at")
    kept = {name: getattr(row, name) for name in names}
    with scope.of(month.contoso.ref):
        QuotaRequest.objects.bulk_create(
            QuotaRequest(number=number, requested_by=month.people["alice"], **kept)
            for number in range(5, 54)
        )
    page = month.alice.get(ROOT + "?team=search")
    assert "52 requests" in _text(page)
    assert "?team=search&amp;page=2" in page.content.decode()
    assert len(re.findall(r"<tr>", month.alice.get(ROOT + "?page=2").content.decode())) == 3


def test_what_waits_for_somebody_stands_in_the_frame(month: World) -> None:
    def waits(browser: Browser) -> str:
        found = re.search(
            r'>Requests <span class="count">(\d+)', browser.get(ROOT).content.decode()
        )
        return found[1] if found else ""

    number = _asked(month)
    assert (waits(month.carol), waits(month.alice), waits(month.erin)) == ("2", "", "")
    _acts(month.carol, number, "ask", "Why?")
    assert (waits(month.carol), waits(month.alice)) == ("1", "1")
    assert f"More for key-search request {number}" in _text(month.alice.get(ROOT + "?show=waiting"))
    _acts(month.carol, 2, "approve")
    assert waits(month.carol) == ""
    assert "Nothing waits for you." in _text(month.carol.get(ROOT + "?show=waiting"))


@pytest.mark.parametrize(
    "place", ["", "?show=waiting", "new/?team=search&kind=temporary", "1/", "3/change/"]
)
def test_the_number_of_queries_does_not_grow_with_the_rows(month: World, place: str) -> None:
    def count() -> int:
        browser = month.alice
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(ROOT + place).status_code == HTTPStatus.OK
        return len(asked)

    _grow(month, "few")
    few = count()
    for name in ("more", "and-more", "and-many-more"):
        _grow(month, name)
    assert count() == few


def _grow(world: World, name: str) -> None:
    """A subscription more with use and a limit, and a request about it with a question open."""
    with scope.of(world.contoso.ref):
        made = eventful.subscription(world.contoso, name)
        Ownership.objects.create(
            subscription=made,
            team=world.search.team,
            from_day=date(2026, 9, 1),
            reason="Theirs since September.",
            recorded_at=NOW,
        )
        eventful.rated(made, world.contoso.deployment, date(2026, 11, 3))
    number = _asked(world, limit=f"apim-contoso/{name}|currency|month")
    assert _acts(world.carol, number, "ask", "Why?").status_code == HTTPStatus.FOUND
