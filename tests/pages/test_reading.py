"""The pages that say how usage is read, and what the source says beside what is stored."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import redis

from billing import comparing
from billing.models import BillingSettings, SourceComparison, UsageWindow, WindowState
from inventory.models import UsageSource
from tenancy import scope
from tenancy.models import AuditRecord
from tests.world import NOW, World

ADDRESS = "/t/contoso/usage/reading/"
COMPARED = "/t/contoso/usage/compared/"
HOUR = timedelta(hours=1)
NINE = datetime(2026, 11, 19, 9, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("at_noon")


def text(page: Any) -> str:
    """What one reads, with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def hour(world: World, start: datetime = NINE, **said: Any) -> UsageWindow:
    """An hour of Contoso's gateway that was read, unless something else is said."""
    read = {
        "state": WindowState.COMPLETE,
        "source": UsageSource.LLM_LOG,
        "through": start + HOUR,
        "read_at": start + HOUR,
        "reads": 1,
    }
    with scope.of(world.contoso.ref):
        return UsageWindow.objects.create(
            gateway=world.contoso.gateway, start=start, end=start + HOUR, **(read | said)
        )


def aside(world: World, start: datetime = NINE) -> UsageWindow:
    """One that was set aside after five failures."""
    return hour(
        world,
        start,
        state=WindowState.QUARANTINED,
        failures=5,
        error_code="Partial",
        error="The answer was not whole.",
    )


def standing(world: World, number: int) -> tuple[str, datetime | None]:
    with scope.of(world.contoso.ref):
        (row,) = UsageWindow.objects.filter(pk=number)
        return row.state, row.due_at


def comparison(world: World, **said: Any) -> None:
    """A day of which something is unexplained, unless something else is said."""
    reason = {
        "kind": "unexplained",
        "hours": 1,
        "first": "2026-11-19T09:00:00Z",
        "calls": 2,
        "tokens": 220,
        "says": "1 hour unexplained: what is stored is not what was read and stored",
    }
    told = {
        "day": NINE.date(),
        "compared_at": NOW,
        "source": UsageSource.LLM_LOG,
        "calls_source": 12,
        "calls_stored": 10,
        "tokens_source": 1320,
        "tokens_stored": 1100,
        "reasons": [reason],
    }
    with scope.of(world.contoso.ref):
        SourceComparison.objects.create(gateway=world.contoso.gateway, **(told | said))


def test_it_says_of_each_gateway_its_source_and_how_its_hours_stand(world: World) -> None:
    hour(world)
    hour(world, NINE + HOUR, late_rows=3)
    aside(world, NINE + 2 * HOUR)

    page = world.dan.get(ADDRESS)
    shown = text(page)

    assert "apim-contoso usage through 20 Nov 14:00 UTC" in shown
    assert "gateway logs (LLM log joined to gateway log)" in shown
    assert "Cached input is counted as input" in shown
    assert re.search(r"Cannot tell application, use case, agent", shown)
    assert re.search(r"Cannot count steps of agents, calls of tools", shown)
    assert "Complete 3 hours" in shown
    assert "Set aside 1 hour" in shown
    says = "last seven days: 1 complete, 1 complete, with late rows, 1 set aside."
    assert says in page.content.decode()
    assert "<title>19 Nov 11:00 UTC: set aside</title>" in page.content.decode()
    assert page.content.decode().count("<title>") == 7 * 24 + 1


def test_it_lists_what_to_look_at_worst_first(world: World) -> None:
    hour(world)
    late = hour(world, NINE + HOUR, late_rows=3)
    failed = hour(
        world,
        NINE + 2 * HOUR,
        state=WindowState.FAILED,
        failures=2,
        error="Log Analytics refused.",
        due_at=NOW + timedelta(minutes=5),
    )
    waiting = aside(world, NINE + 3 * HOUR)

    page = world.erin.get(ADDRESS)

    numbers = re.findall(r'name="window" value="(\d+)"', page.content.decode())
    assert [int(number) for number in numbers] == [waiting.pk, failed.pk, late.pk]
    shown = text(page)
    assert "The answer was not whole. 5 failures in a row" in shown
    assert "waits for a person" in shown
    assert "Log Analytics refused. 2 failures in a row" in shown
    assert "20 Nov 14:25 UTC" in shown


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?state=all", 4),
        ("?state=quarantined", 1),
        ("?state=late", 1),
        ("?state=complete", 3),
        ("?state=all&day=2026-11-19", 3),
        ("?state=all&day=2026-11-18", 0),
        ("?state=all&gateway=apim-contoso", 4),
        ("?state=all&gateway=apim-fabrikam", 0),
    ],
)
def test_the_list_is_narrowed(world: World, query: str, count: int) -> None:
    hour(world)
    hour(world, NINE + HOUR, late_rows=3)
    aside(world, NINE + 2 * HOUR)

    page = world.dan.get(ADDRESS + query)

    assert page.content.decode().count('name="window"') == count
    assert ("No such hour." in text(page)) == (not count)


