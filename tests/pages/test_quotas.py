"""Limits on pages: what applies, what binds, and how an administrator sets and clears one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from governance.limits import quotas
from governance.limits.quotas import Wanted
from governance.models import Quota, Suspension
from governance.rules.spans import Every
from inventory.models import Product
from tenancy import scope
from tests.world import NOW, World

LIST = "/t/contoso/quotas/"
KEY = f"{LIST}subscriptions/apim-contoso/key-search/"
TEAM = f"{LIST}teams/search/"
CENTER = f"{LIST}cost-centers/CC-search/"
SAID = {
    "limit": "10",
    "unit": "currency",
    "every": "month",
    "hardness": "hard",
    "rollover": "none",
    "thresholds": "50, 80, 100",
    "from_day": "",
    "until_day": "",
    "reason": "The pilot is over.",
}


def text(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def field(page: Any, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.content.decode())
    assert found, text(page)
    return found[1]


def product(world: World) -> str:
    return f"{LIST}products/{world.contoso.product.pk}/"


def said_of(world: World, **subject: Any) -> list[tuple[Any, ...]]:
    with scope.of(world.contoso.ref):
        rows = Quota.objects.filter(**subject).order_by("id")
        return list(rows.values_list("limit", "unit", "span", "hardness", "thresholds"))


def limit(world: World, subject: Any, amount: str, **further: Any) -> None:
    with scope.of(world.contoso.ref):
        quotas.set_limit(
            subject,
            Wanted(Decimal(amount), **further),
            from_instant=NOW - timedelta(days=60),
            by="erin@example.org",
            at=NOW,
        )


def test_the_list_shows_what_binds_and_whose_it_is(month: World) -> None:
    limit(month, month.search.team, "40")
    seen = text(month.carol.get(LIST))
    assert "5.00 USD a month hard: suspends" in seen
    assert "its own binds" in seen
    assert "of the whole team Search" in seen
    assert "Support" not in text(month.alice.get(LIST))


@pytest.mark.parametrize(
    ("show", "found"),
    [("own", True), ("inherited", False), ("reached", True), ("none", False), ("near", True)],
)
def test_the_list_is_filtered_by_what_limits(month: World, show: str, found: bool) -> None:
    seen = text(month.carol.get(LIST, {"show": show, "q": "key-search"}))
    assert ("key-search" in seen.split("Whose")[-1]) is found
    assert month.carol.get(LIST, {"show": "x"}).status_code == 400
    assert "Nothing fits" in text(month.carol.get(LIST, {"q": "no such key"}))


def test_the_list_is_paged(month: World) -> None:
    from tests.pages import eventful  # noqa: PLC0415

    with scope.of(month.contoso.ref):
        for number in range(60):
            eventful.subscription(month.contoso, f"more-{number:02}")
    assert "Page 1 of 2" in text(month.carol.get(LIST))
    second = text(month.carol.get(LIST, {"page": "2"}))
    assert "Page 2 of 2" in second
    assert "more-59" in second
    assert "inherited from product Gold of contoso" in second


@pytest.mark.parametrize("address", [KEY, TEAM])
def test_a_subjects_limits_are_seen_by_whom_it_is_and_by_those_over_it(
    month: World, address: str
) -> None:
    for browser in (month.alice, month.carol, month.dan, month.vic):
        seen = browser.get(address)
        assert seen.status_code == 200
        assert "Set or clear" not in text(seen)
    assert "Set or clear" in text(month.erin.get(address))
    for browser in (month.bob, month.mallory):
        assert browser.get(address).status_code == 404


def test_products_and_cost_centers_are_for_those_who_see_the_whole_tenant(month: World) -> None:
    for address in (product(month), CENTER):
        assert month.carol.get(address).status_code == 200
        assert month.alice.get(address).status_code == 403
        assert month.mallory.get(address).status_code == 404


def test_only_an_administrator_sets(month: World) -> None:
    before = said_of(month)
    for browser in (month.alice, month.carol, month.dan, month.vic):
        refused = browser.post(KEY, SAID | {"seen": "0"})
        assert refused.status_code == 403
    assert said_of(month) == before


@pytest.mark.parametrize("place", ["key", "product", "team", "center"])
def test_a_limit_is_set_and_cleared_on_each_kind_of_subject(month: World, place: str) -> None:
    places: dict[str, tuple[str, dict[str, Any]]] = {
        "key": (KEY, {"subscription": month.search.subscription}),
        "product": (product(month), {"product": month.contoso.product}),
        "team": (TEAM, {"team": month.search.team}),
        "center": (CENTER, {"cost_center": month.search.team.cost_center}),
    }
    address, subject = places[place]
    begun = len(said_of(month, **subject))
    seen = field(month.erin.get(address), "seen")
    done = month.erin.post(address, SAID | {"seen": seen}, follow=True)
    assert "10 USD a month." in text(done)
    assert "10.00 USD a month" in text(done)
    seen = field(done, "seen")
    cleared = month.erin.post(address, SAID | {"limit": "", "seen": seen}, follow=True)
    assert "no limit of USD a month." in text(cleared)
    rows = said_of(month, **subject)[begun:]
    assert [row[0] for row in rows] == [10, None]
    assert rows[0][1:] == ("currency", "month", "hard", [50, 80, 100])
    assert "cleared" in text(month.erin.get(address))


def test_days_begin_at_the_tenants_midnight(month: World) -> None:
    seen = field(month.erin.get(KEY), "seen")
    said = SAID | {"from_day": "2026-11-25", "until_day": "2026-12-01", "seen": seen}
    assert month.erin.post(KEY, said).status_code == 302
    with scope.of(month.contoso.ref):
        row = Quota.objects.latest("id")
    assert row.effective_from == datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert row.effective_until == datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_what_it_would_do_is_shown_as_one_types_and_nothing_is_saved(month: World) -> None:
    before = said_of(month)
    fragment = month.erin.get(KEY, SAID)
    assert fragment.status_code == 200
    assert b"<html" not in fragment.content
    seen = text(fragment)
    spent = text(month.erin.get(KEY))
    assert "nothing is saved yet" in seen
    assert re.search(r"[\d.]+ % used: [\d.]+ of 10.00 USD a month", seen)
    assert "Now: 5.00 USD a month, its own" in seen
    assert said_of(month) == before
    assert "In force now" in spent
    wrong = text(month.erin.get(KEY, SAID | {"limit": "much"}))
    assert "Give a limit to see what it would do" in wrong


def test_a_hard_limit_that_is_reached_already_needs_a_second_word(month: World) -> None:
    before = said_of(month)
    seen = field(month.erin.get(KEY), "seen")
    said = SAID | {"limit": "0.1", "seen": seen}
    asked = month.erin.post(KEY, said)
    assert asked.status_code == 200
    assert "1 subscription would be suspended at the next cycle: key-search" in text(asked)
    assert said_of(month) == before
    plan = field(asked, "plan")
    other = month.erin.post(KEY, said | {"limit": "0.2", "plan": plan})
    assert "would be suspended" in text(other)
    assert said_of(month) == before
    done = month.erin.post(KEY, said | {"plan": plan}, follow=True)
    assert "0.1 USD a month." in text(done)
    assert len(said_of(month)) == len(before) + 1


def test_a_soft_limit_that_is_reached_needs_no_second_word(month: World) -> None:
    seen = field(month.erin.get(KEY), "seen")
    said = SAID | {"limit": "0.1", "hardness": "soft", "seen": seen}
    assert month.erin.post(KEY, said).status_code == 302


def test_a_products_limit_names_all_that_it_would_suspend(month: World) -> None:
    with scope.of(month.contoso.ref):
        for house in month.contoso.houses:
            quotas.set_limit(house.subscription, Wanted(None), from_instant=NOW, by="erin", at=NOW)
    seen = text(month.erin.get(product(month), SAID | {"limit": "0.01"}))
    assert "key-search" in seen
    assert "key-support" in seen
    assert "would be suspended" in seen


def test_somebody_elses_change_in_between_is_not_overwritten(month: World) -> None:
    seen = field(month.erin.get(KEY), "seen")
    limit(month, month.search.subscription, "7", every=Every.DAY)
    refused = month.erin.post(KEY, SAID | {"seen": seen})
    assert refused.status_code == 409
    assert "Somebody else has changed this limit" in text(refused)
    assert field(refused, "seen") != seen


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"limit": "-1"}, "greater than or equal to 0"),
        ({"limit": "1.5", "unit": "tokens"}, "Give a whole number of tokens."),
        ({"thresholds": "fifty"}, "Give whole percentages"),
        ({"thresholds": "0"}, "Give percentages from 1 to 1000."),
        ({"from_day": "2026-12-01", "until_day": "2026-11-01"}, "Give an instant after the start."),
        ({"reason": ""}, "This field is required."),
        ({"every": "fortnight"}, "Select a valid choice."),
    ],
)
def test_what_is_no_limit_is_said_at_its_field(
    month: World, wrong: dict[str, str], says: str
) -> None:
    before = said_of(month)
    seen = field(month.erin.get(KEY), "seen")
    refused = month.erin.post(KEY, SAID | wrong | {"seen": seen})
    assert refused.status_code == 400
    assert says in text(refused)
    assert said_of(month) == before
    assert "The pilot is over." in refused.content.decode() or "reason" in wrong


def test_the_subscriptions_page_shows_what_binds_and_what_is_reached_first(month: World) -> None:
    limit(month, month.search.team, "1000000", unit="tokens")
    with scope.of(month.contoso.ref):
        Product.objects.filter(pk=month.contoso.product.pk).update(
            token_quota=30_000_000, token_quota_period="Monthly"
        )
    seen = text(month.alice.get("/t/contoso/subscriptions/apim-contoso/key-search/"))
    assert "Binds now:" in seen
    assert "1,000,000 tokens a month" in seen
    assert "of the whole team Search" in seen
    assert "30,000,000 tokens" in seen
    assert "kept by API Management, never by Apportion" in seen


def test_the_teams_page_and_home_show_what_binds(month: World) -> None:
    limit(month, month.search.team, "1")
    team = text(month.alice.get("/t/contoso/teams/search/"))
    assert "Limits of the whole team" in team
    assert "of 1.00 USD a month" in team
    home = text(month.alice.get("/t/contoso/"))
    assert re.search(r"binds: [\d.]+ % of 1.00 USD a month", home)


def test_setting_a_limit_suspends_nobody_by_itself(month: World) -> None:
    with scope.of(month.contoso.ref):
        before = Suspension.objects.count()
    seen = field(month.erin.get(TEAM), "seen")
    asked = month.erin.post(TEAM, SAID | {"limit": "0", "seen": seen})
    month.erin.post(TEAM, SAID | {"limit": "0", "seen": seen, "plan": field(asked, "plan")})
    with scope.of(month.contoso.ref):
        assert Suspension.objects.count() == before
        month.search.subscription.refresh_from_db()
