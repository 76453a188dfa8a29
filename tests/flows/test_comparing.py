"""What is stored beside what the source says: every difference has its reason, or is a finding."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from billing import comparing
from billing.comparing import STEP, Compared
from billing.models import BillingSettings, SourceComparison, UsageWindow, WindowState
from billing.rules.differences import Sums
from connectors.failures import ConnectorError
from portal.embedded import Role
from tenancy import scope
from tenancy.models import Run
from tenancy.refusals import Invalid, NotFound
from tenancy.runs import Contention
from tests import bed
from tests.azure import AT
from tests.flows.steps import Steps, everything, rows

DAY = date(2026, 11, 19)
NOON = datetime(2026, 11, 19, 12, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def call(tenant: Steps, at: datetime, **more: Any) -> dict[str, Any]:
    """A call of 100 tokens of input and 10 of output, as the gateway's logs have it."""
    wanted = {"subscription": "subscription1", "prompt": 100, "completion": 10}
    return {"workspace": tenant.simulated.workspace_id, "at": at.isoformat()} | wanted | more


def log(tenant: Steps, *calls: dict[str, Any]) -> None:
    tenant.azure.post("/rows", {"rows": list(calls)})


def compare(
    tenant: Steps, first: date = DAY, last: date | None = None, *, at: datetime = AT
) -> tuple[Compared, ...]:
    return comparing.compare(
        tenant.ref,
        tenant.gateway,
        first,
        last or first,
        at=at,
        contention=Contention.TAKE_OVER,
    )


def one(tenant: Steps, day: date = DAY, *, at: datetime = AT) -> Compared:
    (found,) = compare(tenant, day, at=at)
    return found


def kinds(found: Compared) -> list[str]:
    return [reason["kind"] for reason in found.reasons]


def tell(tenant: Steps, state: str, start: datetime, *, read: bool) -> None:
    """An hour of which the newest try ended like this."""
    unread = {} if read else {"read_at": None, "through": None}
    with scope.of(tenant.ref):
        UsageWindow.objects.filter(start=start).update(state=state, error_code="Partial", **unread)


def as_superuser(statement: str, *values: object) -> int:
    with psycopg.connect(bed.url(Role.SUPERUSER)) as connection:
        return connection.execute(statement.encode(), values).rowcount


def test_a_day_that_was_read_whole_agrees_with_its_source(contoso: Steps, fabrikam: Steps) -> None:
    for tenant in (contoso, fabrikam):
        found = compare(tenant, date(2026, 11, 14), DAY)

        assert len(found) == 6
        assert all(day.agrees and not day.reasons for day in found), found
        assert all(day.of_stored.calls > 0 for day in found)


def test_every_hour_keeps_what_came_in_and_what_is_stored_of_it(contoso: Steps) -> None:
    hourly = (
        "SELECT date_bin('1 hour', bucket_start, 'epoch'), sum(requests)::int FROM billing_usage"
        " WHERE tenant_id = %s GROUP BY 1 ORDER BY 1"
    )
    kept = (
        "SELECT start, calls_read::int FROM billing_usagewindow WHERE tenant_id = %s"
        " AND calls_read > 0 AND calls_read = calls_stored ORDER BY 1"
    )

    assert rows(kept, contoso.ref.id) == rows(hourly, contoso.ref.id)


def test_a_late_row_is_told_until_it_is_read(contoso: Steps) -> None:
    before = one(contoso).of_source
    log(contoso, call(contoso, NOON, ingestion_delay_seconds=24 * 3600))
    contoso.azure.post("/clock", {"now": (AT + HOUR).isoformat()})

    late = one(contoso, at=AT + HOUR)

    assert late.difference == Sums(1, 110)
    assert late.of_source == before.plus(Sums(1, 110))
    (reason,) = late.reasons
    assert (reason["kind"], reason["calls"], reason["tokens"]) == ("late", 1, 110)
    assert reason["first"] == "2026-11-19T12:00:00Z"
    assert "1 hour changed at the source since read last, at 20 Nov 14:20 UTC" in reason["says"]
    assert reason["says"].endswith("+1 calls, +110 tokens")
    assert not late.unexplained

    contoso.usage(at=AT + HOUR)

    assert one(contoso, at=AT + HOUR).agrees