def test_a_long_list_has_pages(world: World) -> None:
    for number in range(60):
        hour(world, NINE - number * HOUR, late_rows=1)

    first, second = (world.dan.get(f"{ADDRESS}?page={number}") for number in (1, 2))

    assert "Page 1 of 2" in text(first)
    assert first.content.decode().count('name="window"') == 50
    assert second.content.decode().count('name="window"') == 10


@pytest.mark.parametrize("query", ["?state=lost", "?day=soon", "?day=0001-01-01", "?page=x"])
def test_what_cannot_be_read_is_refused(world: World, query: str) -> None:
    assert world.dan.get(ADDRESS + query).status_code == 400


def test_it_says_that_there_is_nothing_to_look_at(world: World) -> None:
    with scope.of(world.contoso.ref):
        UsageWindow.objects.all().delete()

    shown = text(world.vic.get(ADDRESS))

    assert "No hour was read yet. Usage is read from 1 Sep 2026 UTC on" in shown
    assert "Nothing to look at." in shown


@pytest.mark.parametrize("name", ["dan", "erin"])
def test_one_hour_that_was_set_aside_is_read_again(world: World, name: str) -> None:
    one, other = aside(world), aside(world, NINE + HOUR)

    page = getattr(world, name).post(ADDRESS, {"window": one.pk}, follow=True)

    assert "1 hour is read again at the next cycle" in text(page)
    assert standing(world, one.pk)[0] == WindowState.PENDING
    assert standing(world, one.pk)[1] is not None
    assert standing(world, other.pk) == (WindowState.QUARANTINED, None)
    with scope.of(world.contoso.ref):
        written = AuditRecord.objects.latest("number")
    assert (written.action, written.actor) == ("usage.read_again", f"{name}@example.org")
    assert written.after == {"windows": ["apim-contoso 2026-11-19T09:00Z"]}


def test_all_that_were_set_aside_are_read_again(world: World) -> None:
    both = [aside(world), aside(world, NINE + HOUR)]
    kept = hour(world, NINE + 2 * HOUR)

    page = world.erin.post(ADDRESS, {}, follow=True)

    assert "2 hours are read again" in text(page)
    assert {standing(world, one.pk)[0] for one in both} == {WindowState.PENDING}
    assert standing(world, kept.pk) == (WindowState.COMPLETE, None)


def test_nothing_is_read_again_that_is_not_there(world: World) -> None:
    with scope.of(world.fabrikam.ref):
        theirs = UsageWindow.objects.values_list("pk", flat=True).get()
    one = aside(world)

    for posted in ({"window": theirs}, {"window": "9" * 18}, {"window": "1e3"}):
        assert world.erin.post(ADDRESS, posted).status_code == 400
    assert world.erin.post(ADDRESS, {"gateway": "apim-fabrikam"}).status_code == 400
    assert standing(world, one.pk) == (WindowState.QUARANTINED, None)


def test_hours_that_were_let_go_are_not_read_again(world: World) -> None:
    one = aside(world)
    with scope.of(world.contoso.ref):
        BillingSettings.objects.update(usage_kept_from=date(2026, 11, 20))

    page = world.erin.post(ADDRESS, {"window": one.pk})

    assert page.status_code == 409
    assert "Usage by the hour is kept from" in text(page)
    assert standing(world, one.pk) == (WindowState.QUARANTINED, None)


@pytest.mark.parametrize("name", ["carol", "vic"])
def test_who_only_looks_has_no_button_and_no_way(world: World, name: str) -> None:
    one = aside(world)
    comparison(world)
    browser = getattr(world, name)

    for address in (ADDRESS, COMPARED):
        page = browser.get(address)
        assert page.status_code == 200
        assert 'method="post"' not in page.content.decode().split("<main")[1]
        assert browser.post(address, {"window": one.pk}).status_code == 403
    assert standing(world, one.pk) == (WindowState.QUARANTINED, None)


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_it_is_for_those_who_see_the_whole_tenant(world: World, name: str) -> None:
    browser = getattr(world, name)

    for address in (ADDRESS, COMPARED, f"{COMPARED}compared.csv"):
        assert browser.get(address).status_code == 403
    assert browser.post(ADDRESS, {}).status_code == 403
    assert "usage/reading" not in browser.get("/t/contoso/").content.decode()
    assert "usage/reading" in world.dan.get(COMPARED).content.decode()


