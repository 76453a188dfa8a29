"""Notifications through the API: what one was told, how, and the endpoints of one's team."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from governance.models import Delivery, Endpoint
from governance.rules.topics import FOR_PEOPLE
from portal.api import notifications_examples as shown
from tenancy import scope
from tests.api.conftest import Program, problem
from tests.api.test_schema import _shape
from tests.world import World

Asking = Callable[..., Program]
ROOT = "notification-endpoints/"
URL = "https://52.112.0.1/hooks/private-part"
NEW = {
    "name": "Alerts",
    "kind": "webhook",
    "team": "search",
    "url": URL,
    "topics": ["subscription-suspended"],
}


def added(program: Asking, who: str = "alice", **more: Any) -> dict[str, Any]:
    answer = program(who).send(ROOT, NEW | more)
    assert answer.status_code == 200, answer.content
    assert b"private-part" not in answer.content
    row: dict[str, Any] = answer.json()
    return row


def test_the_examples_look_like_the_answers(world: World, program: Asking) -> None:
    asking = program("erin")
    made = added(program)
    assert _shape(made) == _shape(shown.ADDED)
    (row,) = [one for one in asking.all(ROOT) if one["id"] == made["id"]]
    assert _shape(row) == _shape(shown.ENDPOINT)
    acted = program("alice").send(f"{ROOT}{made['id']}/act/", {"act": "rotate"}).json()
    assert _shape(acted) == _shape(shown.DONE)
    webhook = next(one for one in asking.all("deliveries/") if one["endpoint"])
    assert _shape(webhook | {"team": "search"}) == _shape(shown.DELIVERY)
    assert _shape(program("bob").all("notifications/")[0]) == _shape(shown.NOTICE)
    wishes = asking.read("notification-preferences/")
    assert _shape(wishes) == _shape(shown.PREFERENCES)


def test_what_one_was_told_is_read_and_marked(world: World, program: Asking) -> None:
    bob = program("bob")
    (notice,) = bob.all("notifications/", unread="true")
    assert notice["title"] == "Key of support was suspended"
    assert notice["link"] == "/t/contoso/teams/support/"
    assert program("erin").all("notifications/") == []
    others = program("erin").send("notifications/read/", {"notices": [notice["id"]]})
    assert others.json() == {"read": 0}
    assert bob.send("notifications/read/", {"notices": [notice["id"]]}).json() == {"read": 1}
    assert bob.send("notifications/read/", {}).json() == {"read": 0}
    assert bob.all("notifications/", unread="true") == []
    assert bob.all("notifications/")[0]["read_at"]


def test_preferences_are_chosen_by_topic(program: Asking) -> None:
    wanted = {"topic": "quota-forecast", "inbox": False, "email": "off"}
    answer = program("alice").send("notification-preferences/", {"topics": [wanted]})
    assert answer.status_code == 200
    rows = {
        row["topic"]: row for row in program("alice").read("notification-preferences/")["topics"]
    }
    assert len(rows) == len(FOR_PEOPLE)
    assert (rows["quota-forecast"]["inbox"], rows["quota-forecast"]["email"]) == (False, "off")
    assert rows["request-moved"]["inbox"] is True


def test_an_endpoint_is_added_changed_tried_and_removed(world: World, program: Asking) -> None:
    alice = program("alice")
    made = added(program)
    place = f"{ROOT}{made['id']}/"
    changed = alice.send(
        place, {"name": "Renamed", "topics": ["quota-forecast"], "active": False}
    ).json()
    assert (changed["name"], changed["active"]) == ("Renamed", False)
    with scope.of(world.contoso.ref):
        assert Endpoint.objects.get(pk=made["id"]).url == URL
    assert alice.send(f"{place}act/", {"act": "test"}).json() == {"act": "test", "secret": None}
    with scope.of(world.contoso.ref):
        assert Delivery.objects.get(endpoint=made["id"]).notice.topic == "test"
    second = alice.send(f"{place}act/", {"act": "rotate"}).json()["secret"]
    assert second.startswith("whsec_")
    assert second != made["secret"]
    assert alice.send(f"{place}act/", {"act": "remove"}).status_code == 200
    problem(alice.send(f"{place}act/", {"act": "remove"}), 404)


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "http://52.112.0.1/"}, "url"),
        ({"topics": ["test"]}, "topics.0"),
        ({"topics": []}, "topics"),
        ({"kind": "pigeon"}, "kind"),
        ({"team": "nowhere"}, "team"),
        ({"team": "support"}, "team"),
        ({"generation": 7}, "generation"),
        ({"set_by": "erin@example.org"}, "set_by"),
    ],
)
def test_a_faulty_endpoint_names_the_field(
    program: Asking, fault: dict[str, Any], field: str
) -> None:
    told = problem(program("alice").send(ROOT, NEW | fault), 400)
    assert field in {one["field"] for one in told["errors"]}


def test_it_takes_the_scope_the_part_and_the_tenant(world: World, program: Asking) -> None:
    made = added(program)
    place = f"{ROOT}{made['id']}/act/"
    reading = program("alice", "read:notifications")
    assert problem(reading.send(ROOT, NEW), 403)["code"] == "missing-scope"
    assert problem(reading.send("notifications/read/", {}), 403)["code"] == "missing-scope"
    for name in ("carol", "vic", "dan"):
        assert problem(program(name).send(place, {"act": "rotate"}), 403)["code"] == "not-allowed"
    for name in ("bob", "mallory"):
        problem(program(name).send(place, {"act": "rotate"}), 404)
        problem(program(name).send(f"{ROOT}{made['id']}/", {}), 404)
    assert problem(program("alice").send(ROOT, NEW | {"team": None}), 403)["code"] == "not-allowed"
    assert problem(program("alice").ask("deliveries/"), 403)["code"] == "not-allowed"
    assert made["id"] not in {row["id"] for row in program("bob").all(ROOT)}


def test_the_log_is_filtered(program: Asking) -> None:
    dan = program("dan")
    assert {row["channel"] for row in dan.all("deliveries/")} == {"webhook", "email"}
    mails = dan.all("deliveries/", channel="email", state="sent")
    assert [row["person"] for row in mails] == ["bob@example.org"]
    assert dan.all("deliveries/", topic="test") == []
    problem(dan.ask("deliveries/", channel="inbox"), 400)
