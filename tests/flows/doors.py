"""The ways in which something can be done to a request: each must come to the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from enum import StrEnum

from governance import approvals, requests
from governance.models import QuotaRequest
from tenancy.refusals import Refused
from tests.flows.asking import LATER, Desk


class Deed(StrEnum):
    SUBMIT = "submit"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    ANSWER = "answer"
    APPROVE = "approve"
    REJECT = "reject"
    ASK = "ask"


Door = Callable[..., None]


def by_verb(
    desk: Desk, deed: Deed, who: str, row: QuotaRequest, seen: int, *, amount: int = 3
) -> None:
    """As a task or a command would; what is refused changes nothing."""
    actor = desk.actor(who)
    with suppress(Refused):
        match deed:
            case Deed.SUBMIT:
                requests.submit(row, by=actor, at=LATER)
            case Deed.AMEND:
                wanted = desk.wanted(str(Decimal(amount)))
                requests.amend(row, wanted, seen=seen, by=actor, at=LATER)
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


#: What those who decide can come in by.
DOORS: dict[str, Door] = {"verb": by_verb}
#: What the team can come in by.
TEAMS_DOORS: dict[str, Door] = {"verb": by_verb}
