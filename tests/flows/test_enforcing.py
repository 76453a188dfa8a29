"""Enforcement over the wire: it suspends what is over its quota, and nothing else, once."""

from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from governance.enforcement import Done, TooManySuspensions
from governance.limits import quotas
from governance.limits.quotas import Wanted
from governance.models import ActionOutcome, Mode, Unit
from governance.rules.spans import Every
from inventory.models import Owner, Subscription, Team
from tenancy import scope
from tests.azure import AT
from tests.flows.forks import Commands, struck, until
from tests.flows.steps import Steps, rows

BERLIN_MIDNIGHT = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
KOLKATA_MIDNIGHT = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
TINY = "0.0001"


def outcomes(done: tuple[Done, ...]) -> dict[str, ActionOutcome]:
    return {one.decided.name: one.outcome for one in done}


def patches(tenant: Steps) -> list[dict[str, Any]]:
    """The changes that reached the gateway's management, oldest first."""
    return tenant.azure.requests(tenant.gateway, "PATCH")


def address(tenant: Steps, name: str) -> str:
    """The management path of a subscription."""
    return f"{tenant.simulated.service_id}/subscriptions/{name}"


def called(tenant: Steps, name: str) -> int:
    """What the gateway answers to a call with a subscription's key."""
    known = {row.name: row.key for row in tenant.simulated.subscriptions}
    deployment = tenant.simulated.account.deployments[-1].name
    path = f"/gateways/{tenant.gateway}/inference/openai/deployments/{deployment}/chat/completions"
    trusted = ssl.create_default_context(cafile=tenant.azure.ca_bundle)
    body = {"messages": [{"role": "user", "content": "How are you?"}], "max_tokens": 5}
    with httpx.Client(base_url=tenant.azure.url, verify=trusted) as client:
        return client.post(path, headers={"api-key": known[name]}, json=body).status_code


def actions(tenant: Steps) -> list[tuple[str, str, str]]:
    return rows(
        "SELECT subscription.name, action.verb, action.outcome FROM governance_action action"
        "  JOIN inventory_subscription subscription ON subscription.id = action.subscription_id"
        " WHERE action.tenant_id = %s ORDER BY action.id",
        tenant.ref.id,
    )


def open_suspensions(tenant: Steps) -> list[tuple[str, str, dict[str, Any]]]:
    return rows(
        "SELECT subscription.name, suspension.reason, suspension.evidence"
        "  FROM governance_suspension suspension"
        "  JOIN inventory_subscription subscription"
        "    ON subscription.id = suspension.subscription_id"
        " WHERE suspension.tenant_id = %s AND suspension.lifted_at IS NULL ORDER BY 1",
        tenant.ref.id,
    )


@pytest.fixture
def over(contoso: Steps) -> Steps:
    """Contoso, where subscription4 has spent more than its quota and nobody else has."""
    contoso.limit("subscription4", TINY)
    return contoso


@pytest.fixture
def suspended(over: Steps) -> Steps:
    """The same after one cycle."""
    assert outcomes(over.enforce()) == {"subscription4": ActionOutcome.DONE}
    over.azure.control.delete("/requests")
    return over


def test_only_the_one_over_its_quota_is_suspended_and_its_key_refused(over: Steps) -> None:
    assert (called(over, "subscription4"), called(over, "subscription1")) == (200, 200)

    assert outcomes(over.enforce()) == {"subscription4": ActionOutcome.DONE}

    assert (called(over, "subscription4"), called(over, "subscription1")) == (401, 200)
    states = {row.name: over.state(row.name) for row in over.simulated.subscriptions}
    assert states == {
        "subscription1": "active",
        "subscription2": "active",
        "subscription3": "active",
        "subscription4": "suspended",
    }


def test_a_second_cycle_changes_nothing_and_asks_the_gateway_nothing(suspended: Steps) -> None:
    assert suspended.enforce() == ()
    assert suspended.azure.requests(suspended.gateway) == []
    assert actions(suspended) == [("subscription4", "suspend", "done")]


