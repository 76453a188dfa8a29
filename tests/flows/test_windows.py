"""Hours over the wire: how each reading ends, what is cut into pieces, what waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from billing import sources, windows
from billing.models import UsageWindow
from billing.rules.windows import HOUR, MOST_FAILURES, Lane
from billing.sources.llm_log import LlmLog
from billing.sources.seam import Hour
from billing.usage import TotalsDiffer
from connectors.failures import BadQuery, Forbidden, Partial, Transient, Unauthenticated
from inventory.models import UsageSource
from portal.embedded import Role
from tenancy import scope
from tests import bed
from tests.azure import AT
from tests.flows.steps import Steps, everything, rows
from tests.flows.test_reading_usage import LEDGERS, NOON, QUERIES, call, log, tokens

START = NOON.replace(minute=0)
SPAN = (START, START + HOUR)


def window(tenant: Steps, start: datetime = START) -> dict[str, Any]:
    """What is known of one hour of a tenant's gateway."""
    with scope.of(tenant.ref):
        return dict(UsageWindow.objects.filter(start=start).values()[0])


def asked(tenant: Steps) -> int:
    return len(tenant.azure.requests(QUERIES, "POST"))


def test_an_hour_that_is_never_whole_is_set_aside_and_read_again_at_a_persons_word(
    contoso: Steps,
) -> None:
    log(contoso, call(contoso, NOON))
    contoso.azure.post("/knobs", {"partial_over_minutes": 120.5})
    contoso.azure.fault("partial", QUERIES, method="POST", times=10_000)
    for failures in range(1, MOST_FAILURES + 1):
        with pytest.raises(Partial):
            contoso.usage(span=SPAN)
        held = window(contoso)
        assert (held["failures"], held["error_code"], held["lease"]) == (failures, "Partial", None)
        assert held["state"] == ("failed" if failures < MOST_FAILURES else "quarantined")
        assert held["calls_read"] == held["calls_stored"]
    contoso.azure.forgive()
    contoso.azure.post("/knobs", {"partial_over_minutes": 0})

    assert contoso.usage() == 0
    assert window(contoso)["state"] == "quarantined"

    with scope.of(contoso.ref):
        assert windows.read_again([window(contoso)["id"]], by="erin@example.org", at=AT) == 1
    assert contoso.usage() == 1
    held = window(contoso)
    assert (held["state"], held["failures"], held["error"]) == ("complete", 0, "")
    assert rows(
        "SELECT count(*)::int FROM tenancy_auditrecord WHERE action = 'usage.read_again'"
    ) == [(1,)]


def test_where_nothing_can_be_read_no_hour_is_set_aside(contoso: Steps) -> None:
    """The workspace has lost its table for two days; then all goes on by itself."""
    contoso.azure.fault("missing_table", QUERIES, method="POST", times=10_000)
    at = AT
    for _ in range(MOST_FAILURES + 2):
        at += timedelta(hours=2)
        with pytest.raises(BadQuery):
            contoso.usage(at=at, lane=Lane.FRESH)
    assert rows("SELECT 1 FROM billing_usagewindow WHERE state = 'quarantined'") == []

    contoso.azure.forgive()
    contoso.usage(at=at + timedelta(hours=1))
    kept = "SELECT DISTINCT state FROM billing_usagewindow WHERE tenant_id = %s"
    assert rows(kept, contoso.ref.id) == [("complete",)]


