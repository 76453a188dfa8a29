"""A page asks the database as often for a hundred rows as for one.

``RECORD_QUERY_COUNTS=1 pytest tests/pages/test_query_counts.py`` writes the numbers down anew.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import CostCenter, Ownership, Team
from tenancy import scope
from tests.pages import eventful
from tests.world import World

BASELINE = Path(__file__).with_name("query_counts.json")
PAGES = {
    "home": "/t/contoso/",
    "team": "/t/contoso/teams/search/",
    "subscription": "/t/contoso/subscriptions/apim-contoso/key-search/",
    "statements": "/t/contoso/teams/search/statements/",
    "statement": "/t/contoso/teams/search/statements/2026-11/",
    "statement.csv": "/t/contoso/teams/search/statements/2026-11/statement.csv",
    "budgets": "/t/contoso/budgets/",
    "team-budget": "/t/contoso/budgets/teams/search/",
    "alerts": "/t/contoso/budgets/alerts/?show=all",
    "unallocated": "/t/contoso/usage/unallocated/",
    "usage": "/t/contoso/usage/",
    "usage.csv": "/t/contoso/usage/usage.csv?by=subscription",
    "status": "/t/contoso/status/",
    "reading": "/t/contoso/usage/reading/?state=all",
    "compared": "/t/contoso/usage/compared/",
    "price-changes": "/t/contoso/prices/",
    "suspects": "/t/contoso/prices/suspects/",
    "meters": "/t/contoso/prices/meters/",
    "meter": "/t/contoso/prices/meters/0b0e5d1f-0000-4000-8000-000000000001/",
    "mappings": "/t/contoso/prices/mappings/",
    "sheets": "/t/contoso/prices/sheets/",
    "sheet-new": "/t/contoso/prices/sheets/new/",
    "why": "/t/contoso/prices/meters/0b0e5d1f-0000-4000-8000-000000000001/why/",
    "rerating": "/t/contoso/prices/rerating/",
    "calculator": "/t/contoso/prices/calculator/?model=gpt-5.2-chat&region=swedencentral"
    "&calls=1000&input_tokens=100&output_tokens=0",
    "capacity": "/t/contoso/prices/capacity/?month=2026-09",
    "policies": "/t/contoso/requests/policies/",
    "policy": "/t/contoso/requests/policies/new/",
    "policy-trial": "/t/contoso/requests/policies/trial/",
    "absences": "/t/contoso/requests/absences/",
    "requests": "/t/contoso/requests/",
    "request": "/t/contoso/requests/2/",
    "request-change": "/t/contoso/requests/2/change/",
    "quotas": "/t/contoso/quotas/",
    "quotas-near": "/t/contoso/quotas/?show=near",
    "quotas-subscription": "/t/contoso/quotas/subscriptions/apim-contoso/key-search/",
    "quotas-team": "/t/contoso/quotas/teams/search/",
    "notifications": "/t/contoso/notifications/",
    "notification-preferences": "/t/contoso/notifications/preferences/",
    "endpoints": "/t/contoso/notifications/endpoints/",
    "deliveries": "/t/contoso/notifications/deliveries/",
    "team-endpoints": "/t/contoso/teams/support/notifications/",
}


def _count(world: World, address: str) -> int:
    browser = world.dan  # signs in now, not while it is counted
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(address).status_code == 200
    return len(asked)


def _grow(world: World, numbers: range) -> None:
    """For each number a team more and a subscription more of Search, each with usage."""
    with scope.of(world.contoso.ref):
        center = CostCenter.objects.earliest("id")
        for number in numbers:
            team = Team.objects.create(
                slug=f"team-{number}", name=f"Team {number}", cost_center=center
            )
            for owner, kind in ((team, "theirs"), (world.search.team, "ours")):
                made = eventful.subscription(world.contoso, f"{kind}-{number}")
                Ownership.objects.create(
                    subscription=made,
                    team=owner,
                    from_day=date(2026, 9, 1),
                    reason="Theirs since September.",
                    recorded_at=datetime(2026, 11, 15, tzinfo=UTC),
                )
                eventful.rated(made, world.contoso.deployment, date(2026, 11, 2 + number))


@pytest.mark.parametrize("name", PAGES)
def test_the_number_of_queries_does_not_grow_with_the_rows(month: World, name: str) -> None:
    _grow(month, range(2))
    few = _count(month, PAGES[name])
    _grow(month, range(2, 11))
    assert _count(month, PAGES[name]) == few


def test_the_number_of_queries_is_what_was_written_down(month: World) -> None:
    counts = {name: _count(month, address) for name, address in PAGES.items()}
    if os.environ.get("RECORD_QUERY_COUNTS"):
        BASELINE.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
    assert counts == json.loads(BASELINE.read_text(encoding="utf-8"))
