"""Alice asks for more and Carol decides, in a browser: by keyboard, on a phone, in the dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.test_in_chromium import AXE, RULES, WATCH, _sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,  # starts Chromium and runs axe on every page
]

FORMS = tuple(
    f"requests/new/?subscription=apim-contoso/key-search&kind={kind}"
    for kind in ("increase", "temporary", "decrease", "tier", "subscription", "reactivation")
)
PAGES = ("requests/", "requests/new/", *FORMS, "requests/1/", "requests/3/", "requests/3/change/")


@contextmanager
def _visit(
    chromium: Browser, site: str, who: str, *, scheme: str = "light", width: int = 1400
) -> Iterator[Page]:
    """A page of somebody signed in; fails on what the policy blocks or a script breaks on."""
    broken: list[str] = []
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.add_init_script(WATCH)
    page.on("pageerror", lambda error: broken.append(str(error)))
    with closing(context):
        _sign_in(page, site, who)
        yield page
        assert page.evaluate("window.blocked") == []
    assert broken == []


def _faults(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 360)])
def test_every_form_is_readable_on_any_screen(
    chromium: Browser, site: str, scheme: str, width: int
) -> None:
    found: dict[str, list[str]] = {}
    with _visit(chromium, site, "alice", scheme=scheme, width=width) as page:
        for place in PAGES:
            answer = page.goto(f"{site}/t/contoso/{place}")
            assert answer is not None
            assert answer.status == 200, place
            wide = page.evaluate("document.documentElement.scrollWidth") - width
            found[place] = _faults(page) + ([f"{wide} px too wide"] if wide > 0 else [])
    assert not any(found.values()), found


def test_what_it_would_do_follows_what_is_typed(chromium: Browser, site: str) -> None:
    with _visit(chromium, site, "alice") as page:
        page.goto(f"{site}/t/contoso/{FORMS[0]}")
        expect(page.get_by_role("button", name="Show consequences")).to_be_hidden()
        page.get_by_label("By how much more").fill("95")
        panel = page.locator("#preview")
        expect(panel).to_contain_text("with it: $100.00")
        expect(panel).to_contain_text("Search's budget for the month, 100.00 USD, is passed")
        page.get_by_label("By how much more").fill("")
        expect(panel).to_contain_text("fill in: by how much more.")


def test_without_a_script_the_same_is_shown_by_a_button(chromium: Browser, site: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    with closing(context):
        page = context.new_page()
        _sign_in(page, site, "alice")
        page.goto(f"{site}/t/contoso/{FORMS[0]}")
        page.get_by_label("By how much more").fill("95")
        page.get_by_label("What should it bring").fill("Much.")
        page.get_by_role("button", name="Show consequences").click()
        expect(page.locator("#preview")).to_contain_text("with it: $100.00")
        expect(page.get_by_label("What should it bring")).to_have_value("Much.")


def test_one_asks_amends_and_decides_by_keyboard(chromium: Browser, site: str) -> None:
    with _visit(chromium, site, "alice") as page:
        page.goto(f"{site}/t/contoso/{FORMS[0]}")
        page.get_by_label("Which limit").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type("4.50")
        page.keyboard.press("Tab")
        page.keyboard.type("More pages.")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Submit request")).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/requests/5/$"))
        expect(page.get_by_role("main")).to_contain_text("It waits for one of FinOps.")
        assert _faults(page) == []
        page.get_by_role("link", name="Amend").press("Enter")
        page.get_by_label("By how much more").fill("6")
        page.get_by_role("button", name="Amend request").press("Enter")
        page.wait_for_url(re.compile(r"/requests/5/$"))
        expect(page.get_by_role("main")).to_contain_text("amended: approval begins anew")
    with _visit(chromium, site, "carol", scheme="dark", width=360) as page:
        page.goto(f"{site}/t/contoso/requests/5/")
        page.locator("#decide input[name=seen]").evaluate("one => { one.value = '1'; }")
        page.get_by_label("What you say").fill("Fine.")
        page.get_by_role("button", name="Approve").press("Enter")
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("you saw version 1, it is version 2 now")
        expect(page.get_by_label("What you say")).to_have_value("Fine.")
        assert _faults(page) == []
        page.get_by_role("button", name="Approve").press("Enter")
        expect(page.get_by_role("main")).to_contain_text("yes from Carol")


def test_a_form_that_is_clicked_twice_is_sent_once(chromium: Browser, site: str) -> None:
    with _visit(chromium, site, "alice") as page:
        page.goto(f"{site}/t/contoso/{FORMS[0]}")
        page.get_by_label("What is it for").fill("More pages.")
        page.get_by_role("button", name="Submit request").dblclick()
        page.wait_for_url(re.compile(r"/requests/5/$"))
        page.goto(f"{site}/t/contoso/requests/")
        expect(page.get_by_role("heading", name="4 requests")).to_be_visible()


def test_a_fault_is_found_from_its_field(chromium: Browser, site: str) -> None:
    with _visit(chromium, site, "alice") as page:
        page.goto(f"{site}/t/contoso/{FORMS[1]}")
        page.get_by_label("By how much more").fill("a lot")
        page.get_by_role("button", name="Submit request").click()
        field = page.get_by_label("By how much more")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile("Give a number above zero"))
        assert _faults(page) == []