@pytest.mark.parametrize(("minutes", "most"), [(124, 40), (150, 8)])
def test_pieces_of_an_hour_add_up_to_the_hour(contoso: Steps, minutes: int, most: int) -> None:
    """Azure gives whole answers for short spans only, the margins among them."""
    before = tokens(contoso, "subscription1")
    at = [START, START + timedelta(seconds=59.5), NOON, START + timedelta(minutes=59, seconds=59)]
    log(contoso, *[call(contoso, one, prompt=100 + number) for number, one in enumerate(at)])
    contoso.azure.post("/knobs", {"partial_over_minutes": minutes})
    contoso.azure.control.delete("/requests")

    assert contoso.usage(span=SPAN) == 1

    assert tokens(contoso, "subscription1") == (before[0] + 406, before[1] + 40)
    assert 2 < asked(contoso) <= most
    assert window(contoso)["state"] == "complete"
    contoso.azure.post("/knobs", {"partial_over_minutes": 0})
    assert contoso.usage(span=SPAN) == 0  # whole, it says the same, histograms and all


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("no_tables", {}),
        ("two_tables", {}),
        ("rows_twice", {}),
        ("drop_column", {"name": "Requests"}),
        ("rename_column", {"name": "Subscription", "to": "Subscriber"}),
        ("retype_column", {"name": "InputTokens", "type": "string"}),
        ("retype_column", {"name": "TotalTokens", "type": "real"}),
        ("retype_column", {"name": "BucketStart", "type": "string"}),
        ("null_column", {"name": "BucketStart"}),
        ("null_column", {"name": "InputTokens"}),
        ("null_column", {"name": "Latency"}),
    ],
)
def test_an_answer_of_another_shape_is_refused_and_changes_nothing(
    contoso: Steps, kind: str, more: dict[str, Any]
) -> None:
    log(contoso, call(contoso, NOON))
    before = everything(*LEDGERS[:2])
    contoso.azure.fault(kind, QUERIES, method="POST", **more)

    with pytest.raises(BadQuery):
        contoso.usage(span=SPAN)

    assert everything(*LEDGERS[:2]) == before
    held = window(contoso)
    assert (held["state"], held["error_code"]) == ("failed", "BadQuery")
    assert held["due_at"] == AT + timedelta(minutes=1)
    assert contoso.usage(span=SPAN) == 1


def test_a_null_for_a_name_is_nobodys_and_not_lost(contoso: Steps) -> None:
    emptied = {"workspace": contoso.simulated.workspace_id}
    contoso.azure.control.request("DELETE", "/rows", json=emptied).raise_for_status()
    log(contoso, call(contoso, NOON))
    contoso.azure.fault("null_column", QUERIES, method="POST", name="Subscription")

    assert contoso.usage(span=SPAN) > 0

    found = "SELECT 1 FROM inventory_subscription WHERE lower(name) = 'none'"
    assert rows(found) == []
    held = window(contoso)
    assert (held["tokens_read"], held["tokens_stored"]) == (110, 110)


@pytest.mark.parametrize("name", ["with space", "a/b%2F..", "x' or 1=1 --", "=cmd()", "名前"])
def test_any_name_in_the_log_is_kept_as_it_is(contoso: Steps, name: str) -> None:
    log(contoso, call(contoso, NOON, subscription=name))

    assert contoso.usage(span=SPAN) == 1

    assert tokens(contoso, name) == (100, 10)


def test_a_wait_that_azure_asks_for_is_kept_and_the_hour_stays_for_later(contoso: Steps) -> None:
    log(contoso, call(contoso, AT - timedelta(minutes=5)))
    contoso.azure.control.delete("/requests")
    contoso.azure.fault("status", QUERIES, method="POST", status=429, retry_after=900, times=9)

    with pytest.raises(Transient):
        contoso.usage(lane=Lane.FRESH)

    assert asked(contoso) == 1
    held = window(contoso, AT.replace(minute=0))
    assert (held["state"], held["due_at"]) == ("failed", AT + timedelta(minutes=15))
    assert held["through"] == AT  # what was read before still stands
    assert contoso.usage(at=AT + timedelta(minutes=14), lane=Lane.FRESH) == 0
    assert asked(contoso) == 1
    contoso.azure.forgive()
    assert contoso.usage(at=AT + timedelta(minutes=15), lane=Lane.FRESH) == 1


def test_a_burst_of_errors_is_outlived_or_left_for_later(contoso: Steps) -> None:
    log(contoso, call(contoso, NOON))
    for status in (500, 503):
        contoso.azure.fault("status", QUERIES, method="POST", status=status)
    assert contoso.usage(span=SPAN) == 1

    contoso.azure.fault("status", QUERIES, method="POST", status=502, times=99)
    with pytest.raises(Transient):
        contoso.usage(span=SPAN)
    assert window(contoso)["state"] == "failed"
    contoso.azure.forgive()
    assert contoso.usage(span=SPAN) == 0
    assert window(contoso)["state"] == "complete"


