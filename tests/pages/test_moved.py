"""What was moved afterwards stands on the page and in the file of the statements it concerns."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from inventory.models import Ownership
from tenancy import scope
from tests.pages.eventful import FORMULA, MOVED_BECAUSE
from tests.world import NOW, World

STATEMENT = "/t/contoso/teams/{}/statements/2026-11/"


def _text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def _moved(page: str) -> str:
    return page[page.index("Moved afterwards") :]


@pytest.mark.parametrize(("name", "slug"), [("alice", "search"), ("bob", "support")])
def test_both_teams_read_what_was_moved_when_by_whom_and_why(
    month: World, name: str, slug: str
) -> None:
    told = _moved(_text(getattr(month, name), STATEMENT.format(slug)))
    for word in (FORMULA, MOVED_BECAUSE, "erin@example.org", "Support", "Search"):
        assert word in told
    assert '<time datetime="2026-11-10">' in told
    assert '<time datetime="2026-11-11">' in told
    assert '<time datetime="2026-11-12T09:30:00Z">' in told
    assert '<data value="0.30">0.30</data>' in told


def test_a_statement_that_nothing_was_moved_on_says_nothing_of_it(month: World) -> None:
    page = _text(month.alice, "/t/contoso/teams/search/statements/2026-09/")
    assert "Moved afterwards" not in page


def test_the_file_runs_no_formula_of_a_moved_name(month: World) -> None:
    data = _text(month.alice, STATEMENT.format("search") + "statement.csv")
    rows = csv.DictReader(io.StringIO(data.removeprefix("\ufeff")))
    (row,) = [row for row in rows if row["Kind"] == "moved in"]
    assert (row["Subscription"], row["Amount"]) == (f"'{FORMULA}", "")
    assert (row["MovedCost"], row["MovedAmount"]) == ("0.305000000000000000", "0.30")


def test_another_cost_center_is_said_at_its_lines_and_summed(month: World) -> None:
    address = STATEMENT.format("search")
    assert "cost center CC-support" not in _text(month.alice, address)
    with scope.of(month.contoso.ref):
        Ownership.objects.create(
            subscription=month.search.subscription,
            team=month.search.team,
            cost_center=month.support.team.cost_center,
            from_day="2026-11-01",
            recorded_at=NOW,
            reason="Support pays for it.",
        )
    page = _text(month.alice, address)
    assert '<span class="sub">cost center CC-support Cost center of support</span>' in page
    assert "<dd>CC-support Cost center of support: <data" in page


def test_the_history_says_what_it_is_for_and_what_was_recorded_afterwards(month: World) -> None:
    address = "/t/contoso/subscriptions/apim-contoso/key-search/"
    page = _text(month.erin, address)
    assert "Assistant of search" in page
    assert "production" in page
    assert "recorded afterwards" not in page
    with scope.of(month.contoso.ref):
        Ownership.objects.create(
            subscription=month.search.subscription,
            team=month.search.team,
            environment="test",
            from_day="2026-11-10",
            recorded_at=NOW,
            recorded_by="erin@example.org",
            reason="It was a test.",
        )
    page = _text(month.erin, address)
    assert "recorded afterwards" in page
    assert "admin/inventory/ownership/add/?subscription=" in page
    assert "Assign it from a day on" not in _text(month.alice, address)
