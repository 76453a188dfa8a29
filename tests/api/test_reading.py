"""How usage is read, through the API: hours, reading them again, days beside their source."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import redis

from billing import comparing
from billing.models import BillingSettings, SourceComparison, UsageWindow, WindowState
from inventory.models import UsageSource
from portal.api import reading_examples
from tenancy import scope
from tenancy.models import AuditRecord
from tests.api.conftest import Program, problem
from tests.api.test_schema import _shape
from tests.world import NOW, World
from tests.world_usage import BUCKET

Asking = Callable[..., Program]
WINDOWS, AGAIN, COMPARISONS = "usage/windows/", "usage/windows/read-again/", "usage/comparisons/"
HOUR = timedelta(hours=1)
NINE = datetime(2026, 11, 19, 9, tzinfo=UTC)
SPAN = {"gateway": "apim-contoso", "from": "2026-11-19T09:00:00Z", "to": "2026-11-19T11:00:00Z"}


@pytest.fixture
def hours(world: World) -> list[int]:
    """Five hours of Contoso's gateway that were set aside, from nine on."""
    with scope.of(world.contoso.ref):
        return [
            UsageWindow.objects.create(
                gateway=world.contoso.gateway,
                start=NINE + number * HOUR,
                end=NINE + (number + 1) * HOUR,
                state=WindowState.QUARANTINED,
                failures=5,
                error_code="Partial",
                error="The answer was not whole.",
            ).pk
            for number in range(5)
        ]


def states(world: World) -> list[str]:
    with scope.of(world.contoso.ref):
        rows = UsageWindow.objects.filter(start__gte=NINE).order_by("start")
        return list(rows.values_list("state", flat=True))


def test_an_hour_says_how_it_was_read(program: Asking) -> None:
    (row,) = program("vic").all(WINDOWS)

    assert _shape(row) == _shape(reading_examples.WINDOW)
    assert {name: row[name] for name in ("gateway", "start", "state", "source", "calls")} == {
        "gateway": "apim-contoso",
        "start": "2026-11-03T09:00:00Z",
        "state": "complete",
        "source": "llm_log",
        "calls": 100,
    }
    assert row["tokens"] == 1_000_000


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 6),
        ({"state": "quarantined"}, 5),
        ({"state": "failed"}, 0),
        ({"gateway": "apim-contoso"}, 6),
        ({"gateway": "apim-fabrikam"}, 0),
        ({"from": "2026-11-19T10:00:00Z"}, 4),
        ({"from": "2026-11-19T10:00:00Z", "to": "2026-11-19T12:00:00Z"}, 2),
        ({"to": "2026-11-19T00:00:00Z"}, 1),
    ],
)
def test_hours_are_narrowed(
    hours: list[int], program: Asking, query: dict[str, str], count: int
) -> None:
    assert len(program("dan").all(WINDOWS, **query)) == count


def test_hours_are_walked_page_by_page(hours: list[int], program: Asking) -> None:
    pages = program("dan").walk(WINDOWS, page_size=2)

    starts = [row["start"] for page in pages for row in page]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert starts == sorted(starts)
    assert len(set(starts)) == 6


@pytest.mark.parametrize(
    ("address", "field"),
    [
        (f"{WINDOWS}?state=lost", "state"),
        (f"{WINDOWS}?from=yesterday", "from"),
        (f"{WINDOWS}?until=x", "until"),
        (f"{WINDOWS}?gateway=%00", "gateway"),
        (f"{COMPARISONS}?from=soon", "from"),
        (f"{COMPARISONS}?cursor=x", "cursor"),
    ],
)
def test_a_bad_question_is_refused_by_name(program: Asking, address: str, field: str) -> None:
    document = problem(program("dan").ask(address), 400)
    assert field in {fault["field"] for fault in document["errors"]}


def test_hours_are_read_again_by_number(world: World, hours: list[int], program: Asking) -> None:
    answer = program("erin").send(AGAIN, {"windows": hours[:2]})

    assert answer.status_code == 200, answer.content
    assert answer.json() == {"windows": 2}
    assert states(world) == ["pending"] * 2 + ["quarantined"] * 3
    with scope.of(world.contoso.ref):
        written = AuditRecord.objects.latest("number")
        assert UsageWindow.objects.filter(due_at=NOW).count() == 2
    assert (written.action, written.actor) == ("usage.read_again", "erin@example.org")
    assert len((written.after or {})["windows"]) == 2