def test_rows_that_went_away_are_told_until_they_are_read(contoso: Steps) -> None:
    log(contoso, call(contoso, NOON))
    contoso.usage()
    contoso.azure.post("/reset")

    gone = one(contoso)

    assert gone.difference == Sums(-1, -110)
    assert kinds(gone) == ["late"]
    assert gone.reasons[0]["says"].endswith("−1 calls, −110 tokens")


def test_copies_of_rows_make_no_difference(contoso: Steps) -> None:
    for table in ("ApiManagementGatewayLlmLog", "ApiManagementGatewayLogs"):
        wanted = {"workspace": contoso.simulated.workspace_id, "table": table, "most": 50}
        contoso.azure.post("/copies", wanted)

    assert one(contoso).agrees


def test_what_was_stored_and_is_gone_has_no_explanation(contoso: Steps) -> None:
    held = "SELECT sum(requests)::int, sum(input_tokens + output_tokens)::int FROM billing_usage"
    noon = (contoso.ref.id, NOON.replace(minute=0))
    ((calls, tokens),) = rows(f"{held} WHERE tenant_id = %s AND bucket_start = %s", *noon)
    lost = "DELETE FROM billing_usage WHERE tenant_id = %s AND bucket_start = %s"
    assert as_superuser(lost, *noon)

    found = one(contoso)

    assert found.difference == Sums(calls, tokens)
    assert kinds(found) == ["unexplained"]
    assert found.unexplained
    assert "1 hour unexplained: what is stored is not what was read" in found.reasons[0]["says"]
    with scope.of(contoso.ref):
        assert [run.detail["days_unexplained"] for run in Run.objects.filter(step=STEP)] == [1]


def test_a_loss_and_a_late_row_of_the_same_hour_are_told_apart(contoso: Steps) -> None:
    lost = "DELETE FROM billing_usage WHERE tenant_id = %s AND bucket_start = %s"
    before = one(contoso)
    assert as_superuser(lost, contoso.ref.id, NOON.replace(minute=0))
    log(contoso, call(contoso, NOON))

    found = one(contoso)

    parts = {reason["kind"]: Sums(reason["calls"], reason["tokens"]) for reason in found.reasons}
    assert parts["late"] == Sums(1, 110)
    assert parts["unexplained"] == before.of_stored.minus(found.of_stored)
    assert parts["late"].plus(parts["unexplained"]) == found.difference


@pytest.mark.parametrize(
    ("state", "kind", "says"),
    [
        (WindowState.PENDING, "unread", "1 hour not read yet"),
        (WindowState.FAILED, "failed", "1 hour could not be read (Partial)"),
        (WindowState.QUARANTINED, "set_aside", "1 hour set aside, waiting for a person (Partial)"),
    ],
)
def test_hours_that_were_not_read_explain_what_is_missing(
    contoso: Steps, state: str, kind: str, says: str
) -> None:
    tell(contoso, state, NOON.replace(minute=0), read=False)
    log(contoso, call(contoso, NOON))

    (reason,) = one(contoso).reasons

    assert (reason["kind"], reason["calls"], reason["tokens"]) == (kind, 1, 110)
    assert reason["says"].startswith(says)


def test_the_running_day_is_compared_up_to_now(contoso: Steps) -> None:
    found = one(contoso, AT.date())

    assert found.agrees
    log(contoso, call(contoso, AT + timedelta(minutes=5)))
    contoso.azure.post("/clock", {"now": (AT + 2 * HOUR).isoformat()})
    later = one(contoso, AT.date(), at=AT + 2 * HOUR)
    assert later.difference.calls >= 1
    assert kinds(later) == ["unread"]


