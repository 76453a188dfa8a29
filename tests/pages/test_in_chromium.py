"""Alice and Dan walk all pages in a browser: nothing breaks or is blocked, all can read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.pages.eventful import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,  # starts Chromium and runs axe on every page
]

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SEEN_BY_ALL = (
    "",
    "teams/search/",
    "teams/search/?month=2026-10",
    "teams/search/?month=2026-09",
    "subscriptions/apim-contoso/key-search/",
    "teams/search/statements/",
    "teams/search/statements/2026-11/",
    "teams/search/statements/2026-09/",
    "usage/",
    "usage/?by=day&month=2026-11&team=search",
    "requests/",
    "requests/new/",
    "requests/1/",
    "requests/1/change/",
    "budgets/",
    "budgets/teams/search/",
    "budgets/alerts/?show=all",
    "quotas/",
    "quotas/teams/search/",
    "quotas/subscriptions/apim-contoso/key-search/",
    "status/",
    "notifications/",
    "notifications/preferences/",
    "prices/calculator/?model=gpt-5.2-chat&region=swedencentral&calls=1000&input_tokens=100"
    "&output_tokens=0&input_tpm=3400&output_weight=8&minimum_units=15&unit_increment=5",
)
#: Shown to those who see the whole tenant.
SEEN_OVER_TEAMS = (
    "usage/unallocated/",
    "prices/",
    "prices/suspects/",
    "prices/meters/",
    "prices/meters/0b0e5d1f-0000-4000-8000-000000000001/",
    "prices/meters/0b0e5d1f-0000-4000-8000-000000000001/why/",
    "prices/mappings/",
    "prices/sheets/",
    "prices/sheets/new/",
    "usage/reading/",
    "usage/compared/",
    "prices/rates/",
    "prices/capacity/",
    "prices/rerating/",
    "budgets/cost-centers/CC-search/",
    "quotas/cost-centers/CC-search/",
    "requests/policies/",
    "requests/policies/new/",
    "requests/policies/trial/",
    "requests/absences/",
    "notifications/endpoints/",
    "notifications/deliveries/",
    "teams/support/notifications/",
)
WATCH = """
window.blocked = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.blocked.push(event.violatedDirective + " " + event.blockedURI));
"""


@contextmanager
def _visit(chromium: Browser, site: str, who: str, *, scheme: str, width: int) -> Iterator[Page]:
    """A page in which somebody has signed in by the form; fails on anything the console says."""
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        said.append(message.text)

    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.add_init_script(WATCH)
    page.on("console", note)
    page.on("pageerror", lambda error: said.append(str(error)))
    with closing(context):
        _sign_in(page, site, who)
        yield page
    assert said == []


def _sign_in(page: Page, site: str, who: str) -> None:
    page.goto(f"{site}/sign-in/")
    page.get_by_label("E-mail address").fill(f"{who}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site}/t/contoso/")


def _faults(page: Page) -> list[str]:
    """What axe finds, as rule and place; it is put in by the driver, which no policy binds."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [
        f"{fault['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize(("who", "scheme"), [("alice", "dark"), ("dan", "light")])
def test_every_page_is_whole_and_readable(
    chromium: Browser, site: str, who: str, scheme: str
) -> None:
    faults: dict[str, list[str]] = {}
    blocked: dict[str, list[str]] = {}
    with _visit(chromium, site, who, scheme=scheme, width=1400) as page:
        for place in (*SEEN_BY_ALL, *(SEEN_OVER_TEAMS if who == "dan" else ())):
            answer = page.goto(f"{site}/t/contoso/{place}")
            assert answer is not None
            assert answer.status == 200, place
            page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
            faults[place] = _faults(page)
            blocked[place] = page.evaluate("window.blocked")
    assert not any(faults.values()), faults
    assert not any(blocked.values()), blocked


@pytest.mark.parametrize("width", [360, 768, 1400])
def test_no_page_scrolls_sideways(chromium: Browser, site: str, width: int) -> None:
    wide = {}
    with _visit(chromium, site, "dan", scheme="light", width=width) as page:
        for place in (*SEEN_BY_ALL, *SEEN_OVER_TEAMS):
            page.goto(f"{site}/t/contoso/{place}")
            page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
            needs = page.evaluate("document.documentElement.scrollWidth")
            if needs > width:
                wide[place] = needs
    assert wide == {}


def test_one_reaches_the_content_and_leaves_by_keyboard(chromium: Browser, site: str) -> None:
    with _visit(chromium, site, "alice", scheme="light", width=1400) as page:
        page.goto(f"{site}/t/contoso/teams/search/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.get_by_role("button", name="Sign out").press("Enter")
        page.wait_for_url(f"{site}/sign-in/")


def test_a_statement_prints_on_paper_without_the_frame(chromium: Browser, site: str) -> None:
    with _visit(chromium, site, "dan", scheme="dark", width=794) as page:
        page.goto(f"{site}/t/contoso/teams/search/statements/2026-11/")
        page.emulate_media(media="print")
        assert not page.get_by_role("navigation", name="Main").is_visible()
        assert page.get_by_text("Total, USD").is_visible()
        assert (
            page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        )
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