def test_the_evidence_tells_what_the_decision_rested_on(suspended: Steps) -> None:
    ((name, reason, evidence),) = open_suspensions(suspended)

    assert (name, reason) == ("subscription4", "its hard quota is reached")
    assert evidence["cost"] == f"{suspended.spent()['subscription4']:f}"
    assert evidence["limit"] == "0.0001"
    assert (evidence["currency"], evidence["period"], evidence["basis"]) == (
        "USD",
        "2026-11",
        "estimated",
    )
    assert datetime.fromisoformat(evidence["usage_through"]) == AT
    assert datetime.fromisoformat(evidence["crossed_in_hour_of"]) < AT


def test_the_change_is_made_with_the_version_that_was_seen_and_says_why(over: Steps) -> None:
    over.enforce()

    (patch,) = patches(over)
    assert patch["path"].endswith("/subscriptions/subscription4")
    assert patch["if_match"] not in (None, "*")
    wanted = json.loads(patch["body"])["properties"]
    assert wanted["state"] == "suspended"
    assert "its hard quota is reached" in wanted["stateComment"]


def test_somebody_elses_change_in_between_is_read_again(over: Steps) -> None:
    over.azure.fault("etag_race", address(over, "subscription4"), method="PATCH")

    assert outcomes(over.enforce()) == {"subscription4": ActionOutcome.DONE}

    assert [patch["status"] for patch in patches(over)] == [412, 200]
    assert over.state("subscription4") == "suspended"


def test_a_change_that_never_stops_racing_fails_and_the_next_cycle_mends_it(over: Steps) -> None:
    over.azure.fault("etag_race", address(over, "subscription4"), method="PATCH", times=2)

    assert outcomes(over.enforce()) == {"subscription4": ActionOutcome.FAILED}
    assert over.state("subscription4") == "active"
    assert outcomes(over.enforce()) == {"subscription4": ActionOutcome.DONE}


def test_an_answer_that_changed_nothing_is_not_believed(over: Steps) -> None:
    over.azure.fault("drop_write", address(over, "subscription4"), method="PATCH")

    over.enforce()
    over.enforce()

    assert over.state("subscription4") == "suspended"
    assert len(patches(over)) == 2


def test_what_a_person_suspended_is_left_alone(contoso: Steps) -> None:
    contoso.azure.post(f"/subscriptions/{contoso.gateway}/subscription2", {"state": "suspended"})
    contoso.inventory()

    assert contoso.enforce() == ()

    assert contoso.state("subscription2") == "suspended"
    assert patches(contoso) == []


def test_what_a_person_suspended_unseen_is_left_alone_too(over: Steps) -> None:
    """The stored state says active; the gateway's own says that a person was faster."""
    over.azure.post(f"/subscriptions/{over.gateway}/subscription4", {"state": "suspended"})

    over.enforce()
    over.limit("subscription4", "1000", at=AT + timedelta(minutes=1))
    over.enforce(at=AT + timedelta(minutes=2))

    assert over.state("subscription4") == "suspended"
    assert patches(over) == []
    assert open_suspensions(over) == []


def test_what_a_person_suspended_anew_is_no_longer_ours(suspended: Steps) -> None:
    for state in ("active", "suspended"):
        suspended.azure.post(f"/subscriptions/{suspended.gateway}/subscription4", {"state": state})
    later = AT + timedelta(minutes=1)
    suspended.limit("subscription4", "1000", at=later)

    suspended.enforce(at=later)
    suspended.enforce(at=later)

    assert suspended.state("subscription4") == "suspended"
    assert patches(suspended) == []
    assert open_suspensions(suspended) == []


