"""Who sees which page, and what stands on it."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Protocol

import pytest

from tests.pages.eventful import FORMULA
from tests.world import Browser, World

SEARCH = "/t/contoso/teams/search/"
STATEMENT = f"{SEARCH}statements/2026-11/"
OF_A_TEAM = (
    SEARCH,
    f"{SEARCH}statements/",
    STATEMENT,
    f"{STATEMENT}statement.csv",
    "/t/contoso/subscriptions/apim-contoso/key-search/",
)


class Page(Protocol):
    """An answer that was read whole."""

    @property
    def content(self) -> bytes: ...


def _text(page: Page) -> str:
    """What one reads, with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def _amounts(page: Page) -> list[Decimal]:
    """The amounts of the statement's lines and its total, as shown."""
    cells = re.findall(r'data-label="Amount, USD"><data[^>]*>([^<]+)</data>', page.content.decode())
    return [Decimal(cell.replace(",", "")) for cell in cells]


@pytest.mark.parametrize("address", OF_A_TEAM)
@pytest.mark.parametrize("name", ["alice", "carol", "dan", "erin", "vic"])
def test_the_team_and_those_over_it_see_its_pages(month: World, name: str, address: str) -> None:
    browser: Browser = getattr(month, name)
    assert browser.get(address).status_code == 200


@pytest.mark.parametrize("address", OF_A_TEAM)
@pytest.mark.parametrize("name", ["bob", "mallory"])
def test_for_others_there_is_no_such_page(month: World, name: str, address: str) -> None:
    browser: Browser = getattr(month, name)
    refused = browser.get(address)
    assert refused.status_code == 404
    assert "Search" not in refused.content.decode()


def test_home_shows_a_team_owner_their_teams_alone(month: World) -> None:
    seen = _text(month.alice.get("/t/contoso/"))
    assert "Search" in seen
    assert "Support" not in seen
    assert "Unallocated" not in seen


def test_home_shows_finance_every_team_and_what_is_nobodys(month: World) -> None:
    seen = _text(month.dan.get("/t/contoso/"))
    assert "Search" in seen
    assert "Support" in seen
    assert "Unallocated" in seen
    assert "3,000 tokens of this month have no price" in seen


def test_the_teams_shown_and_the_unallocated_add_up(month: World) -> None:
    page = month.dan.get("/t/contoso/").content.decode()
    table = page[: page.index("</table>")]
    cells = re.findall(r'data-label="Spent, USD"><data[^>]*>([^<]+)</data>', table)
    parts = [Decimal(cell) for cell in cells]
    assert len(parts) == 4
    assert sum(parts[:-1]) == parts[-1]


def test_a_month_given_away_is_told_apart_from_the_limit(month: World) -> None:
    """The team bears its own days; the limit counts them all."""
    seen = _text(month.alice.get(SEARCH))
    assert "0.70 count against the limit" in seen
    then = _text(month.bob.get("/t/contoso/teams/support/"))
    assert "another team" in then
    assert "0.40" in then


def test_a_suspended_subscription_says_since_when_and_why(month: World) -> None:
    seen = _text(month.alice.get(SEARCH))
    assert "Suspended 20 Nov 12:20 UTC" in seen
    assert "its hard quota is reached" in seen


def test_a_month_without_usage_says_so_instead_of_zero(month: World) -> None:
    seen = _text(month.alice.get(f"{SEARCH}?month=2026-08"))
    assert "no data yet" in seen
    assert "0.00" not in seen


def test_what_is_unpriced_is_in_no_amount_and_said_loudly(month: World) -> None:
    seen = _text(month.alice.get(SEARCH))
    assert "3,000 tokens have no price and are in no amount on this page" in seen


@pytest.mark.parametrize("asked", ["2026-13", "x", "2026-12", "0001-01", "", "2026-1", "٢٠٢٦-١١"])
def test_a_month_that_is_none_is_refused_with_the_fix(month: World, asked: str) -> None:
    refused = month.alice.get(SEARCH, {"month": asked})
    assert refused.status_code == 400
    assert "Use a month up to 2026-11" in _text(refused)


@pytest.mark.parametrize("asked", ["2026-13", "2026-12", "x"])
def test_there_is_no_statement_of_a_month_that_is_none(month: World, asked: str) -> None:
    assert month.alice.get(f"{SEARCH}statements/{asked}/").status_code == 404


def test_the_lines_of_a_statement_add_up_to_its_total(month: World) -> None:
    *lines, total = _amounts(month.alice.get(STATEMENT))
    assert len(lines) >= 3
    assert sum(lines) == total


def test_the_file_says_what_the_sheet_says(month: World) -> None:
    file = month.alice.get(f"{STATEMENT}statement.csv")
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    amounts = [Decimal(row["Amount"]) for row in rows if row["Kind"] in ("line", "total")]
    assert amounts == _amounts(month.alice.get(STATEMENT))
    assert [row["Quantity"] for row in rows if row["Kind"] == "unpriced"] == ["3000"]
    assert "attachment" in file["Content-Disposition"]


def test_no_cell_of_the_file_is_run_as_a_formula(month: World) -> None:
    file = month.alice.get(f"{STATEMENT}statement.csv")
    cells = [
        cell for row in csv.reader(io.StringIO(file.content.decode("utf-8-sig"))) for cell in row
    ]
    assert f"'{FORMULA}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_the_ledger_is_for_those_who_see_the_whole_tenant(month: World) -> None:
    for browser in (month.carol, month.dan, month.erin, month.vic):
        seen = _text(browser.get("/t/contoso/status/"))
        assert "APPORTION_AZURE_LOG_ANALYTICS_URL" in seen
        assert "preview" in seen
    seen = _text(month.alice.get("/t/contoso/status/"))
    assert "apim-contoso" in seen
    assert "APPORTION_AZURE_LOG_ANALYTICS_URL" not in seen
    assert "preview" not in seen


def test_the_ledger_is_paged_and_filtered(month: World) -> None:
    second = _text(month.dan.get("/t/contoso/status/", {"page": "2"}))
    assert "Page 2 of 2" in second
    failed = _text(month.dan.get("/t/contoso/status/", {"outcome": "failed"}))
    assert "1 run " in failed
    assert month.dan.get("/t/contoso/status/", {"step": "nonsense"}).status_code == 400
    for page in ("0", "-1", "x", "9" * 5000):
        assert month.dan.get("/t/contoso/status/", {"page": page}).status_code == 400