def test_hours_are_read_again_by_span(world: World, hours: list[int], program: Asking) -> None:
    assert program("dan").send(AGAIN, SPAN).json() == {"windows": 2}

    assert states(world) == ["pending"] * 2 + ["quarantined"] * 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "gateway"),
        ({"windows": []}, "windows"),
        ({"windows": [0]}, "windows.0"),
        ({"windows": ["x"]}, "windows.0"),
        ({"windows": [10**20]}, "windows.0"),
        ({"windows": [999_999]}, "windows"),
        ({"windows": [1]} | SPAN, "from"),
        ({"gateway": "apim-contoso"}, "from"),
        (SPAN | {"to": "2026-11-19T09:00:00Z"}, "to"),
        (SPAN | {"from": "2026-11-19"}, "from"),
        (SPAN | {"gateway": "apim-fabrikam"}, "from"),
        (SPAN | {"hours": 2}, "hours"),
        ([], None),
    ],
)
def test_a_faulty_body_names_the_field_and_changes_nothing(
    world: World, hours: list[int], program: Asking, body: Any, field: str | None
) -> None:
    told = problem(program("dan").send(AGAIN, body), 400)

    assert field is None or field in {fault["field"] for fault in told["errors"]}
    assert states(world) == ["quarantined"] * 5


def test_another_tenants_hours_are_not_read_again(
    world: World, hours: list[int], program: Asking
) -> None:
    problem(program("mallory").send(AGAIN, {"windows": hours}), 400)
    problem(program("mallory").send(AGAIN, SPAN), 400)

    assert states(world) == ["quarantined"] * 5


def test_hours_that_were_let_go_are_not_read_again(
    world: World, hours: list[int], program: Asking
) -> None:
    with scope.of(world.contoso.ref):
        BillingSettings.objects.update(usage_kept_from=date(2026, 11, 20))

    assert problem(program("dan").send(AGAIN, SPAN), 409)["code"] == "usage-let-go"
    assert states(world) == ["quarantined"] * 5


@pytest.mark.parametrize("address", [WINDOWS, COMPARISONS])
def test_it_is_for_those_who_see_the_whole_tenant(program: Asking, address: str) -> None:
    for name in ("carol", "dan", "erin", "vic"):
        assert program(name).read(address)["results"]
    for name in ("alice", "bob"):
        assert problem(program(name).ask(address), 403)["code"] == "not-allowed"


@pytest.mark.parametrize(
    ("address", "body"),
    [(AGAIN, SPAN), (COMPARISONS, {"from": "2026-11-12", "to": "2026-11-13"})],
)
def test_writing_takes_the_scope_and_the_role(
    world: World, hours: list[int], program: Asking, address: str, body: dict[str, str]
) -> None:
    reading = program("dan", "read:usage").send(address, body)
    assert problem(reading, 403)["code"] == "missing-scope"
    for name in ("alice", "carol", "vic"):
        assert problem(program(name).send(address, body), 403)["code"] == "not-allowed"
    assert states(world) == ["quarantined"] * 5


def test_a_day_stands_beside_its_source(world: World, program: Asking) -> None:
    with scope.of(world.contoso.ref):
        SourceComparison.objects.create(
            gateway=world.contoso.gateway,
            day=NINE.date(),
            compared_at=NOW,
            source=UsageSource.LLM_LOG,
            calls_source=101,
            calls_stored=100,
            tokens_source=1110,
            tokens_stored=1000,
            reasons=reading_examples.COMPARISON["reasons"],
        )

    before, row = program("vic").all(COMPARISONS)

    assert _shape(row) == _shape(reading_examples.COMPARISON)
    assert before["day"] == BUCKET.date().isoformat()
    assert before["tokens"] == {"source": 1_000_000, "stored": 1_000_000, "difference": 0}
    assert row["tokens"] == {"source": 1110, "stored": 1000, "difference": 110}
    assert row["explained"] is True
    assert program("vic").all(COMPARISONS, **{"from": "2026-11-19"}) == [row]
    assert program("vic").all(COMPARISONS, to="2026-11-18") == [before]
    assert program("vic").all(COMPARISONS, gateway="apim-fabrikam") == []


def test_the_worker_is_asked_to_compare(world: World, program: Asking, queue: redis.Redis) -> None:
    body = {"from": "2026-11-12", "to": "2026-11-13"}

    answer = program("dan").send(COMPARISONS, body)

    assert answer.status_code == 200, answer.content
    assert answer.json() == {"gateways": ["apim-contoso"], **body}
    (sent,) = (json.loads(one) for one in queue.lrange("celery", 0, -1))
    assert sent["headers"]["task"] == comparing.TASK
    for wrong, field in (
        (body | {"to": "2026-11-11"}, "to"),
        (body | {"from": "2020-01-01"}, "to"),
        (body | {"gateway": "apim-fabrikam"}, "gateway"),
        ({"from": "2026-11-12"}, "to"),
    ):
        told = problem(program("dan").send(COMPARISONS, wrong), 400)
        assert field in {fault["field"] for fault in told["errors"]}, wrong
    assert queue.llen("celery") == 1


def test_without_a_queue_nothing_is_promised(program: Asking) -> None:
    body = {"from": "2026-11-12", "to": "2026-11-13"}

    assert problem(program("dan").send(COMPARISONS, body), 503)["code"] == "no-broker"