@pytest.mark.parametrize("state", ["submitted", "rejected", "cancelled", "expired"])
def test_what_is_not_active_is_never_changed(over: Steps, state: str) -> None:
    over.azure.post(f"/subscriptions/{over.gateway}/subscription4", {"state": state})

    over.enforce()

    assert over.state("subscription4") == state
    assert patches(over) == []


def test_a_soft_quota_suspends_nobody(contoso: Steps) -> None:
    contoso.limit("subscription4", TINY, hard=False)

    assert contoso.enforce() == ()
    assert patches(contoso) == []


def test_a_raised_quota_serves_again_within_one_cycle(suspended: Steps) -> None:
    later = AT + timedelta(minutes=1)
    suspended.limit("subscription4", "1000", at=later)

    assert outcomes(suspended.enforce(at=later)) == {"subscription4": ActionOutcome.DONE}

    assert called(suspended, "subscription4") == 200
    assert open_suspensions(suspended) == []
    assert suspended.enforce(at=later) == ()


def test_a_suspended_key_is_served_again_when_the_month_turns_where_the_tenant_lives(
    suspended: Steps,
) -> None:
    before = BERLIN_MIDNIGHT - timedelta(seconds=1)
    read_on(suspended, before)
    assert suspended.enforce(at=before) == ()

    read_on(suspended, BERLIN_MIDNIGHT)
    (done,) = suspended.enforce(at=BERLIN_MIDNIGHT)

    assert (done.decided.says, done.outcome) == ("a new billing period has begun", "done")
    assert called(suspended, "subscription4") == 200


def test_the_month_turns_at_midnight_in_india_for_a_tenant_there(fabrikam: Steps) -> None:
    fabrikam.limit("support-bot", TINY)
    assert outcomes(fabrikam.enforce()) == {"support-bot": ActionOutcome.DONE}

    read_on(fabrikam, KOLKATA_MIDNIGHT - timedelta(minutes=1))
    assert fabrikam.enforce(at=KOLKATA_MIDNIGHT - timedelta(minutes=1)) == ()
    read_on(fabrikam, KOLKATA_MIDNIGHT)
    assert outcomes(fabrikam.enforce(at=KOLKATA_MIDNIGHT)) == {"support-bot": ActionOutcome.DONE}

    assert fabrikam.state("support-bot") == "active"


def test_old_usage_serves_nobody_again(suspended: Steps) -> None:
    """A raised quota, but nobody knows what was spent in the last two hours and more."""
    later = AT + timedelta(hours=3)
    suspended.limit("subscription4", "1000", at=later)

    assert suspended.enforce(at=later) == ()
    assert suspended.state("subscription4") == "suspended"

    read_on(suspended, later)
    assert outcomes(suspended.enforce(at=later)) == {"subscription4": ActionOutcome.DONE}


def test_a_new_month_waits_for_usage_that_reaches_into_it(suspended: Steps) -> None:
    read_on(suspended, BERLIN_MIDNIGHT - timedelta(minutes=5))

    assert suspended.enforce(at=BERLIN_MIDNIGHT + timedelta(minutes=1)) == ()
    assert suspended.state("subscription4") == "suspended"


def test_a_quota_of_tokens_suspends_and_says_how_many(contoso: Steps) -> None:
    limited(contoso, "1", unit=Unit.TOKENS)

    assert outcomes(contoso.enforce()) == {"subscription4": ActionOutcome.DONE}

    assert called(contoso, "subscription4") == 401
    ((_name, _reason, evidence),) = open_suspensions(contoso)
    assert (evidence["unit"], evidence["limit"], evidence["cost"]) == ("tokens", "1.0000", None)
    (patch,) = patches(contoso)
    assert " of 1 tokens in 2026-11" in json.loads(patch["body"])["properties"]["stateComment"]
    later = AT + timedelta(minutes=1)
    limited(contoso, "1000000000", at=later, unit=Unit.TOKENS)
    assert outcomes(contoso.enforce(at=later)) == {"subscription4": ActionOutcome.DONE}
    assert called(contoso, "subscription4") == 200


