"""The key of a new subscription: to whom it belongs, once, and nowhere else."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.db import connection

from connectors.failures import ConnectorError
from governance.front_door import applying, handover, timeline
from governance.front_door.handover import (
    AlreadyHandedOver,
    GoneElsewhere,
    HandedOver,
    NoKey,
    NotForYou,
    NothingHandedOver,
)
from governance.models import RequestKind
from inventory import ownership
from inventory.models import Subscription, Team
from inventory.ownership import Attribution
from tenancy import memberships, scope
from tenancy.access import Actor, NotAllowed
from tenancy.models import Person
from tenancy.refusals import NotFound
from tenancy.runs import Busy, Contention
from tests.azure import AT
from tests.flows.approved import approved, told
from tests.flows.forks import struck, until
from tests.flows.steps import Steps, everything, rows
from tests.world import Browser

NUMBER = 9
PAGE = f"/t/contoso/requests/{NUMBER}/key/"
KEY = re.compile(r"\b[0-9a-f]{32}\b")


def actor(tenant: Steps, name: str) -> Actor:
    with scope.of(tenant.ref):
        return memberships.actor(Person.objects.get(email=f"{name}@contoso.example"))


def browser(name: str) -> Browser:
    return Browser(Person.objects.get(email=f"{name}@contoso.example"))


def take(tenant: Steps, name: str = "alice") -> HandedOver:
    return handover.hand_over(actor(tenant, name), NUMBER, at=AT)


def called(tenant: Steps, key: str) -> int:
    """What the gateway answers to a call with a key."""
    deployment = tenant.simulated.account.deployments[-1].name
    path = f"/gateways/{tenant.gateway}/inference/openai/deployments/{deployment}/chat/completions"
    trusted = ssl.create_default_context(cafile=tenant.azure.ca_bundle)
    body = {"messages": [{"role": "user", "content": "How are you?"}], "max_tokens": 5}
    with httpx.Client(base_url=tenant.azure.url, verify=trusted) as client:
        return client.post(path, headers={"api-key": key}, json=body).status_code


def stored() -> str:
    """All that the database holds."""
    return "".join(line for table in everything().values() for line in table)


@pytest.fixture
def made(contoso: Steps) -> Steps:
    """Contoso, where Alice's new subscription has been made."""
    approved(
        contoso,
        NUMBER,
        RequestKind.SUBSCRIPTION,
        product="silver",
        display_name="Shelf search",
    )
    (done,) = applying.apply(contoso.ref, at=AT, contention=Contention.TAKE_OVER)
    assert done.outcome is applying.Outcome.APPLIED
    contoso.azure.control.delete("/requests")
    return contoso


def new_one(tenant: Steps) -> Subscription:
    with scope.of(tenant.ref):
        found: Subscription = Subscription.objects.select_related("gateway").get(
            name__startswith="contoso-9-"
        )
        return found


