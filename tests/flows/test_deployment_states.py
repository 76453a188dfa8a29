"""What was deployed when, with which capacity: what throughput units and hosting are billed by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import deployments
from inventory.deployments import Present
from inventory.models import Deployment, DeploymentState, Gateway, Origin
from tenancy import scope
from tests.azure import AT
from tests.flows.steps import Steps, rows

MADE = datetime(2026, 1, 15, 9, 45, tzinfo=UTC)
HOUR = timedelta(hours=1)
RESERVED = "search-reserved"
PTU = "GlobalProvisionedManaged"


def history(tenant: Steps, deployment: str = RESERVED) -> list[tuple[datetime, str, int]]:
    """From when on it had which SKU and capacity, oldest first."""
    return rows(
        "SELECT state.from_instant, state.sku, state.capacity FROM inventory_deploymentstate state"
        "  JOIN inventory_deployment deployment ON deployment.id = state.deployment_id"
        " WHERE state.tenant_id = %s AND deployment.name = %s ORDER BY 1",
        tenant.ref.id,
        deployment,
    )


def spans(
    tenant: Steps, since: datetime, until: datetime, deployment: str = RESERVED
) -> list[tuple[str, int, datetime, datetime]]:
    """What `states` says of one deployment."""
    with scope.of(tenant.ref):
        wanted = Deployment.objects.get(name=deployment).pk
        found = deployments.states(since, until)
    return [(s.sku, s.capacity, s.start, s.end) for s in found if s.deployment_id == wanted]


def put(tenant: Steps, name: str = RESERVED, **changed: Any) -> None:
    """Change or add a deployment at Azure."""
    wanted = {"account": tenant.simulated.account.name, "name": name} | changed
    tenant.azure.control.put("/deployments", json=wanted).raise_for_status()


def delete(tenant: Steps, name: str = RESERVED) -> None:
    """Delete a deployment at Azure."""
    wanted = {"account": tenant.simulated.account.name, "name": name}
    tenant.azure.control.request("DELETE", "/deployments", json=wanted).raise_for_status()


def test_the_first_state_counts_from_the_creation_that_azure_tells(contoso: Steps) -> None:
    assert history(contoso) == [(MADE, PTU, 50)]
    listed = len(contoso.simulated.account.deployments)
    counted = "SELECT count(*)::int FROM inventory_deploymentstate WHERE tenant_id = %s"
    assert rows(counted, contoso.ref.id) == [(listed,)]


def test_one_made_after_the_reading_or_not_told_counts_from_the_reading(contoso: Steps) -> None:
    put(contoso, "late", model="gpt-5", version="2025-08-07", created="2026-11-20T14:20:01Z")

    contoso.inventory()

    assert history(contoso, "late") == [(AT, "GlobalStandard", 100)]


def test_reading_again_changes_nothing(contoso: Steps) -> None:
    written = (
        "SELECT id, xmin::text, ctid::text FROM inventory_deploymentstate"
        " WHERE tenant_id = %s ORDER BY 1"
    )
    before = rows(written, contoso.ref.id)

    contoso.inventory()
    contoso.inventory(at=AT + HOUR)

    assert rows(written, contoso.ref.id) == before


def test_each_change_of_capacity_or_kind_is_a_state_of_its_own(contoso: Steps) -> None:
    put(contoso, capacity=75)
    contoso.inventory(at=AT + HOUR)
    put(contoso, sku="ProvisionedManaged")
    contoso.inventory(at=AT + 2 * HOUR)

    assert history(contoso) == [
        (MADE, PTU, 50),
        (AT + HOUR, PTU, 75),
        (AT + 2 * HOUR, "ProvisionedManaged", 75),
    ]
    assert len(history(contoso, "gpt-5-mini")) == 1


def test_two_changes_read_at_one_instant_are_one(contoso: Steps) -> None:
    put(contoso, capacity=75)
    contoso.inventory()
    put(contoso, capacity=25)
    contoso.inventory()

    assert history(contoso) == [(MADE, PTU, 50), (AT, PTU, 25)]


def test_what_vanished_ends_and_counts_again_from_when_it_was_made_anew(contoso: Steps) -> None:
    delete(contoso)
    contoso.inventory(at=AT + HOUR)
    contoso.inventory(at=AT + 2 * HOUR)
    again = AT + 2 * HOUR + timedelta(minutes=20)
    put(contoso, model="gpt-5.2", version="2025-12-11", sku=PTU, capacity=50, created=str(again))
    contoso.inventory(at=AT + 3 * HOUR)

    assert history(contoso) == [(MADE, PTU, 50), (AT + HOUR, PTU, 0), (again, PTU, 50)]


def test_one_that_is_listed_again_with_its_old_creation_was_away(contoso: Steps) -> None:
    delete(contoso)
    contoso.inventory(at=AT + HOUR)
    contoso.azure.post("/reset")
    contoso.inventory(at=AT + 2 * HOUR)

    assert history(contoso)[1:] == [(AT + HOUR, PTU, 0), (AT + 2 * HOUR, PTU, 50)]


def test_a_capacity_that_is_not_told_is_no_change(contoso: Steps) -> None:
    host = contoso.simulated.account.host
    with scope.of(contoso.ref):
        gateway = Gateway.objects.get().pk
        listed = [
            Present(key=(host, one.name), sku=one.sku, capacity=None, created_at=None)
            for one in contoso.simulated.account.deployments
        ]
        assert deployments.record_states(gateway, listed, at=AT + HOUR) == 0


def test_spans_are_cut_to_what_is_asked_and_leave_out_when_there_was_none(contoso: Steps) -> None:
    put(contoso, capacity=75)
    contoso.inventory(at=AT + HOUR)
    delete(contoso)
    contoso.inventory(at=AT + 2 * HOUR)
    put(contoso, model="gpt-5.2", version="2025-12-11", sku=PTU, capacity=10)
    contoso.inventory(at=AT + 3 * HOUR)

    assert spans(contoso, AT, AT + 4 * HOUR) == [
        (PTU, 50, AT, AT + HOUR),
        (PTU, 75, AT + HOUR, AT + 2 * HOUR),
        (PTU, 10, AT + 3 * HOUR, AT + 4 * HOUR),
    ]
    # Half-open: a state that ends where the range starts, or starts where it ends, is not in it.
    assert spans(contoso, AT + HOUR, AT + 2 * HOUR) == [(PTU, 75, AT + HOUR, AT + 2 * HOUR)]
    assert spans(contoso, AT + 2 * HOUR, AT + 3 * HOUR) == []
    assert spans(contoso, MADE - HOUR, MADE + HOUR) == [(PTU, 50, MADE, MADE + HOUR)]


def test_spans_are_the_tenants_own_in_order_by_one_query(contoso: Steps, fabrikam: Steps) -> None:
    with scope.of(fabrikam.ref):
        listed = Deployment.objects.filter(origin=Origin.INVENTORY)
        theirs = set(listed.values_list("pk", flat=True))
        with CaptureQueriesContext(connection) as queries:
            found = deployments.states(AT, AT + HOUR)
    assert len(queries) == 1
    assert {span.deployment_id for span in found} == theirs
    assert [span.deployment_id for span in found] == sorted(theirs)


def test_a_reading_asks_as_often_however_many_deployments_changed(contoso: Steps) -> None:
    host = contoso.simulated.account.host
    with scope.of(contoso.ref):
        gateway = Gateway.objects.get().pk
        names = list(DeploymentState.objects.values_list("deployment__name", flat=True))
        asked = []
        for number, some in enumerate((names[:1], names), start=1):
            listed = [
                Present(key=(host, name), sku="Standard", capacity=7 + number, created_at=None)
                for name in some
            ]
            with CaptureQueriesContext(connection) as queries:
                deployments.record_states(gateway, listed, at=AT + number * HOUR)
            asked.append(len(queries))
    assert asked[0] == asked[1] == 3
