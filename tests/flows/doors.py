"""The ways in which something can be done to a request: each must come to the same."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Protocol

from django.test import Client

from governance.front_door import approvals, requests
from governance.models import QuotaRequest
from tenancy.refusals import Refused
from tests.admin.registered import address
from tests.flows.asking import LATER, Desk
from tests.world import Browser


class Deed(StrEnum):
    SUBMIT = "submit"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    ANSWER = "answer"
    APPROVE = "approve"
    REJECT = "reject"
    ASK = "ask"


class Door(Protocol):
    """Does something as somebody, on the version they saw; what is refused changes nothing."""

    def __call__(
        self, desk: Desk, deed: Deed, who: str, row: QuotaRequest, seen: int, amount: str = ""
    ) -> None: ...


def by_verb(
    desk: Desk, deed: Deed, who: str, row: QuotaRequest, seen: int, amount: str = ""
) -> None:
    """As a task or a command would."""
    actor = desk.actor(who)
    with suppress(Refused):
        match deed:
            case Deed.SUBMIT:
                requests.submit(row, by=actor, at=LATER)
            case Deed.AMEND:
                requests.amend(row, desk.wanted(amount), seen=seen, by=actor, at=LATER)
            case Deed.WITHDRAW:
                requests.withdraw(row, by=actor, at=LATER)
            case Deed.ANSWER:
                requests.answer(row, "Because.", by=actor, at=LATER)
            case Deed.APPROVE:
                approvals.approve(row, seen=seen, by=actor, at=LATER)
            case Deed.REJECT:
                approvals.reject(row, seen=seen, by=actor, at=LATER, reason="No.")
            case Deed.ASK:
                approvals.ask(row, seen=seen, by=actor, at=LATER, text="Why?")


def by_api(
    desk: Desk, deed: Deed, who: str, row: QuotaRequest, seen: int, amount: str = ""
) -> None:
    """As a program would, with a token of somebody's."""
    said: dict[str, Any] = {}
    match deed:
        case Deed.AMEND:
            wanted = desk.wanted(Decimal(amount).to_eng_string())
            assert wanted.subscription is not None
            said = {
                "kind": wanted.kind,
                "gateway": wanted.subscription.gateway.name,
                "subscription": wanted.subscription.name,
                "amount": amount,
                "reason": wanted.reason,
                "version": seen,
            }
        case Deed.ANSWER:
            said = {"text": "Because."}
        case Deed.APPROVE:
            said = {"version": seen}
        case Deed.REJECT:
            said = {"version": seen, "reason": "No."}
        case Deed.ASK:
            said = {"version": seen, "text": "Why?"}
        case Deed.SUBMIT | Deed.WITHDRAW:
            said = {}
    answer = Client().post(
        f"/api/v1/requests/{row.number}/{deed}/",
        json.dumps(said),
        content_type="application/json",
        headers={"Authorization": f"Bearer {desk.world.token(who)}"},
    )
    _expected(answer)


def by_page(
    desk: Desk, deed: Deed, who: str, row: QuotaRequest, seen: int, amount: str = ""
) -> None:
    """As a person would on the request's page."""
    browser = Browser(desk.world.people[who])
    here = f"{desk.world.contoso.home}requests/{row.number}/"
    if deed is Deed.AMEND:
        form = {
            "limit": "apim-contoso/key-search|currency|month",
            "amount": amount,
            "reason": "The campaign begins.",
            "seen": seen,
            "do": "amend",
        }
        _expected(browser.post(f"{here}change/", form))
        return
    _expected(browser.post(here, {"do": deed, "text": "Because.", "seen": seen}))


def in_the_admin(
    desk: Desk, deed: Deed, who: str, row: QuotaRequest, seen: int, amount: str = ""
) -> None:
    """As an approver would at their desk."""
    browser = Browser(desk.world.people[who])
    at = address(desk.world.contoso, QuotaRequest, row.pk, deed)
    _expected(browser.post(at, {"seen": seen, "text": "Because."}))


def together(
    desk: Desk, deed: Deed, who: str, row: QuotaRequest, seen: int, amount: str = ""
) -> None:
    """As an approver would who confirms several at once."""
    browser = Browser(desk.world.people[who])
    at = address(desk.world.contoso, QuotaRequest, "together", "approve")
    _expected(browser.post(at, {"request": f"{row.pk}:{seen}"}))


def _expected(answer: Any) -> None:
    """An answer that says yes or no; neither a fault nor a page that is not there."""
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, answer.content
    assert answer.status_code != HTTPStatus.METHOD_NOT_ALLOWED


#: What those who decide can come in by.
DOORS: dict[str, Door] = {
    "verb": by_verb,
    "api": by_api,
    "page": by_page,
    "admin": in_the_admin,
    "together": together,
}
#: What the team can come in by.
TEAMS_DOORS: dict[str, Door] = {"verb": by_verb, "api": by_api, "page": by_page}
