"""Pushed events on their way: whatever order and however often they come, each counts once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import events, measured, stored, usage, windows
from billing.events import Differs, Pushed
from billing.measured import Faulty
from billing.models import BillingSettings, PushedEvent, Series, Usage, UsageWindow, WindowState
from billing.rules.event_bodies import Form
from billing.rules.histograms import LATENCY, PROMPTS
from billing.rules.measured import Draft, Line
from billing.rules.token_classes import COMMON, NOT_TOKENS, TokenClass
from billing.rules.windows import HOUR, Lane
from billing.sources.pushed import PushedEvents
from billing.sources.seam import COUNTS, Hour
from inventory import gateways
from inventory.models import Gateway, UsageSource
from inventory.rules.dimensions import OVERFLOW, Dimension
from tenancy import scope
from tenancy.runs import Contention
from tenancy.scope import TenantRef
from tests import world as small_world
from tests.world import World

NOW = small_world.NOW
START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
NUMBERS = count(1)
BUCKET = timedelta(minutes=30)

calls = st.fixed_dictionaries(
    {"time": st.integers(0, 6 * 3600 - 1).map(lambda after: START + timedelta(seconds=after))},
    optional={
        "subscription": st.sampled_from(["bot", "Bot", "other"]),
        "deployment": st.sampled_from(["gpt", "GPT"]),
        "host": st.sampled_from(["a.example", "b.example"]),
        "status": st.sampled_from([200, 204, 302, 400, 401, 403, 404, 429, 500, 503]),
        "streaming": st.booleans(),
        "latency_ms": st.sampled_from([0, 1, 100, 101, 60_000, 60_001]),
        "usage": st.fixed_dictionaries(
            {},
            optional={
                "prompt_tokens": st.sampled_from([0, 1, 64, 65, 272_000, 272_001, 2_000_000]),
                "completion_tokens": st.integers(0, 5),
                "total_tokens": st.just(3_000_000),
            },
        ),
        "quantities": st.fixed_dictionaries({}, optional={"images": st.integers(0, 3)}),
        "metadata": st.fixed_dictionaries({}, optional={"agent": st.sampled_from(["x", "y"])}),
        "retries": st.integers(0, 2),
        "tool_calls": st.integers(0, 2),
    },
)


def router(name: str = "router") -> Gateway:
    """A gateway of the tenant in scope whose usage is pushed."""
    return Gateway.objects.create(
        name=name, usage_source=UsageSource.EVENTS, usage_from=small_world.START
    )


def told(number: int, gateway: str = "router", **more: Any) -> dict[str, Any]:
    return {"source": "urn:router", "id": f"call-{number}", "gateway": gateway} | more


def push(sent: Sequence[dict[str, Any]], *, at: datetime = NOW) -> Pushed:
    """Push to the tenant in scope."""
    body = json.dumps(list(sent), default=datetime.isoformat).encode()
    return events.push(body, Form.PLAIN, {}, at=at)


def key(call: dict[str, Any], bucket: timedelta) -> tuple[Any, ...]:
    """Where a call belongs, reckoned by hand."""
    since = (call["time"] - START) // bucket
    way = {None: "", True: "streamed", False: "whole"}[call.get("streaming")]
    return (
        START + since * bucket,
        call.get("subscription", ""),
        call.get("host", ""),
        call.get("deployment", ""),
        way,
        call.get("metadata", {}).get("agent", ""),
    )


def model(called: Sequence[dict[str, Any]], bucket: timedelta) -> dict[Any, Counter[str]]:
    """What calls come to, one after another."""
    found: dict[Any, Counter[str]] = {}
    for call in called:
        row = found.setdefault(key(call, bucket), Counter())
        status, used = call.get("status", 200), call.get("usage", {})
        prompt, completion = used.get("prompt_tokens", 0), used.get("completion_tokens", 0)
        long = "long_" if prompt > 272_000 else ""
        images = call.get("quantities", {}).get("images", 0)
        beyond = max(0, used.get("total_tokens", 0) - prompt - completion)
        row.update({f"{long}input": prompt, f"{long}output": completion, "images": images})
        row.update({"unclassified": beyond, "total": prompt + completion + beyond})
        good = 200 <= status < 400
        kind = {429: "throttled_requests", 401: "refused_requests", 403: "refused_requests"}
        if good:
            kind[status] = "successful_requests"
        fallback = "server_errors" if status >= 500 else "client_errors"
        row.update({"requests": 1, kind.get(status, fallback): 1})
        row["uncovered_requests"] += good and not prompt + completion + beyond + images
        row["retries"] += call.get("retries", 0)
        row["tool_calls"] += call.get("tool_calls", 0)
        if "latency_ms" in call:
            row[f"latency {LATENCY.bin_of(call['latency_ms'])}"] += 1
        if prompt + completion + beyond:
            row[f"prompts {PROMPTS.bin_of(prompt)}"] += 1
    return {place: +row for place, row in found.items()}


def read(hours: Sequence[Hour]) -> dict[Any, Counter[str]]:
    """The source's rows in the model's form."""
    found = {}
    for hour in hours:
        row: Counter[str] = Counter({"total": hour.total})
        for one, tokens in zip(COMMON, hour.tokens, strict=True):
            row[one.value] += tokens
        row.update({one.value: quantity for one, quantity in hour.further})
        row.update(dict(zip(COUNTS, hour.counts, strict=True)))
        for name, bins in (("latency", hour.latency), ("prompts", hour.prompts)):
            row.update({f"{name} {bin}": int(n) for bin, n in enumerate(bins.split(","))})
        values = dict(zip(Dimension, hour.values, strict=True))
        way, agent = values[Dimension.STREAMING], values[Dimension.AGENT]
        place = (hour.start, hour.subscription, hour.host, hour.deployment, way, agent)
        assert place not in found
        found[place] = +row
    return found


@given(called=st.lists(calls, max_size=8), data=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_order_and_however_often_batches_come_the_sums_are_the_models(
    world: World, called: list[dict[str, Any]], data: st.DataObject
) -> None:
    name = f"router-{next(NUMBERS)}"
    sent = [told(number, name, source=name, **call) for number, call in enumerate(called)]
    ref = world.contoso.ref
    with scope.of(ref):
        gateway = gateways.named(router(name).name)
        known: set[str] = set()
        for _ in range(data.draw(st.integers(1, 4))):
            batch = data.draw(st.lists(st.sampled_from(sent), max_size=8)) if sent else []
            new = {one["id"] for one in batch} - known
            assert push(batch) == Pushed(accepted=len(new), repeated=len(batch) - len(new))
            known |= new
        push(data.draw(st.permutations(sent)))

    end = START + timedelta(hours=6)
    source = PushedEvents()
    hours = source.read(ref, gateway, start=START, end=end, bucket=BUCKET)
    expected = model(called, BUCKET)
    assert read(hours) == expected
    totals = source.totals(ref, gateway, start=START, end=end)
    assert totals.calls == len(called)
    assert totals.tokens == sum(row["total"] for row in expected.values())
    middle = START + timedelta(hours=3)
    first = source.read(ref, gateway, start=START, end=middle, bucket=BUCKET)
    second = source.read(ref, gateway, start=middle, end=end, bucket=BUCKET)
    assert [*first, *second] == hours


def sync(ref: TenantRef, lane: Lane | None = None, *, at: datetime = NOW) -> int:
    return usage.sync(ref, "router", at=at, contention=Contention.TAKE_OVER, lane=lane)


def held(ref: TenantRef) -> tuple[int, int, int]:
    """Calls, input and output tokens of the router, as stored."""
    with scope.of(ref):
        rows = Usage.objects.filter(gateway__name="router")
        found = rows.values_list("requests", "input_tokens", "output_tokens")
        return tuple(map(sum, zip(*found, strict=True))) or (0, 0, 0)  # type: ignore[return-value]


@pytest.fixture
def pushed(committed_world: World) -> Iterator[TenantRef]:
    """Contoso with a router, in real transactions."""
    with scope.of(committed_world.contoso.ref):
        router()
    yield committed_world.contoso.ref
    connections.close_all()


CALL: dict[str, Any] = {"subscription": "bot", "deployment": "gpt", "usage": {"prompt_tokens": 7}}

#: What does not tell apart what is beyond the bound.
COLLAPSED = tuple(one.value for one in Dimension if one is not Dimension.STREAMING)


def at(hours_ago: int) -> datetime:
    return NOW - timedelta(hours=hours_ago)


def test_usage_is_read_once_however_often_it_is_pushed_and_read(pushed: TenantRef) -> None:
    batch = [told(1, time=at(1), **CALL), told(2, time=at(1), **CALL), told(3, time=at(30), **CALL)]
    for _ in range(2):
        with scope.of(pushed):
            push(batch)
        sync(pushed)
        assert held(pushed) == (3, 21, 0)
    with scope.of(pushed):
        incomplete = UsageWindow.objects.filter(gateway__name="router").exclude(
            state=WindowState.COMPLETE
        )
        assert not incomplete.exists()
        assert usage.through(Gateway.objects.get(name="router").pk) == NOW


def test_whatever_names_callers_make_up_series_stay_few_and_no_token_is_lost(
    pushed: TenantRef,
) -> None:
    with scope.of(pushed):
        BillingSettings.objects.update_or_create(defaults={"most_series": 3})
    for turn in (1, 2):
        batch = [
            told(n, time=at(1), product=f"made {n}", api=f"up {n}", streaming=n % 2 == 0, **CALL)
            for n in range(20 * turn)
        ]
        with scope.of(pushed):
            push(batch)
        sync(pushed)

        assert held(pushed) == (20 * turn, 140 * turn, 0)
        with scope.of(pushed):
            found = list(Series.objects.filter(gateway__name="router"))
        beyond = [one for one in found if one.product == OVERFLOW]
        assert len(found) - len(beyond) == 3
        assert sorted(one.streaming for one in beyond) == ["streamed", "whole"]
        assert {getattr(one, name) for one in beyond for name in COLLAPSED} == {OVERFLOW}


def test_an_event_that_is_weeks_late_is_read_by_itself(pushed: TenantRef) -> None:
    sync(pushed)
    with scope.of(pushed):
        push([told(1, time=at(24 * 40), **CALL)])
        due = UsageWindow.objects.filter(due_at__isnull=False, end__lt=NOW - 8 * 24 * HOUR)
        assert [row.start for row in due] == [datetime(2026, 10, 11, 14, tzinfo=UTC)]
    assert held(pushed) == (0, 0, 0)

    sync(pushed, Lane.AGAIN, at=NOW + timedelta(minutes=5))

    assert held(pushed) == (1, 7, 0)
    with scope.of(pushed):
        row = UsageWindow.objects.get(pk=due[0].pk)
    assert (row.state, row.due_at, row.late_rows) == (WindowState.COMPLETE, None, 1)


def test_an_event_that_comes_while_its_old_hour_is_read_is_not_forgotten(
    pushed: TenantRef,
) -> None:
    """The reader has seen the hour without it; the hour must stay due."""
    sync(pushed)
    with scope.of(pushed):
        push([told(1, time=at(24 * 40), **CALL)])
    later = NOW + timedelta(minutes=5)
    with scope.of(pushed):
        gateway = gateways.named("router")
        wanted = windows.of_lane(Lane.AGAIN, at=later)
        lease = windows.claim(
            "router",
            gateway.id,
            wanted,
            at=later,
            after=small_world.START,
            most=1,
            contention=Contention.GIVE_WAY,
        )
    assert lease is not None
    seen = PushedEvents().read(pushed, gateway, start=lease.start, end=lease.end, bucket=HOUR)
    with scope.of(pushed):
        push([told(2, time=at(24 * 40), **CALL)], at=later)
    with scope.of(pushed):
        tallies = stored.replace(
            gateway.id,
            seen,
            start=lease.start,
            end=lease.end,
            classes=PushedEvents.classes,
            at=later,
        )
        windows.complete(
            lease, tallies, source=UsageSource.EVENTS, look_back=timedelta(hours=48), at=later
        )
    assert held(pushed) == (1, 7, 0)

    sync(pushed, Lane.AGAIN, at=later + timedelta(minutes=5))

    assert held(pushed) == (2, 14, 0)


def test_the_same_batch_from_many_at_once_is_stored_once(pushed: TenantRef) -> None:
    batch = [told(number, time=at(1), **CALL) for number in range(100)]
    gate = Barrier(6)

    def one(turn: int) -> Pushed:
        try:
            gate.wait(30)
            with scope.of(pushed):
                return push(batch[turn:] + batch[:turn])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(one, range(6)))

    assert sum(answer.accepted for answer in answers) == 100
    assert sum(answer.repeated for answer in answers) == 500
    sync(pushed)
    assert held(pushed) == (100, 700, 0)


def test_two_that_tell_one_id_otherwise_at_once_end_with_one(pushed: TenantRef) -> None:
    gate = Barrier(4)

    def one(tokens: int) -> str:
        try:
            gate.wait(30)
            with scope.of(pushed):
                push([told(1, time=at(1), usage={"prompt_tokens": tokens})])
            return "stored"
        except Differs:
            return "refused"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(1, 5))) == ["refused"] * 3 + ["stored"]
    with scope.of(pushed):
        assert PushedEvent.objects.filter(gateway__name="router").count() == 1


def test_every_class_can_be_told(pushed: TenantRef) -> None:
    """What the source may bring is what a window replaces; nothing of it is left behind."""
    assert PushedEvents.classes == frozenset(TokenClass) - frozenset(COMMON)
    assert PushedEvents.counts == frozenset(COUNTS)
    units = dict.fromkeys(NOT_TOKENS, 3)
    with scope.of(pushed):
        push([told(1, time=at(1), quantities=units)])
        (hour,) = PushedEvents().read(
            pushed, gateways.named("router"), start=at(2), end=NOW, bucket=HOUR
        )
    assert {one.value: quantity for one, quantity in hour.further} == units
    assert (hour.total, hour.counts[COUNTS.index("uncovered_requests")]) == (0, 0)
    sync(pushed)
    assert held(pushed) == (1, 0, 0)


def test_a_file_brings_nothing_where_events_are_all_there_is(pushed: TenantRef) -> None:
    """The next reading of the hour would undo what the file brought."""
    with scope.of(pushed):
        push([told(1, time=at(1), **CALL)])
    sync(pushed)
    line = Line(
        row=2,
        start=at(1).replace(minute=0),
        gateway="router",
        subscription="bot",
        deployment="gpt",
        token_class=TokenClass.IMAGES,
        quantity=3,
    )
    with scope.of(pushed), pytest.raises(Faulty, match="is pushed: push this, too"):
        measured.replace(Draft((line,), ()), source="file", by="dan", at=NOW)