def test_the_key_works_and_is_nowhere_else(made: Steps, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    known = made.azure.get("/setting")["tenants"][0]["subscriptions"]
    (before,) = (one["key"] for one in known if one["name"] == new_one(made).name)

    taken = take(made)

    key = taken.key.reveal()
    assert KEY.fullmatch(key)
    assert called(made, key) == 200
    assert called(made, before) == 401
    assert caplog.records
    assert key not in caplog.text
    assert key not in repr(taken)
    held = stored()
    assert "Shelf search" in held
    assert key not in held
    assert not made.azure.requests("listSecrets")
    kinds = [kind for kind, _ in told(made, NUMBER)]
    assert kinds == ["applied", "handed_over"]


def test_a_second_time_is_refused_and_names_the_way_out(made: Steps) -> None:
    take(made)
    made.azure.control.delete("/requests")
    with pytest.raises(AlreadyHandedOver, match="an administrator can allow it once more"):
        take(made)
    assert made.azure.requests(made.gateway) == []


def test_an_administrator_allows_it_once_more(made: Steps) -> None:
    with scope.of(made.ref), pytest.raises(NothingHandedOver):
        handover.allow_again(actor(made, "erin"), NUMBER, at=AT, reason="Too early.")
    first = take(made)
    for name in ("alice", "carol", "dan"):
        with scope.of(made.ref), pytest.raises(NotAllowed):
            handover.allow_again(actor(made, name), NUMBER, at=AT, reason="Lost.")
    with scope.of(made.ref):
        handover.allow_again(actor(made, "erin"), NUMBER, at=AT, reason="Lost.")

    second = take(made)

    assert called(made, second.key.reveal()) == 200
    assert called(made, first.key.reveal()) == 401
    assert told(made, NUMBER)[1:] == [
        ("handed_over", ""),
        ("key_again", "Lost."),
        ("handed_over", ""),
    ]
    with pytest.raises(AlreadyHandedOver):
        take(made)


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("bob", NotFound), ("carol", NotForYou), ("dan", NotForYou), ("erin", NotForYou)],
)
def test_the_key_is_for_nobody_else(made: Steps, name: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        take(made, name)
    assert made.azure.requests(made.gateway) == []
    assert rows("SELECT count(*) FROM tenancy_run WHERE step = 'hand_over_key'") == [(0,)]
    assert called(made, take(made, "alice").key.reveal()) == 200


def test_a_subscription_that_went_to_another_team_gives_no_key(made: Steps) -> None:
    with scope.of(made.ref):
        ownership.assign(
            new_one(made),
            Attribution(Team.objects.get(slug="support")),
            from_day=AT.date(),
            by="erin",
            at=AT,
            closed=(),
        )
    with pytest.raises(GoneElsewhere, match="no longer Search Platform's"):
        take(made)
    assert made.azure.requests(made.gateway) == []


def test_what_is_not_applied_gives_no_key(contoso: Steps) -> None:
    approved(contoso, NUMBER, RequestKind.SUBSCRIPTION, product="silver")
    with pytest.raises(NoKey):
        take(contoso)


@pytest.mark.parametrize("kind", ["status", "truncate"])
def test_a_gateway_that_fails_gives_nothing_out_and_it_can_be_asked_again(
    made: Steps, kind: str
) -> None:
    path = f"{made.simulated.service_id}/subscriptions/"
    made.azure.fault(kind, path, method="PATCH", status=500)
    with pytest.raises(ConnectorError):
        take(made)
    assert [event for event, _ in told(made, NUMBER)] == ["applied"]
    assert called(made, take(made).key.reveal()) == 200


def test_a_change_in_between_is_read_again(made: Steps) -> None:
    made.azure.fault("etag_race", f"{made.simulated.service_id}/subscriptions/", method="PATCH")
    assert called(made, take(made).key.reveal()) == 200
    assert [one["status"] for one in made.azure.requests(made.gateway, "PATCH")] == [412, 200]


def test_of_two_who_take_it_at_once_one_gets_a_key_that_works(made: Steps) -> None:
    path = f"{made.simulated.service_id}/subscriptions/"
    made.azure.fault("latency", path, method="PATCH", seconds=2)

    def closing(act: Callable[[], HandedOver]) -> HandedOver:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(closing, lambda: take(made))
        until(lambda: struck(made.azure))
        with pytest.raises(Busy):
            take(made)
        assert called(made, first.result().key.reveal()) == 200
    assert len(made.azure.requests(made.gateway, "PATCH")) == 1


# --- the page ------------------------------------------------------------------------------------


def test_the_page_shows_the_key_once_and_is_never_kept(made: Steps) -> None:
    alice = browser("alice")
    looked = alice.get(PAGE)
    assert looked.status_code == 200
    assert b"Make and show the key" in looked.content
    assert not KEY.search(looked.content.decode())
    assert made.azure.requests(made.gateway) == []

    taken = alice.post(PAGE)

    (key,) = set(KEY.findall(taken.content.decode()))
    assert called(made, key) == 200
    assert "no-store" in taken["Cache-Control"]
    assert key not in stored()
    again = alice.get(PAGE)
    assert b"Handed over to alice@contoso.example" in again.content
    assert key not in again.content.decode()
    assert alice.post(PAGE).status_code == 409


def test_the_page_calls_the_gateway_in_no_transaction(made: Steps) -> None:
    path = f"{made.simulated.service_id}/subscriptions/"
    made.azure.fault("latency", path, method="PATCH", seconds=2)
    idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%' AND %s"

    def posted() -> int:
        try:
            return browser("alice").post(PAGE).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(posted)
        until(lambda: struck(made.azure))
        assert rows(idle, True) == [(0,)]
        assert answer.result() == 200


def test_the_page_tells_others_whose_it_is_and_a_failure_in_the_frame(made: Steps) -> None:
    assert b"The key is for Alice Weber" in browser("carol").get(PAGE).content
    assert browser("carol").post(PAGE).status_code == 403
    assert browser("bob").get(PAGE).status_code == 404
    assert browser("bob").post(PAGE).status_code == 404
    path = f"{made.simulated.service_id}/subscriptions/"
    made.azure.fault("status", path, method="PATCH", status=403)
    failed = browser("alice").post(PAGE)
    assert failed.status_code == 502
    assert b"Alice Weber" in failed.content


def test_a_form_of_another_site_takes_nothing(made: Steps) -> None:
    alice = browser("alice")
    alice.handler.enforce_csrf_checks = True
    refused = alice.post(PAGE)
    assert refused.status_code == 403
    assert b"came from another site" in refused.content
    assert made.azure.requests(made.gateway) == []


def test_the_timeline_says_to_whom(made: Steps) -> None:
    take(made)
    with scope.of(made.ref):
        (event,) = timeline_of(made, "handed_over")
    assert event == ("alice@contoso.example", AT)


def timeline_of(tenant: Steps, kind: str) -> list[tuple[str, object]]:
    alice = actor(tenant, "alice")
    request = handover.waiting(alice, NUMBER).request
    return [(one.by, one.at) for one in timeline.of(alice, request) if one.kind == kind]