def test_another_tenant_sees_its_own(world: World) -> None:
    aside(world)
    comparison(world)

    for address in ("/t/fabrikam/usage/reading/?state=all", "/t/fabrikam/usage/compared/"):
        shown = text(world.mallory.get(address))
        assert "apim-fabrikam" in shown
        assert "apim-contoso" not in shown
        assert "Set aside" not in shown
        assert "unexplained" not in shown


def test_each_day_stands_beside_its_source(world: World) -> None:
    comparison(world)

    shown = text(world.vic.get(COMPARED))

    assert "19 Nov 2026 apim-contoso 12 10 +2 1,320 1,100 +220 ■ unexplained" in shown
    assert "1 hour unexplained: what is stored is not what was read and stored." in shown
    assert "3 Nov 2026 apim-contoso 100 100 0 1,000,000 1,000,000 0 ● agrees" in shown


def test_only_days_with_something_to_tell_are_shown_if_asked(world: World) -> None:
    comparison(world)

    shown = text(world.vic.get(f"{COMPARED}?show=differing"))
    none = text(world.vic.get(f"{COMPARED}?from=2026-11-04&to=2026-11-05"))

    assert "19 Nov 2026" in shown
    assert "3 Nov 2026" not in shown
    assert "No such day." in none
    assert world.vic.get(f"{COMPARED}?show=x").status_code == 400
    assert world.vic.get(f"{COMPARED}?from=x").status_code == 400


def test_the_same_days_are_a_file(world: World) -> None:
    comparison(world)

    answer = world.vic.get(f"{COMPARED}compared.csv?from=2026-11-19")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert row["Day"] == "2026-11-19"
    assert (row["TokensOfSource"], row["TokensStored"], row["TokensDifference"]) == (
        "1320",
        "1100",
        "220",
    )
    assert row["Explained"] == "no"
    assert row["Reasons"].startswith("1 hour unexplained")


def test_a_day_is_read_again_from_there(world: World) -> None:
    comparison(world)
    inside, before = hour(world), hour(world, datetime(2026, 11, 18, 22, tzinfo=UTC))
    first = hour(world, datetime(2026, 11, 18, 23, tzinfo=UTC))  # midnight of Berlin

    offered = world.dan.get(COMPARED)
    assert "Read apim-contoso, 19 Nov, again" in text(offered)
    assert 'name="day" value="2026-11-19"' in offered.content.decode()
    page = world.dan.post(COMPARED, {"gateway": "apim-contoso", "day": "2026-11-19"}, follow=True)

    assert "2 hours are read again" in text(page)
    assert [standing(world, one.pk)[1] is None for one in (inside, first, before)] == [
        False,
        False,
        True,
    ]


def test_a_day_of_which_the_source_has_less_is_not_offered_to_be_read_again(world: World) -> None:
    comparison(world, calls_source=1, tokens_source=110)

    page = world.dan.get(COMPARED)

    assert 'name="day"' not in page.content.decode()
    assert "Reading it again would take back what the source no longer has." in text(page)


def test_days_are_compared_now_if_asked(world: World, queue: redis.Redis) -> None:
    wanted = {"act": "compare", "gateway": "", "from": "2026-11-12", "to": "2026-11-13"}

    page = world.dan.post(COMPARED, wanted, follow=True)

    assert "The days are being compared." in text(page)
    (sent,) = (json.loads(one) for one in queue.lrange("celery", 0, -1))
    assert sent["headers"]["task"] == comparing.TASK
    told = [world.contoso.ref.id, "apim-contoso", "2026-11-12", "2026-11-13"]
    assert json.loads(sent["headers"]["argsrepr"].replace("'", '"')) == told
    backwards = wanted | {"to": "2026-11-11"}
    assert world.dan.post(COMPARED, backwards).status_code == 400
    assert world.dan.post(COMPARED, wanted | {"gateway": "apim-fabrikam"}).status_code == 400
    assert world.vic.post(COMPARED, wanted).status_code == 403
    assert queue.llen("celery") == 1


def test_without_a_queue_nothing_is_promised(world: World) -> None:
    wanted = {"act": "compare", "gateway": "", "from": "2026-11-12", "to": "2026-11-13"}

    page = world.dan.post(COMPARED, wanted)

    assert page.status_code == 503
    assert "The task queue does not answer." in text(page)


def test_the_status_page_tells_what_is_unexplained(world: World) -> None:
    assert "Every day that was compared agrees with its source or is explained" in text(
        world.vic.get("/t/contoso/status/")
    )
    comparison(world)

    page = world.vic.get("/t/contoso/status/")

    assert "19 Nov 2026 apim-contoso +2 +220" in text(page)
    assert COMPARED in page.content.decode()
    assert "+220" not in text(world.alice.get("/t/contoso/status/"))