def test_a_teams_quota_suspends_all_that_is_the_teams_and_serves_all_again(contoso: Steps) -> None:
    team, names = team_of(contoso, "subscription4")
    assert len(names) > 1
    others = {row.name for row in contoso.simulated.subscriptions} - names
    limited(contoso, TINY, of=team)

    assert set(outcomes(contoso.enforce())) == names

    assert {contoso.state(name) for name in names} == {"suspended"}
    assert {contoso.state(name) for name in others} == {"active"}
    assert {told["level"] for _name, _reason, told in open_suspensions(contoso)} == {"team"}
    later = AT + timedelta(minutes=1)
    limited(contoso, None, at=later, of=team)
    assert set(outcomes(contoso.enforce(at=later))) == names
    assert {contoso.state(name) for name in names} == {"active"}


def test_a_daily_quota_is_served_again_at_the_tenants_midnight(contoso: Steps) -> None:
    at = used_now(contoso)
    limited(contoso, TINY, at=at, every=Every.DAY)
    assert outcomes(contoso.enforce(at=at)) == {"subscription4": ActionOutcome.DONE}
    midnight = datetime.combine(AT.date(), time(23), UTC)  # in Berlin, in winter

    read_on(contoso, midnight - timedelta(seconds=1))
    assert contoso.enforce(at=midnight - timedelta(seconds=1)) == ()
    read_on(contoso, midnight)
    (done,) = contoso.enforce(at=midnight)

    assert (done.decided.says, done.outcome) == ("a new billing period has begun", "done")
    assert called(contoso, "subscription4") == 200


def test_an_hourly_quota_is_served_again_once_usage_is_read_into_the_new_hour(
    contoso: Steps,
) -> None:
    at = used_now(contoso)
    limited(contoso, "1", at=at, every=Every.HOUR, unit=Unit.TOKENS)
    assert outcomes(contoso.enforce(at=at)) == {"subscription4": ActionOutcome.DONE}
    hour = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    assert contoso.enforce(at=hour + timedelta(minutes=5)) == ()
    assert contoso.state("subscription4") == "suspended"
    read_on(contoso, hour + timedelta(minutes=5))
    assert outcomes(contoso.enforce(at=hour + timedelta(minutes=5))) == {
        "subscription4": ActionOutcome.DONE
    }
    assert called(contoso, "subscription4") == 200


def test_no_key_changes_because_a_limit_does(contoso: Steps) -> None:
    def keys() -> set[str]:
        return {row["path"] for row in contoso.azure.requests(contoso.gateway, "POST")}

    before = called(contoso, "subscription4")
    limited(contoso, TINY)
    contoso.enforce()
    later = AT + timedelta(minutes=1)
    limited(contoso, None, at=later)
    contoso.enforce(at=later)

    assert before == called(contoso, "subscription4") == 200  # with the key that it had
    assert not [path for path in keys() if "regenerate" in path.lower()]
    assert {"state", "stateComment"} >= {
        name for patch in patches(contoso) for name in json.loads(patch["body"])["properties"]
    }


def test_too_many_suspensions_wait_for_a_person(contoso: Steps) -> None:
    names = [row.name for row in contoso.simulated.subscriptions]
    for name in names:
        contoso.limit(name, TINY)
    contoso.guard(most_suspensions=3)

    with pytest.raises(TooManySuspensions, match="4 subscriptions would be suspended"):
        contoso.enforce()
    assert {contoso.state(name) for name in names} == {"active"}
    assert (patches(contoso), actions(contoso)) == ([], [])
    ledger = "SELECT outcome, error_code FROM tenancy_run WHERE step = 'enforce'"
    assert rows(ledger) == [("failed", "too-many-suspensions")]

    contoso.guard(most_suspensions=4)
    assert set(outcomes(contoso.enforce())) == set(names)