def test_a_token_that_expires_on_the_way_is_renewed_once(contoso: Steps) -> None:
    log(contoso, call(contoso, NOON))
    contoso.azure.fault("expire_tokens", QUERIES, method="POST")
    assert contoso.usage(span=SPAN) == 1

    contoso.azure.control.delete("/requests")
    contoso.azure.fault("expire_tokens", QUERIES, method="POST", times=9)
    with pytest.raises(Unauthenticated):
        contoso.usage(span=SPAN)
    assert asked(contoso) == 2
    assert window(contoso)["error_code"] == "Unauthenticated"


def test_one_tenant_that_is_refused_does_not_hold_up_another(
    contoso: Steps, fabrikam: Steps
) -> None:
    workspace = f"{QUERIES}/{contoso.simulated.workspace_id}"
    contoso.azure.fault("status", workspace, method="POST", status=403, times=99)
    log(fabrikam, call(fabrikam, NOON, subscription="support-bot"))

    with pytest.raises(Forbidden):
        contoso.usage()

    assert fabrikam.usage() == 1


class _Amiss(LlmLog):
    """Says more tokens altogether than its classes have."""

    def read(self, *args: Any, **kwargs: Any) -> Sequence[Hour]:
        found = super().read(*args, **kwargs)
        return [one._replace(total=one.total + 1) for one in found]


def test_what_does_not_add_up_is_not_stored(
    contoso: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(contoso, call(contoso, NOON))
    before = everything(*LEDGERS[:2])
    monkeypatch.setitem(sources._SOURCES, UsageSource.LLM_LOG, _Amiss())

    with pytest.raises(TotalsDiffer):
        contoso.usage(span=SPAN)

    assert everything(*LEDGERS[:2]) == before
    assert window(contoso)["error_code"] == TotalsDiffer.code
    assert TotalsDiffer.code in windows.LASTING


def test_the_database_takes_no_window_for_complete_of_which_something_is_missing(
    contoso: Steps,
) -> None:
    lost = "UPDATE billing_usagewindow SET tokens_stored = tokens_stored - 1 WHERE tokens_read > 0"
    with (
        pytest.raises(psycopg.errors.CheckViolation, match="lost_nothing"),
        psycopg.connect(bed.url(Role.SUPERUSER)) as connection,
    ):
        connection.execute(lost.encode())


def test_usage_that_begins_within_an_hour_is_read_and_cut_from_there(fabrikam: Steps) -> None:
    """India's months begin at half past an hour of UTC."""
    first = rows(
        'SELECT start, "end", state FROM billing_usagewindow WHERE tenant_id = %s'
        " ORDER BY start LIMIT 1",
        fabrikam.ref.id,
    )[0]
    assert (first[0].minute, first[1] - first[0], first[2]) == (30, HOUR / 2, "complete")
    span = (first[0], first[1] + HOUR)

    assert fabrikam.usage(span=span) == 0

    for minutes in (180, 150):
        fabrikam.azure.post("/knobs", {"partial_over_minutes": minutes})
        assert fabrikam.usage(span=span) == 0
    assert rows("SELECT 1 FROM billing_usagewindow WHERE state <> 'complete'") == []


def test_a_row_that_is_ingested_twice_counts_once(contoso: Steps) -> None:
    log(contoso, call(contoso, NOON, correlation="twice-1"))
    assert contoso.usage(span=SPAN) == 1
    for table in ("ApiManagementGatewayLogs", "ApiManagementGatewayLlmLog"):
        copied = contoso.azure.post(
            "/copies",
            {
                "workspace": contoso.simulated.workspace_id,
                "table": table,
                "where": {"CorrelationId": "twice-1"},
            },
        )
        assert copied["copied"] > 0

    assert contoso.usage(span=SPAN) == 0
