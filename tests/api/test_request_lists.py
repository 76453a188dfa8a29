"""Lists of requests through the API: what one sees, narrowed, and page by page."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import QuotaRequest
from portal.api import request_examples as shown
from tenancy import scope
from tests.api.asking import LIST, Asking, asked
from tests.api.conftest import Program, faults, problem
from tests.world import World


def numbers(asking: Program, **query: Any) -> list[int]:
    return [row["number"] for row in asking.all(LIST, **query)]


def test_lists_hold_what_one_sees_the_newest_first(program: Asking) -> None:
    assert numbers(program("alice"), page_size=1) == [4, 3, 1]
    assert numbers(program("bob")) == [2]
    assert numbers(program("carol"), page_size=2) == [4, 2, 1]
    assert numbers(program("erin"), page_size=3) == [4, 2, 1]
    row = program("bob").all(LIST)[0]
    assert row.keys() == shown.REQUEST.keys()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "applied"}, [4, 1]),
        ({"state": "submitted"}, [2]),
        ({"kind": "temporary"}, [4, 1]),
        ({"kind": "tier"}, []),
        ({"team": "search"}, [4, 1]),
        ({"subscription": "key-support"}, [2]),
        ({"gateway": "apim-contoso", "team": "search"}, [1]),
        ({"gateway": "elsewhere"}, []),
        ({"waiting_for_me": "true"}, [2]),
        ({"waiting_for_me": "true", "team": "search"}, []),
    ],
)
def test_lists_are_narrowed(program: Asking, query: dict[str, str], found: list[int]) -> None:
    assert numbers(program("carol"), **query) == found


def test_what_waits_for_me_comes_by_the_day_it_runs_out(world: World, program: Asking) -> None:
    alice, carol = program("alice"), program("carol")
    late, soon = (asked(alice, amount=amount)["number"] for amount in ("1", "2"))
    with scope.of(world.contoso.ref):
        QuotaRequest.objects.filter(number=soon).update(runs_out_on=date(2026, 11, 22))
        QuotaRequest.objects.filter(number=late).update(runs_out_on=date(2026, 12, 1))
    assert numbers(carol, waiting_for_me="true", page_size=1) == [soon, late, 2]
    assert numbers(alice, waiting_for_me="true") == []
    assert numbers(program("dan"), waiting_for_me="true") == []


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("requests/?state=open", "state"),
        ("requests/?kind=everything", "kind"),
        ("requests/?waiting_for_me=yes", "waiting_for_me"),
        ("requests/?waiting_for_me=true&waiting_for_me=true", "waiting_for_me"),
        ("requests/?team=%00", "team"),
        ("requests/?tenant_id=2", "tenant_id"),
        ("requests/?page_size=0", "page_size"),
        ("requests/?ordering=password", "ordering"),
        ("requests/1/?expand=all", "expand"),
        ("requests/1/timeline/?kind=asked", "kind"),
    ],
)
def test_a_bad_question_is_refused_by_name(program: Asking, address: str, field: str) -> None:
    assert field in faults(program("carol").ask(address))


def test_a_cursor_fits_its_own_list(program: Asking) -> None:
    carol = program("carol")
    following = carol.read(LIST, page_size=1)["next"]
    assert carol.ask(following).status_code == 200
    told = problem(carol.ask(following.replace("?", "?state=applied&")), 400)
    assert told["code"] == "bad-cursor"


def test_a_longer_list_asks_the_database_no_more(program: Asking) -> None:
    alice = program("alice")
    counts = []
    for _ in range(2):
        alice.read(LIST)
        with CaptureQueriesContext(connection) as queries:
            alice.read(LIST)
        counts.append(len(queries))
        asked(alice)
        asked(alice, gateway=None, subscription=None)
    assert counts[0] == counts[1]