def test_too_many_suspensions_do_not_hold_up_those_to_be_served_again(suspended: Steps) -> None:
    later = AT + timedelta(minutes=1)
    suspended.limit("subscription4", "1000", at=later)
    for name in ("subscription1", "subscription2"):
        suspended.limit(name, TINY, at=later)
    suspended.guard(most_suspensions=1)

    with pytest.raises(TooManySuspensions):
        suspended.enforce(at=later)

    assert suspended.state("subscription4") == "active"
    assert suspended.state("subscription1") == "active"


def test_a_dry_run_records_once_and_changes_nothing(over: Steps) -> None:
    over.guard(mode=Mode.DRY_RUN)

    assert outcomes(over.enforce()) == {"subscription4": ActionOutcome.WITHHELD}
    over.enforce()

    assert over.azure.requests(over.gateway) == []
    assert actions(over) == [("subscription4", "suspend", "withheld")]
    assert open_suspensions(over) == []


def test_switched_off_it_decides_nothing(over: Steps) -> None:
    over.guard(mode=Mode.OFF)

    assert over.enforce() == ()
    assert over.azure.requests(over.gateway) == []


def test_one_that_cannot_be_changed_does_not_hold_up_the_others(over: Steps) -> None:
    over.limit("subscription2", TINY)
    over.azure.fault("status", address(over, "subscription2"), status=403, times=99)

    done = outcomes(over.enforce())

    assert done == {"subscription2": ActionOutcome.FAILED, "subscription4": ActionOutcome.DONE}
    errors = rows("SELECT error FROM governance_action WHERE outcome = 'failed'")
    assert "subscription2" in errors[0][0]
    over.azure.forgive()
    assert outcomes(over.enforce()) == {"subscription2": ActionOutcome.DONE}


@pytest.mark.parametrize(
    ("kind", "method", "after"), [("truncate", "PATCH", 0), ("status", "GET", 1)]
)
def test_a_change_whose_answer_was_lost_stays_ours_to_take_back(
    over: Steps, kind: str, method: str, after: int
) -> None:
    path = address(over, "subscription4")
    over.azure.fault(kind, path, method=method, after=after, times=99, status=403, bytes=0)
    (done,) = over.enforce()
    assert (done.outcome, over.state("subscription4")) == (ActionOutcome.INTENDED, "suspended")
    assert "next cycle" in done.error
    over.azure.forgive()

    later = AT + timedelta(minutes=1)
    over.limit("subscription4", "1000", at=later)
    over.inventory(at=later)
    over.enforce(at=later)

    assert over.state("subscription4") == "active"
    assert open_suspensions(over) == []


def test_a_tenants_cycle_never_touches_another_tenants_gateway(
    over: Steps, fabrikam: Steps
) -> None:
    fabrikam.limit("support-bot", TINY)

    over.enforce()

    assert fabrikam.state("support-bot") == "active"
    assert over.azure.requests(fabrikam.gateway) == []


