"""What was approved comes about: at the gateway, in the inventory, and on the request, once."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from governance.front_door import applying
from governance.front_door.applying import Done, NotFailed, Outcome
from governance.models import Mode, QuotaRequest, RequestKind
from inventory import ownership
from inventory.models import Subscription
from tenancy import memberships, scope
from tenancy.access import Actor, NotAllowed
from tenancy.models import Person
from tenancy.runs import Contention
from tests.azure import AT
from tests.flows.approved import approved, stands, told
from tests.flows.forks import Commands, struck, until
from tests.flows.steps import Steps, everything, rows

TINY = "0.0001"
INCREASE, TIER = RequestKind.INCREASE, RequestKind.TIER
NEW, REACTIVATION = RequestKind.SUBSCRIPTION, RequestKind.REACTIVATION
WANTED = {
    "product": "silver",
    "display_name": "Shelf search",
    "environment": "test",
    "application": "shelf-search",
}


def apply(tenant: Steps, *, at: datetime = AT) -> tuple[Done, ...]:
    return applying.apply(tenant.ref, at=at, contention=Contention.TAKE_OVER)


def outcomes(done: tuple[Done, ...]) -> dict[int, Outcome]:
    return {one.number: one.outcome for one in done}


def writes(tenant: Steps, method: str) -> list[dict[str, object]]:
    return tenant.azure.requests(tenant.gateway, method)


def address(tenant: Steps, name: str) -> str:
    return f"{tenant.simulated.service_id}/subscriptions/{name}"


def held(tenant: Steps, name: str) -> Subscription:
    with scope.of(tenant.ref):
        found: Subscription = Subscription.objects.select_related("product", "gateway").get(
            name=name
        )
        return found


def at_gateway(tenant: Steps) -> dict[str, dict[str, str]]:
    """By name, the subscriptions that the gateway has."""
    (known,) = (
        one
        for one in tenant.azure.get("/setting")["tenants"]
        if one["service"]["name"] == tenant.gateway
    )
    return {one["name"]: one for one in known["subscriptions"]}


def actor(tenant: Steps, name: str) -> Actor:
    with scope.of(tenant.ref):
        return memberships.actor(Person.objects.get(email=f"{name}@contoso.example"))


@pytest.fixture
def quiet(contoso: Steps) -> Steps:
    contoso.azure.control.delete("/requests")
    return contoso


# --- tier ----------------------------------------------------------------------------------------


def test_a_tier_is_set_at_the_gateway_and_recorded(quiet: Steps) -> None:
    approved(quiet, 7, TIER, subscription="subscription4", product="gold")

    assert outcomes(apply(quiet)) == {7: Outcome.APPLIED}

    (patch,) = writes(quiet, "PATCH")
    assert json.loads(str(patch["body"])) == {"properties": {"scope": "/products/gold"}}
    assert patch["if_match"] not in (None, "*")
    assert at_gateway(quiet)["subscription4"]["product"] == "gold"
    assert str(held(quiet, "subscription4").product) == "Gold"
    assert stands(quiet, 7) == ("applied", "", 1)
    assert told(quiet, 7) == [("applied", "It is a subscription of gold now.")]


def test_twice_is_once(quiet: Steps) -> None:
    approved(quiet, 7, TIER, subscription="subscription4", product="gold")
    apply(quiet)
    quiet.azure.control.delete("/requests")

    assert apply(quiet) == ()

    assert quiet.azure.requests(quiet.gateway) == []
    assert len(told(quiet, 7)) == 1
    assert rows("SELECT count(*) FROM tenancy_run WHERE step = 'apply_requests'") == [(1,)]


def test_somebody_elses_change_in_between_is_read_again(quiet: Steps) -> None:
    approved(quiet, 7, TIER, subscription="subscription4", product="gold")
    quiet.azure.fault("etag_race", address(quiet, "subscription4"), method="PATCH")

    assert outcomes(apply(quiet)) == {7: Outcome.APPLIED}
    assert [patch["status"] for patch in writes(quiet, "PATCH")] == [412, 200]


def test_a_write_that_the_gateway_forgot_is_not_called_applied(quiet: Steps) -> None:
    approved(quiet, 7, TIER, subscription="subscription4", product="gold")
    quiet.azure.fault("drop_write", address(quiet, "subscription4"), method="PATCH")

    (done,) = apply(quiet)
    assert done.outcome is Outcome.LATER
    assert "found with silver right after gold was set" in done.says
    assert outcomes(apply(quiet, at=AT + timedelta(minutes=1))) == {7: Outcome.APPLIED}


def test_what_passes_is_tried_again_later_and_later(quiet: Steps) -> None:
    approved(quiet, 7, TIER, subscription="subscription4", product="gold")
    path = address(quiet, "subscription4")
    quiet.azure.fault("status", path, method="PATCH", status=500, times=2)

    assert outcomes(apply(quiet)) == {7: Outcome.LATER}
    state, error, tries = stands(quiet, 7)
    assert (state, tries) == ("approved", 1)
    assert "answered 500" in error
    assert told(quiet, 7) == []
    assert apply(quiet, at=AT + timedelta(seconds=59)) == ()
    second = AT + timedelta(minutes=1)
    assert outcomes(apply(quiet, at=second)) == {7: Outcome.LATER}
    assert apply(quiet, at=second + timedelta(seconds=119)) == ()
    assert outcomes(apply(quiet, at=second + timedelta(minutes=2))) == {7: Outcome.APPLIED}
    assert stands(quiet, 7) == ("applied", "", 3)


def test_what_needs_a_person_fails_and_is_put_back_by_one(quiet: Steps) -> None:
    request = approved(quiet, 7, TIER, subscription="subscription4", product="gold")
    path = address(quiet, "subscription4")
    quiet.azure.fault("status", path, method="PATCH", status=403)

    assert outcomes(apply(quiet)) == {7: Outcome.FAILED}
    state, error, _ = stands(quiet, 7)
    assert state == "failed"
    assert "Assign the role in Azure" in error
    assert told(quiet, 7) == [("failed", error)]
    assert apply(quiet) == ()

    with scope.of(quiet.ref), pytest.raises(NotAllowed):
        applying.again(actor(quiet, "alice"), request, at=AT)
    with scope.of(quiet.ref):
        applying.again(actor(quiet, "carol"), request, at=AT)
    with scope.of(quiet.ref), pytest.raises(NotFailed, match="Request 7 is approved"):
        applying.again(actor(quiet, "carol"), request, at=AT)
    assert outcomes(apply(quiet)) == {7: Outcome.APPLIED}
    assert [kind for kind, _ in told(quiet, 7)] == ["failed", "again", "applied"]


def test_one_that_fails_does_not_hold_up_the_next(quiet: Steps) -> None:
    approved(quiet, 7, TIER, subscription="subscription4", product="gold")
    approved(quiet, 8, TIER, subscription="subscription1", product="gold")
    path = address(quiet, "subscription4")
    quiet.azure.fault("status", path, method="GET", status=404)

    assert outcomes(apply(quiet)) == {7: Outcome.FAILED, 8: Outcome.APPLIED}


# --- a new subscription --------------------------------------------------------------------------


def test_a_new_subscription_is_made_and_is_the_teams_from_today(quiet: Steps) -> None:
    approved(quiet, 9, NEW, **WANTED)

    (done,) = apply(quiet)

    assert done.outcome is Outcome.APPLIED
    with scope.of(quiet.ref):
        made = QuotaRequest.objects.select_related("subscription__product").get(number=9)
        new = made.subscription
        assert new is not None
        owner = ownership.on(new, AT.date())
        assert ownership.on(new, AT.date() - timedelta(days=1)) is None
    assert new.name.startswith("contoso-9-")
    assert (str(new.product), new.display_name, new.state, new.origin) == (
        "Silver",
        "Shelf search",
        "active",
        "inventory",
    )
    assert owner is not None
    assert (owner.team and owner.team.slug, owner.environment, owner.application) == (
        "search",
        "test",
        "shelf-search",
    )
    assert at_gateway(quiet)[new.name]["state"] == "active"
    assert told(quiet, 9) == [("applied", f"Subscription {new.name} of silver is made.")]


def test_the_key_that_the_gateway_made_is_nowhere_in_the_database(quiet: Steps) -> None:
    approved(quiet, 9, NEW, **WANTED)
    apply(quiet)
    (key,) = (one["key"] for name, one in at_gateway(quiet).items() if "-9-" in name)
    held = "".join(line for table in everything().values() for line in table)
    assert "Shelf search" in held
    assert key not in held


def test_an_answer_that_was_lost_makes_no_second_subscription(quiet: Steps) -> None:
    before = set(at_gateway(quiet))
    approved(quiet, 9, NEW, **WANTED)
    quiet.azure.fault("truncate", address(quiet, ""), method="PUT")

    assert outcomes(apply(quiet)) == {9: Outcome.LATER}
    quiet.inventory()  # finds it, as nobody's
    assert outcomes(apply(quiet, at=AT + timedelta(minutes=1))) == {9: Outcome.APPLIED}

    assert len(set(at_gateway(quiet)) - before) == 1
    assert len(writes(quiet, "PUT")) == 1
    assert rows("SELECT count(*) FROM inventory_subscription WHERE name LIKE 'contoso-9-%%'") == [
        (1,)
    ]


# --- reactivation --------------------------------------------------------------------------------


def test_what_a_person_suspended_is_served_again(quiet: Steps) -> None:
    path = f"/subscriptions/{quiet.gateway}/subscription1"
    quiet.azure.post(path, {"state": "suspended", "comment": "by hand"})
    approved(quiet, 5, REACTIVATION, subscription="subscription1")

    assert outcomes(apply(quiet)) == {5: Outcome.APPLIED}

    assert quiet.state("subscription1") == "active"
    assert held(quiet, "subscription1").state == "active"
    assert told(quiet, 5) == [("applied", "It is served again.")]


def test_what_a_hard_limit_holds_back_is_not_served_again_and_says_which(quiet: Steps) -> None:
    quiet.limit("subscription4", TINY)
    quiet.enforce()
    approved(quiet, 5, REACTIVATION, subscription="subscription4")

    assert outcomes(apply(quiet)) == {5: Outcome.FAILED}

    assert quiet.state("subscription4") == "suspended"
    _, error, _ = stands(quiet, 5)
    assert error.startswith("subscription4 is not served again: the limit of this subscription is")
    assert "of 0.00 USD, estimated, in the month" in error


def test_what_apportion_suspended_is_served_again_within_a_higher_limit(quiet: Steps) -> None:
    quiet.limit("subscription4", TINY)
    quiet.enforce()
    quiet.limit("subscription4", "1000")
    approved(quiet, 5, REACTIVATION, subscription="subscription4")

    assert outcomes(apply(quiet)) == {5: Outcome.APPLIED}

    assert quiet.state("subscription4") == "active"
    lifted = "SELECT lifted_because FROM governance_suspension WHERE tenant_id = %s"
    assert rows(lifted, quiet.ref.id) == [("Request 5 was approved",)]
    assert quiet.enforce() == ()


def test_what_was_cancelled_stays_so(quiet: Steps) -> None:
    quiet.azure.post(f"/subscriptions/{quiet.gateway}/subscription1", {"state": "cancelled"})
    approved(quiet, 5, REACTIVATION, subscription="subscription1")

    assert outcomes(apply(quiet)) == {5: Outcome.FAILED}
    assert "subscription1 is cancelled at the gateway" in stands(quiet, 5)[1]


# --- limits --------------------------------------------------------------------------------------


def test_more_is_applied_at_once_where_nothing_is_suspended(quiet: Steps) -> None:
    approved(quiet, 3, INCREASE, subscription="subscription1")

    assert outcomes(apply(quiet)) == {3: Outcome.APPLIED}
    assert told(quiet, 3) == [("applied", "The limit is changed.")]
    assert quiet.azure.requests(quiet.gateway) == []


def test_more_is_applied_once_what_was_suspended_is_served_again(quiet: Steps) -> None:
    quiet.limit("subscription4", TINY)
    quiet.enforce()
    approved(quiet, 3, INCREASE, subscription="subscription4", more="1000")

    (done,) = apply(quiet)
    assert done.outcome is Outcome.LATER
    assert stands(quiet, 3) == (
        "approved",
        "The limit is changed; subscription4 is served again in a moment.",
        0,
    )
    quiet.enforce()
    assert outcomes(apply(quiet)) == {3: Outcome.APPLIED}
    assert quiet.state("subscription4") == "active"


def test_more_that_is_not_enough_says_which_limit_still_holds(quiet: Steps) -> None:
    quiet.limit("subscription4", TINY)
    quiet.enforce()
    approved(quiet, 3, INCREASE, team="search", more="0.0001", subscription="subscription4")

    (done,) = apply(quiet)
    assert done.outcome is Outcome.APPLIED
    assert done.says.startswith(
        "The limit is changed. subscription4 stays suspended: the limit of this subscription is"
    )


def test_a_dry_run_is_the_reason_why_more_changes_nothing_yet(quiet: Steps) -> None:
    quiet.limit("subscription4", TINY)
    quiet.enforce()
    quiet.guard(mode=Mode.DRY_RUN)
    approved(quiet, 3, INCREASE, subscription="subscription4", more="1000")

    (done,) = apply(quiet)
    assert done.outcome is Outcome.APPLIED
    assert "subscription4 stays suspended: enforcement is dry run" in done.says


# --- killed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "method", "after"),
    [
        (TIER, "GET", 0),
        (TIER, "PATCH", 0),
        (TIER, "GET", 1),  # it has been changed, and is read back
        (NEW, "GET", 0),
        (NEW, "PUT", 0),
    ],
)
def test_a_cycle_that_is_killed_is_finished_by_the_next(
    quiet: Steps, commands: Commands, kind: RequestKind, method: str, after: int
) -> None:
    wanted = WANTED if kind is NEW else {"subscription": "subscription4", "product": "gold"}
    before = set(at_gateway(quiet))
    approved(quiet, 7, kind, **wanted)
    path = f"{quiet.simulated.service_id}/subscriptions/"
    quiet.azure.fault("latency", path, method=method, seconds=60, after=after)

    command = commands.start("apply_requests", "--tenant", "contoso")
    until(lambda: struck(quiet.azure))
    command.kill()
    quiet.azure.forgive()
    assert stands(quiet, 7)[0] == "approved"

    again = commands.run("apply_requests", "--tenant", "contoso")
    assert again.wait() == 0, again.text
    assert stands(quiet, 7)[0] == "applied"
    assert len(told(quiet, 7)) == 1
    assert len(set(at_gateway(quiet)) - before) == (kind is NEW)
    wanted_runs = "SELECT outcome FROM tenancy_run WHERE step = 'apply_requests' ORDER BY id"
    assert [outcome for (outcome,) in rows(wanted_runs)] == ["superseded", "succeeded"]


def test_no_connection_to_the_gateway_is_made_inside_a_transaction(
    quiet: Steps, commands: Commands
) -> None:
    approved(quiet, 7, TIER, subscription="subscription4", product="gold")
    path = address(quiet, "subscription4")
    quiet.azure.fault("latency", path, method="PATCH", seconds=60)
    command = commands.start("apply_requests", "--tenant", "contoso")
    until(lambda: struck(quiet.azure))
    open_ones = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%'"
    assert rows(f"{open_ones} AND datname = current_database() AND %s", True) == [(0,)]
    command.kill()


def test_one_tenants_requests_are_not_the_others(contoso: Steps, fabrikam: Steps) -> None:
    approved(contoso, 7, TIER, subscription="subscription4", product="gold")
    assert apply(fabrikam) == ()
    assert stands(contoso, 7)[0] == "approved"
