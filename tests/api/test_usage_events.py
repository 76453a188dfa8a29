"""Pushing usage events: what is taken, what is refused and how, and that nothing counts twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from billing import windows
from billing.models import BillingSettings, PushedEvent, UsageWindow
from billing.rules.event_bodies import MOST_BYTES, MOST_EVENTS
from inventory.models import Deployment, Gateway, Origin, UsageSource
from portal.api import event_bodies
from tenancy import scope
from tests import world as small_world
from tests.api.conftest import Program, problem
from tests.world import Place, World

Asking = Callable[..., Program]
ROUTER = "router"
EVENT: dict[str, Any] = event_bodies.EVENT
CLOUD: dict[str, Any] = event_bodies.CLOUD_EVENT
HERE = "usage-events/"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def routers(world: World) -> None:
    """A gateway in each tenant whose usage is pushed, from 1 September on."""
    for place in (world.contoso, world.fabrikam):
        _router(place)


def _router(place: Place) -> None:
    with scope.of(place.ref):
        Gateway.objects.create(
            name=ROUTER, usage_source=UsageSource.EVENTS, usage_from=small_world.START
        )


def stored(world: World) -> list[PushedEvent]:
    with scope.of(world.contoso.ref):
        return list(PushedEvent.objects.filter(gateway__name=ROUTER))


def send(program: Asking, body: Any, of: str = "application/json", **headers: str) -> Any:
    """Push as Dan, who is finance; text goes as it is."""
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    authorization = {"Authorization": f"Bearer {program('dan').token}"}
    client = Client(raise_request_exception=False)
    return client.post(f"/api/v1/{HERE}", data, content_type=of, headers=authorization | headers)


def taken(answer: Any) -> tuple[int, int]:
    assert answer.status_code == 202, answer.content
    told = answer.json()
    return told["accepted"], told["repeated"]


def faults(answer: Any) -> dict[str, str]:
    told = problem(answer, 400)
    return {fault["field"]: fault["detail"] for fault in told["errors"]}


def test_an_event_is_kept_as_it_came(world: World, program: Asking) -> None:
    assert taken(send(program, EVENT)) == (1, 0)

    (row,) = stored(world)
    assert (row.source, row.event_id) == (EVENT["source"], EVENT["id"])
    assert row.at == datetime(2026, 11, 20, 14, 3, 7, tzinfo=UTC)
    assert row.received_at == small_world.NOW
    assert row.quantities == {
        "input": 200,
        "cached_input": 1000,
        "output": 212,
        "reasoning": 128,
    }
    assert sum(row.quantities.values()) == EVENT["usage"]["total_tokens"]
    assert row.dimensions == {
        "application": "Assistant",
        "environment": "production",
        "region": "swedencentral",
        "streaming": "streamed",
    }
    assert (row.status, row.milliseconds, row.prompt_tokens) == (200, 1840, 1200)


@pytest.mark.parametrize(
    ("body", "of", "headers"),
    [
        (EVENT, "application/json", {}),
        ([EVENT], "application/json; charset=utf-8", {}),
        ({"events": [EVENT]}, "application/json", {}),
        (CLOUD, "application/json", {}),
        (CLOUD, "application/cloudevents+json; charset=UTF-8", {}),
        (CLOUD | {"traceparent": "00-ab-cd-01"}, "application/cloudevents+json", {}),
        ([CLOUD], "application/cloudevents-batch+json", {}),
        (
            CLOUD["data"],
            "application/json",
            {
                "ce-specversion": "1.0",
                "ce-type": CLOUD["type"],
                "ce-source": "urn%3Arouter%3Aeu-1",
                "ce-id": CLOUD["id"],
                "ce-time": CLOUD["time"],
            },
        ),
    ],
    ids=[
        "one", "array", "wrapped", "envelope", "structured", "extended", "batch", "binary",
    ],
)  # fmt: skip
def test_whichever_way_it_comes_it_is_the_same_event(
    world: World, program: Asking, body: Any, of: str, headers: dict[str, str]
) -> None:
    assert taken(send(program, body, of, **headers)) == (1, 0)
    assert taken(send(program, EVENT)) == (0, 1)

    (row,) = stored(world)
    assert row.event_id == EVENT["id"]


def test_a_slash_at_the_end_makes_no_difference(program: Asking) -> None:
    answer = program("dan").send("usage-events", EVENT)
    assert taken(answer) == (1, 0)


def test_the_same_again_changes_nothing(world: World, program: Asking) -> None:
    other = EVENT | {"id": "another"}
    assert taken(send(program, [EVENT, other, EVENT])) == (2, 1)
    assert taken(send(program, [other, EVENT])) == (0, 2)
    respelled = EVENT | {"time": "2026-11-20T15:03:07.000+01:00", "retries": 0, "host": None}
    assert taken(send(program, json.dumps(respelled, indent=4, sort_keys=True))) == (0, 1)

    assert len(stored(world)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"usage": {"prompt_tokens": 1}},
        {"time": "2026-11-20T14:03:08Z"},
        {"metadata": {}},
        {"latency_ms": 0},
    ],
)
def test_another_under_the_same_id_is_refused_with_all_that_came_with_it(
    world: World, program: Asking, change: dict[str, Any]
) -> None:
    assert taken(send(program, EVENT)) == (1, 0)

    answer = send(program, [EVENT | {"id": "new"}, EVENT | change])

    told = problem(answer, 409)
    assert told["code"] == "event-differs"
    assert EVENT["id"] in told["detail"]
    assert [row.event_id for row in stored(world)] == [EVENT["id"]]
    within = send(program, [EVENT | {"id": "two"}, EVENT | {"id": "two"} | change])
    assert problem(within, 409)["code"] == "event-differs"


def test_an_id_is_one_event_at_whichever_gateway(world: World, program: Asking) -> None:
    with scope.of(world.contoso.ref):
        Gateway.objects.create(
            name="second", usage_source=UsageSource.EVENTS, usage_from=small_world.START
        )
    assert taken(send(program, EVENT)) == (1, 0)

    again = send(program, EVENT | {"gateway": "second"})

    assert problem(again, 409)["code"] == "event-differs"
    assert taken(send(program, EVENT | {"source": "urn:router:eu-2"})) == (1, 0)


def test_a_gateway_with_a_source_of_its_own_takes_none(world: World, program: Asking) -> None:
    answer = send(program, [EVENT, EVENT | {"id": "new", "gateway": "apim-contoso"}])

    told = problem(answer, 409)
    assert told["code"] == "usage-not-pushed"
    assert "sources are never added together" in told["detail"]
    assert not stored(world)


NUMBERS = ["NaN", "Infinity", "-Infinity", "-0", "-1", "1e400", str(2**63), "1.5", "1.0", "1e3",
           '"5"', '"1,000"', '"\\uff15"', "true", "[]", "{}", "9" * 5000]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:20])
@pytest.mark.parametrize("field", ["usage.prompt_tokens", "latency_ms", "quantities.images"])
def test_a_number_that_is_none_is_refused_by_name(
    world: World, program: Asking, field: str, number: str
) -> None:
    outer, _, inner = field.partition(".")
    text = f'{{"{inner}": {number}}}' if inner else number
    told = {name: value for name, value in EVENT.items() if name != outer}
    bad = f'{json.dumps(told)[:-1]}, "{outer}": {text}}}'

    found = faults(send(program, f"[{json.dumps(EVENT)}, {bad}]"))

    assert list(found) == [f"events.1.{field}"]
    assert "Give a whole number from 0 to" in found[f"events.1.{field}"]
    assert len(found[f"events.1.{field}"]) < 200
    assert not stored(world)


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"id": None}, "id", "Give a text"),
        ({"id": " "}, "id", "blank"),
        ({"id": "x" * 129}, "id", "at most 128"),
        ({"id": 7}, "id", "Give a text"),
        ({"source": "a\x00b"}, "source", "control characters"),
        ({"source": "\ud800"}, "source", "surrogate"),
        ({"subscription": "a/b"}, "subscription", "slash"),
        ({"subscription": "x" * 257}, "subscription", "at most 256"),
        ({"gateway": "nowhere"}, "gateway", "no gateway 'nowhere'"),
        ({"time": None}, "time", "offset from UTC"),
        ({"time": "2026-11-20T14:03:07"}, "time", "offset from UTC"),
        ({"time": "2026-02-30T14:03:07Z"}, "time", "offset from UTC"),
        ({"time": "2026-11-20T14:03:60Z"}, "time", "offset from UTC"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time", "offset from UTC"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "time", "offset from UTC"),
        ({"time": "infinity"}, "time", "offset from UTC"),
        ({"time": "\uff12026-11-20T14:03:07Z"}, "time", "offset from UTC"),
        ({"time": 1763647387}, "time", "offset from UTC"),
        ({"time": "2026-11-20T15:20:01Z"}, "time", "has not come yet"),
        ({"time": "2026-08-31T23:59:59Z"}, "time", "taken from 2026-09-01T00:00:00+00:00"),
        ({"status": 99}, "status", "from 100 to 599"),
        ({"status": "200"}, "status", "from 100 to 599"),
        ({"cache_hit": 1}, "cache_hit", "true or false"),
        ({"cache_hit": True}, "usage", "leave usage"),
        ({"streaming": "yes"}, "streaming", "true or false"),
        ({"usage": []}, "usage", "an object"),
        ({"usage": {"prompt_token": 1}}, "usage.prompt_token", "no such field"),
        ({"usage": {"cached_tokens": 2, "prompt_tokens": 1}}, "usage.prompt_tokens", "false"),
        ({"usage": {"reasoning_tokens": 2}}, "usage.completion_tokens", "false"),
        ({"usage": {"prompt_tokens": 2, "total_tokens": 1}}, "usage.total_tokens", "come to 2"),
        ({"usage": {"prompt_includes_cached": 0}}, "usage.prompt_includes_cached", "true or"),
        ({"quantities": {"input": 1}}, "quantities.input", "no such field"),
        ({"metadata": {"team": "x"}}, "metadata.team", "no such field"),
        ({"metadata": {"agent": 5}}, "metadata.agent", "Give a text"),
        ({"tenant_id": 2}, "tenant_id", "no such field"),
        ({"retries": 1_000_001}, "retries", "to 1000000"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_field_is_told_with_what_to_give(
    world: World, program: Asking, change: dict[str, Any], field: str, says: str
) -> None:
    found = faults(send(program, {"events": [EVENT, EVENT | {"id": "new"} | change]}))

    assert list(found) == [f"events.1.{field}"]
    assert says in found[f"events.1.{field}"]
    assert not stored(world)


def test_every_fault_is_told_at_once_and_a_flood_of_them_is_cut(program: Asking) -> None:
    found = faults(send(program, [EVENT | {"time": "now", "status": 1}, 5, EVENT | {"id": ""}]))
    assert list(found) == ["events.0.time", "events.0.status", "events.1", "events.2.id"]
    flood = faults(send(program, [{}] * 100))
    assert len(flood) == 51
    assert flood["events"] == "There are 350 more faults."


@pytest.mark.parametrize(
    ("body", "of", "says"),
    [
        ("", "application/json", "well-formed JSON"),
        ("{", "application/json", "well-formed JSON"),
        (b"\xff\xfe{\x00}\x00", "application/json", "UTF-8"),
        ("\ufeff{}", "application/json", "well-formed JSON"),
        ("[" * 100_000, "application/json", "nested too deep"),
        ('{"a":' * 100_000, "application/json", "nested too deep"),
        ("5", "application/json", "JSON object"),
        ('{"events": {}}', "application/json", "array of events"),
        ('{"events": [], "tenant_id": 1}', "application/json", "no other field"),
        ('{"events": [], "events": []}', "application/json", "no other field"),
        (CLOUD, "application/cloudevents-batch+json", "array of CloudEvents"),
        ([CLOUD], "application/cloudevents+json", "JSON object"),
        (EVENT, "application/cloudevents+json", "Give"),
        (CLOUD | {"type": "other"}, "application/cloudevents+json", "apportion.usage.v1"),
        (CLOUD | {"data": "text"}, "application/cloudevents+json", "JSON object"),
        (CLOUD | {"sampledrate": 10}, "application/cloudevents+json", "no such attribute"),
        (CLOUD | {"datacontenttype": "text/xml"}, "application/cloudevents+json", "leave it out"),
        (
            CLOUD | {"data": CLOUD["data"] | {"id": "x"}},
            "application/cloudevents+json",
            "something else",
        ),
        ([EVENT] * (MOST_EVENTS + 1), "application/json", f"at most {MOST_EVENTS}"),
    ],
)
def test_what_is_no_event_is_refused(
    world: World, program: Asking, body: Any, of: str, says: str
) -> None:
    assert says in " ".join(faults(send(program, body, of)).values())
    assert not stored(world)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('"status": 200, "status": 429', "events.0.status"),
        ('"usage": {"total_tokens": 1, "total_tokens": 1000}', "events.0.usage.total_tokens"),
    ],
)
def test_a_name_given_twice_is_refused(program: Asking, text: str, field: str) -> None:
    without = {name: value for name, value in EVENT.items() if name not in ("usage", "status")}
    found = faults(send(program, f"{json.dumps(without)[:-1]}, {text}}}"))
    assert found == {field: "Give it once."}


def test_a_body_that_is_too_large_is_not_read(world: World, program: Asking) -> None:
    answer = send(program, " " * (MOST_BYTES + 1))
    assert problem(answer, 413)["code"] == "too-large"
    problem(send(program, "a=1", "application/x-www-form-urlencoded"), 415)
    problem(send(program, EVENT, "text/plain"), 415)


def test_as_many_as_may_be_are_taken_at_once(world: World, program: Asking) -> None:
    many = [EVENT | {"id": f"call-{number}", "metadata": {}} for number in range(MOST_EVENTS)]
    assert taken(send(program, json.dumps(many, separators=(",", ":")))) == (MOST_EVENTS, 0)
    assert taken(send(program, [])) == (0, 0)


def test_hours_that_were_let_go_take_none(world: World, program: Asking) -> None:
    with scope.of(world.contoso.ref):
        BillingSettings.objects.update_or_create(
            tenant_id=world.contoso.ref.id, defaults={"usage_kept_from": NOON.date()}
        )
    old = EVENT | {"time": "2026-11-19T22:59:59Z"}
    assert "taken from 2026-11-19T23:00:00" in faults(send(program, old))["events.0.time"]
    assert taken(send(program, EVENT | {"time": "2026-11-19T23:00:00Z"})) == (1, 0)


def test_the_hours_concerned_are_to_be_read_again(world: World, program: Asking) -> None:
    with scope.of(world.contoso.ref):
        gateway = Gateway.objects.get(name=ROUTER)
        windows.lay_out(gateway.pk, since=NOON - timedelta(days=30), at=NOON)
        UsageWindow.objects.filter(gateway=gateway).update(due_at=None)

    late = EVENT | {"time": "2026-10-25T10:59:59.999999999Z"}
    assert taken(send(program, late)) == (1, 0)

    with scope.of(world.contoso.ref):
        due = UsageWindow.objects.filter(gateway__name=ROUTER).exclude(due_at=None)
        assert [row.start for row in due] == [datetime(2026, 10, 25, 10, tzinfo=UTC)]


def test_what_is_told_of_an_unknown_deployment_is_kept_and_nothing_else_changed(
    world: World, program: Asking
) -> None:
    assert taken(send(program, EVENT | {"region": "Sweden Central"})) == (1, 0)
    later = EVENT | {"id": "later", "model": "other", "model_version": "9"}
    assert taken(send(program, [later, EVENT | {"id": "n", "deployment": "x", "host": "H"}])) == (
        2,
        0,
    )

    with scope.of(world.contoso.ref):
        found = Deployment.objects.get(gateway__name=ROUTER, name="gpt-5.2-chat")
        assert (found.model, found.version, found.sku, found.region, found.origin) == (
            "gpt-5.2-chat",
            "2026-01-15",
            "GlobalStandard",
            "swedencentral",
            Origin.USAGE,
        )
        assert Deployment.objects.filter(gateway__name=ROUTER, host="h", name="x").count() == 1


def test_it_takes_the_scope_and_the_role(world: World, program: Asking) -> None:
    without = program("dan", "read:usage").send(HERE, EVENT)
    assert problem(without, 403)["code"] == "missing-scope"
    for name in ("alice", "carol", "vic"):
        assert problem(program(name, "write:usage").send(HERE, EVENT), 403)["code"] == "not-allowed"
    problem(Client().post(f"/api/v1/{HERE}", EVENT, content_type="application/json"), 401)
    problem(program("dan").ask(HERE), 405)
    assert not stored(world)


def test_a_tenants_events_are_its_own(world: World, program: Asking) -> None:
    assert taken(program("mallory").send(HERE, EVENT)) == (1, 0)
    assert not stored(world)
    assert taken(send(program, EVENT | {"usage": {}})) == (1, 0)
    theirs = program("mallory").send(HERE, EVENT | {"id": "x", "gateway": "apim-contoso"})
    assert "no gateway" in faults(theirs)["events.0.gateway"]
