"""Budgets and alerts on pages: who sees which, what is typed is shown before it is set."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from governance import alerts
from governance.models import Alert, Budget
from tenancy import scope
from tests.world import NOW, Browser, World

HOME = "/t/contoso/budgets/"
SEARCH, ALERTS = f"{HOME}teams/search/", f"{HOME}alerts/"
SAID = {
    "every": "month",
    "amount": "250",
    "from_day": "2026-11-01",
    "thresholds": "50, 100",
    "forecast_alert": "on",
    "reason": "The campaign.",
}


@pytest.fixture(autouse=True)
def now(world: World, clock_at: Any) -> None:
    clock_at(NOW)


def text(browser: Browser, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.content
    shown = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", html.unescape(shown))


def set_to(browser: Browser, address: str = SEARCH, do: str = "save", **said: str) -> Any:
    return browser.post(address, {**SAID, "do": do, **said})


def test_teams_see_their_own_and_those_over_them_all(world: World) -> None:
    alice, dan = text(world.alice, HOME), text(world.dan, HOME)
    assert "Search team, November 2026" in alice
    assert "CC-search" in alice
    assert "Support team" not in alice
    assert "Support team" in dan
    assert "Set a budget" not in alice
    assert "Set a budget" in dan
    assert "100.00 1.75" in alice, "the budget, and what is spent of it"
    assert "estimated, November 2026 (Europe/Berlin), USD, usage through 20 Nov 14:00 UTC" in alice


def test_one_is_chosen_from_a_list(world: World) -> None:
    answer = world.dan.get(f"{HOME}?whose=center:CC-search")
    assert (answer.status_code, answer["Location"]) == (302, f"{HOME}cost-centers/CC-search/")
    assert world.dan.get(f"{HOME}?whose=team:search")["Location"] == SEARCH
    for wrong in ("team:", "center:", "team:a/b", "x"):
        assert world.dan.get(f"{HOME}?whose={wrong}").status_code == 400


def test_a_budget_is_set_from_a_period_on(world: World) -> None:
    answer = set_to(world.dan)
    assert answer.status_code == 302
    with scope.of(world.contoso.ref):
        row = Budget.objects.earliest("-id")
        assert (row.team, row.amount, row.from_day) == (
            world.search.team,
            250,
            date(2026, 11, 1),
        )
        assert (row.thresholds, row.set_by, row.reason) == (
            [50, 100],
            "dan@example.org",
            "The campaign.",
        )
    page = text(world.dan, SEARCH)
    assert "The budget of Search is set from 1 Nov 2026 on." in page
    assert "250.00 1.75" in page


def test_how_it_would_stand_is_shown_before(world: World) -> None:
    answer = set_to(world.dan, do="show", amount="2")
    assert answer.status_code == 200
    assert "87.5 %" in answer.content.decode()
    with scope.of(world.contoso.ref):
        assert not Budget.objects.filter(amount=2).exists()


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"amount": "-1"}, "greater than or equal to 0"),
        ({"amount": "NaN"}, "Enter a number"),
        ({"from_day": "2026-11-02"}, "Give the first day of a month, such as 2026-11-01."),
        ({"every": "year"}, "Give the first day of a year, such as 2026-01-01."),
        ({"every": "hour"}, "Select a valid choice"),
        ({"thresholds": "50, x"}, "Give whole percentages with commas between."),
        ({"thresholds": "5000"}, "Give percentages from 1 to 1000."),
    ],
)
def test_what_is_no_budget_is_said_beside_its_field(
    world: World, said: dict[str, str], says: str
) -> None:
    answer = set_to(world.dan, **said)
    assert answer.status_code == 400
    assert says in answer.content.decode()
    with scope.of(world.contoso.ref):
        assert not Budget.objects.filter(amount=250).exists()


def test_it_is_for_finance_and_administrators(world: World) -> None:
    for browser in (world.alice, world.carol, world.vic):
        assert set_to(browser).status_code == 403
    assert "Set the budget" not in text(world.alice, SEARCH)
    assert set_to(world.erin).status_code == 302
    assert set_to(world.bob).status_code == 404, "another team's is not his to see"
    assert world.mallory.get(SEARCH).status_code == 404


def test_a_cost_center_is_set_by_its_code(world: World) -> None:
    address = f"{HOME}cost-centers/CC-search/"
    assert set_to(world.dan, address, amount="").status_code == 302
    page = text(world.dan, address)
    assert "No budget is in force." in page
    assert world.alice.get(address).status_code == 403
    assert world.dan.get(f"{HOME}cost-centers/CC-none/").status_code == 404


def test_alerts_that_hold_and_those_that_did(world: World) -> None:
    with scope.of(world.contoso.ref):
        Alert.objects.create(
            subscription=world.search.subscription,
            kind="quota_used",
            unit="currency",
            span="month",
            period=datetime(2026, 10, 31, 23, tzinfo=UTC),
            threshold=100,
            fired_at=NOW,
            evidence={"used": "5.10 USD", "limit": "5.00 USD", "basis": "estimated"},
        )
    alice = text(world.alice, ALERTS)
    assert "1 open alert" in alice
    assert "apim-contoso/key-search November 2026" in alice
    assert "100 % of the month's quota is used" in alice
    assert "used 5.10 USD, limit 5.00 USD" in alice
    assert "No threshold is reached." in text(world.bob, ALERTS)
    assert "Ended" in text(world.alice, f"{ALERTS}?show=all&kind=quota_used")
    assert "1 Nov 00:00 UTC" in text(world.alice, f"{ALERTS}?show=all")
    assert "No alert of this kind." in text(world.alice, f"{ALERTS}?kind=budget_used")
    for wrong in ("kind=x", "show=x", "page=x"):
        assert world.alice.get(f"{ALERTS}?{wrong}").status_code == 400


def test_what_is_looked_at_is_what_is_shown(world: World) -> None:
    with scope.of(world.contoso.ref):
        Budget.objects.create(
            team=world.search.team,
            amount=Decimal(2),
            from_day=date(2026, 11, 1),
            set_by="dan",
            recorded_at=NOW,
        )
        assert alerts.look(at=NOW).begun
    assert "80 % of the month's budget is spent" in text(world.alice, ALERTS)