def test_tokens_in_no_class_are_told_and_make_no_difference(contoso: Steps) -> None:
    noon = NOON.replace(minute=0)
    moved = "UPDATE billing_usage SET input_tokens = input_tokens - 7 WHERE ctid = (SELECT ctid"
    moved += " FROM billing_usage WHERE tenant_id = %s AND bucket_start = %s AND input_tokens > 7"
    moved += " LIMIT 1) AND tableoid = (SELECT tableoid FROM billing_usage WHERE tenant_id = %s"
    moved += " AND bucket_start = %s LIMIT 1)"
    assert as_superuser(moved, contoso.ref.id, noon, contoso.ref.id, noon) == 1
    added = "INSERT INTO billing_classusage (tenant_id, bucket_start, series_id, gateway_id,"
    added += " subscription_id, deployment_id, token_class, quantity) SELECT tenant_id,"
    added += " bucket_start, series_id, gateway_id, subscription_id, deployment_id,"
    added += " 'unclassified', 7 FROM billing_usage WHERE tenant_id = %s AND bucket_start = %s"
    assert as_superuser(f"{added} LIMIT 1", contoso.ref.id, noon) == 1

    found = one(contoso)

    assert found.agrees
    assert kinds(found) == ["unclassified"]
    assert "7 tokens are in no class" in found.reasons[0]["says"]


def test_days_of_which_the_hours_were_let_go_are_explained(contoso: Steps) -> None:
    gone = "DELETE FROM billing_usage WHERE tenant_id = %s AND bucket_start < %s"
    assert as_superuser(gone, contoso.ref.id, datetime(2026, 11, 9, 23, tzinfo=UTC))
    with scope.of(contoso.ref):
        BillingSettings.objects.update_or_create(
            tenant_id=contoso.ref.id, defaults={"usage_kept_from": date(2026, 11, 10)}
        )

    before, after = compare(contoso, date(2026, 11, 9), date(2026, 11, 10))

    assert kinds(before) == ["let_go"]
    assert before.difference == before.of_source
    assert after.agrees


def test_a_source_that_answers_in_part_is_asked_in_smaller_spans(contoso: Steps) -> None:
    whole = one(contoso)
    contoso.azure.post("/knobs", {"partial_over_minutes": 400})

    assert one(contoso) == whole


def test_comparing_twice_keeps_one_row_a_day_and_touches_nothing_else(contoso: Steps) -> None:
    ledgers = ("tenancy_run", "billing_sourcecomparison")
    before = everything(*ledgers)
    for _ in range(2):
        compare(contoso, date(2026, 11, 14), DAY)

    assert everything(*ledgers) == before
    assert rows("SELECT count(*)::int FROM billing_sourcecomparison") == [(6,)]


def test_a_source_that_fails_leaves_what_was_compared(contoso: Steps) -> None:
    compare(contoso)
    before = everything("tenancy_run")
    contoso.azure.fault("status", "/v1/workspaces", method="POST", status=403)

    with pytest.raises(ConnectorError):
        compare(contoso)

    assert everything("tenancy_run") == before
    found = "SELECT outcome FROM tenancy_run WHERE step = 'compare_usage' ORDER BY id DESC LIMIT 1"
    assert rows(found) == [("failed",)]


def test_days_that_cannot_be_compared_are_refused_or_left_out(contoso: Steps) -> None:
    assert compare(contoso, date(2026, 12, 1)) == ()
    assert compare(contoso, date(2020, 1, 1)) == ()
    with pytest.raises(Invalid):
        compare(contoso, DAY, DAY - timedelta(days=1))
    with pytest.raises(Invalid):
        compare(contoso, date(2026, 1, 1), DAY)
    with pytest.raises(NotFound):
        comparing.compare(
            contoso.ref, "apim-fabrikam", DAY, DAY, at=AT, contention=Contention.TAKE_OVER
        )


def test_another_tenants_comparisons_are_not_seen(contoso: Steps, fabrikam: Steps) -> None:
    compare(contoso)

    with scope.of(fabrikam.ref):
        assert not SourceComparison.objects.exists()
