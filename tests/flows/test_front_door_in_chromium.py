"""From the click to the answer: a team asks, two people decide, the gateway serves again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from governance.front_door import applying
from governance.models import ApprovalPolicy, Demand, QuotaRequest, RequestState
from tenancy import clock, scope
from tenancy.runs import Contention
from tests.azure import AT
from tests.flows.steps import Steps
from tests.flows.test_enforcing import TINY, called
from tests.pages.conftest import chromium, served

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,  # reads a simulated Azure whole, and drives Chromium through two sign-ins
]


@pytest.fixture
def house(contoso: Steps, settings: Any) -> Iterator[str]:
    """Contoso's site at the simulated hour; subscription4 is suspended, two have to say yes."""
    moved = int((AT - datetime.now(UTC)).total_seconds())
    settings.APPORTION = settings.APPORTION.model_copy(update={"clock_offset_seconds": moved})
    contoso.limit("subscription4", TINY)
    contoso.enforce()
    with scope.of(contoso.ref):
        ApprovalPolicy.objects.create(
            name="Whatever is asked",
            demand=Demand.TWO,
            effective_from=AT - timedelta(days=1),
            set_by="erin@contoso.example",
        )
    with served() as address:
        yield address


@contextmanager
def at_home(chromium: Browser, site: str, who: str) -> Iterator[Page]:
    """A window of its own in which somebody has signed in."""
    with closing(chromium.new_context(viewport={"width": 1280, "height": 900})) as context:
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.goto(f"{site}/sign-in/")
        page.get_by_label("E-mail address").fill(f"{who}@contoso.example")
        page.get_by_label("Password").fill("secret-demo-1")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{site}/t/contoso/")
        yield page


def test_a_suspended_subscription_answers_again_once_two_have_agreed(
    chromium: Browser, house: str, contoso: Steps
) -> None:
    assert called(contoso, "subscription4") == 401

    with at_home(chromium, house, "alice") as page:
        page.goto(f"{house}/t/contoso/subscriptions/apim-contoso/subscription4/")
        expect(page.get_by_role("main")).to_contain_text("Suspended")
        page.get_by_role("link", name=re.compile("Ask for more")).first.click()
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("By how much more").fill("25")
        page.get_by_label("What is it for").fill("The campaign begins on Monday.")
        panel = page.locator("#preview")
        expect(panel).to_contain_text("with it: $25.00")
        expect(panel).to_contain_text("2 different people")
        page.get_by_role("button", name="Submit request").click()
        page.wait_for_url(re.compile(r"/requests/1/$"))
        expect(page.get_by_role("main")).to_contain_text("2 approvers")

    for who in ("carol", "erin"):
        assert called(contoso, "subscription4") == 401
        with at_home(chromium, house, who) as page:
            page.goto(f"{house}/t/contoso/admin/governance/quotarequest/")
            row = page.locator("#result_list tbody tr").first
            expect(row).to_contain_text("+25.00 USD a month")
            row.get_by_role("link").first.click()
            expect(page.locator("#content")).to_contain_text("The campaign begins on Monday.")
            page.locator("details.verb", has_text="Approve").locator("summary").click()
            page.locator("#approve").get_by_role("button", name=re.compile("Approve")).click()
            page.wait_for_url(re.compile(r"/quotarequest/\??[^/]*$"))

    with scope.of(contoso.ref):
        assert QuotaRequest.objects.get().state == RequestState.APPROVED
    contoso.enforce(at=clock.now())
    applying.apply(contoso.ref, at=clock.now(), contention=Contention.TAKE_OVER)
    assert called(contoso, "subscription4") == 200

    with at_home(chromium, house, "alice") as page:
        page.goto(f"{house}/t/contoso/requests/1/")
        expect(page.get_by_role("main")).to_contain_text(re.compile("applied", re.IGNORECASE))