class TestKilled:
    """A cycle that dies between the intent and its outcome leaves what the next can finish."""

    def test_before_the_change_reached_the_gateway(self, over: Steps, commands: Commands) -> None:
        self._killed(over, commands, "GET", after=0)
        assert (over.state("subscription4"), patches(over)) == ("active", [])

        self._finished(over, "done")

    def test_after_the_change_and_before_its_outcome(self, over: Steps, commands: Commands) -> None:
        self._killed(over, commands, "GET", after=1)
        until(lambda: over.state("subscription4") == "suspended")

        self._finished(over, "overtaken")

    def test_with_the_change_still_under_way(self, over: Steps, commands: Commands) -> None:
        """The request goes on after the process that sent it: as networks do."""
        self._killed(over, commands, "PATCH", after=0, seconds=2)

        over.enforce()
        until(lambda: {patch["status"] for patch in patches(over)} & {412})
        assert sorted(patch["status"] for patch in patches(over)) == [200, 412]
        assert over.state("subscription4") == "suspended"
        self._still_ours(over)

    def test_a_quota_raised_in_between_serves_again(self, over: Steps, commands: Commands) -> None:
        self._killed(over, commands, "GET", after=1)
        until(lambda: over.state("subscription4") == "suspended")
        over.limit("subscription4", "1000", at=AT + timedelta(minutes=1))
        over.inventory(at=AT + timedelta(minutes=1))

        over.enforce(at=AT + timedelta(minutes=2))

        assert over.state("subscription4") == "active"
        assert open_suspensions(over) == []

    def test_a_killed_reactivation_is_finished(self, suspended: Steps, commands: Commands) -> None:
        suspended.limit("subscription4", "1000")
        self._killed(suspended, commands, "GET", after=1)
        until(lambda: suspended.state("subscription4") == "active")

        suspended.enforce(at=AT + timedelta(minutes=1))

        assert suspended.state("subscription4") == "active"
        assert open_suspensions(suspended) == []
        assert len(patches(suspended)) == 1

    def _killed(
        self, tenant: Steps, commands: Commands, method: str, *, after: int, seconds: int = 60
    ) -> None:
        path = address(tenant, "subscription4")
        tenant.azure.fault("latency", path, method=method, after=after, seconds=seconds)
        command = commands.start("enforce", "--tenant", "contoso")
        until(lambda: rows("SELECT FROM governance_action WHERE outcome = 'intended'"))
        until(lambda: struck(tenant.azure))
        command.kill()

    def _finished(self, tenant: Steps, settled: str) -> None:
        tenant.azure.forgive()
        tenant.enforce()
        assert tenant.state("subscription4") == "suspended"
        assert len([patch for patch in patches(tenant) if patch["status"] == 200]) == 1
        assert [outcome for _name, _verb, outcome in actions(tenant)] == ["overtaken", settled]
        self._still_ours(tenant)

    def _still_ours(self, tenant: Steps) -> None:
        ((name, _reason, evidence),) = open_suspensions(tenant)
        assert name == "subscription4"
        assert (evidence["limit"], evidence["currency"]) == ("0.0001", "USD")
        told = "SELECT count(*) > 0 FROM tenancy_auditrecord WHERE action = 'subscription.suspend'"
        assert rows(told) == [(True,)]
        later = AT + timedelta(minutes=1)
        tenant.limit("subscription4", "1000", at=later)
        tenant.enforce(at=later)
        assert tenant.state("subscription4") == "active"


def read_on(tenant: Steps, until_instant: datetime) -> None:
    """Let the simulated time pass, and read and rate what it brought: nothing."""
    tenant.azure.post("/clock", {"now": until_instant.isoformat()})
    tenant.usage(at=until_instant)
    tenant.rate()


def limited(
    tenant: Steps, amount: str | None, *, of: Team | None = None, at: datetime = AT, **wanted: Any
) -> None:
    """Give subscription4, or a team, a limit of any kind from an instant on."""
    with scope.of(tenant.ref):
        subject = of or Subscription.objects.select_related("gateway").get(name="subscription4")
        quotas.set_limit(
            subject,
            Wanted(None if amount is None else Decimal(amount), **wanted),
            from_instant=at,
            by="carol",
            at=at,
        )


def team_of(tenant: Steps, name: str) -> tuple[Team, set[str]]:
    """Who owns a subscription today, and what else they own."""
    with scope.of(tenant.ref):
        owner = Owner.objects.select_related("team").get(subscription__name=name, until_day=None)
        assert owner.team
        theirs = Owner.objects.filter(team=owner.team, until_day=None)
        return owner.team, set(theirs.values_list("subscription__name", flat=True))


def used_now(tenant: Steps) -> datetime:
    """The end of a bucket in which subscription4 was called and which has been read and rated."""
    assert called(tenant, "subscription4") == 200
    at = AT + timedelta(minutes=20)
    read_on(tenant, at)
    return at
