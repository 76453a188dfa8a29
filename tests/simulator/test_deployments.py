"""Deployments that come, are resized and go, and calls of all their kinds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator import launch, traffic
from simulator.setting import CONTOSO, OtherKinds, Size
from tests.simulator.conftest import NOW, Azure

ACCOUNT = "ai-contoso"
RESERVED = "search-reserved"


def _put(azure: Azure, **wanted: Any) -> Any:
    return azure.control.put("/deployments", json={"account": ACCOUNT} | wanted)


def _listed(azure: Azure) -> dict[str, Any]:
    found = azure.cognitive.deployments.list(azure.tenant.resource_group, ACCOUNT)
    return {str(one.name): one for one in found}


def test_a_resized_deployment_is_listed_with_its_new_capacity_at_once(azure: Azure) -> None:
    azure.tell("/clock", advance_seconds=90)
    before = _listed(azure)
    assert _put(azure, name=RESERVED, capacity=75).is_success

    after = _listed(azure)
    assert (before[RESERVED].sku.capacity, after[RESERVED].sku.capacity) == (50, 75)
    assert after[RESERVED].system_data.created_at == datetime(2026, 1, 15, 9, 45, tzinfo=UTC)
    assert after[RESERVED].system_data.last_modified_at == datetime(
        2026, 11, 20, 14, 21, 30, tzinfo=UTC
    )
    assert list(before) == list(after)


def test_a_new_deployment_says_when_it_was_made_and_is_called(azure: Azure) -> None:
    assert _put(azure, name="late").status_code == 400
    assert _put(azure, name="late", model="gpt-5", version="2025-08-07", sku="Standard").is_success

    late = _listed(azure)["late"]
    assert (late.sku.name, late.properties.model.name) == ("Standard", "gpt-5")
    assert late.system_data.created_at == datetime(2026, 11, 20, 14, 20, tzinfo=UTC)
    assert azure.tell("/traffic", **_by("late"))["statuses"] == {"200": 1}


def test_a_deleted_deployment_is_not_listed_and_not_served(azure: Azure) -> None:
    gone = {"account": ACCOUNT, "name": "gpt-5-nano"}
    assert azure.control.request("DELETE", "/deployments", json=gone).is_success

    assert "gpt-5-nano" not in _listed(azure)
    assert azure.tell("/traffic", **_by("gpt-5-nano"))["statuses"] == {"404": 1}
    azure.tell("/reset")
    assert "gpt-5-nano" in _listed(azure)


def test_an_unknown_account_is_refused(azure: Azure) -> None:
    assert _put(azure, account="ai-nobody", name="x").status_code == 404


def test_what_is_deployed_outlives_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with launch.start(setting="small", now=NOW, state=state, options=("--freeze",)) as running:
        first = Azure(running)
        _put(first, name=RESERVED, capacity=20)
        told = first.control.get("/setting").json()
        first.close()
    with launch.start(setting="small", state=state, options=("--freeze",)) as running:
        second = Azure(running)
        again = second.control.get("/setting").json()
        assert [t["accounts"] for t in again["tenants"]] == [t["accounts"] for t in told["tenants"]]
        assert _listed(second)[RESERVED].sku.capacity == 20
        second.close()


def test_other_kinds_are_called_too_and_change_no_other_call() -> None:
    now = datetime.fromisoformat(NOW)
    whole, plain = (
        list(
            traffic.history(
                CONTOSO, now=now, seed="apportion", size=Size.SMALL, other_kinds=other_kinds
            )
        )
        for other_kinds in (OtherKinds.ON, OtherKinds.OFF)
    )

    known = {call.correlation for call in plain}
    more = [call for call in whole if call.correlation not in known]
    assert [call for call in whole if call.correlation in known] == plain
    assert {call.deployment for call in more} == {
        "nightly-summaries",
        RESERVED,
        "catalogue-vectors",
    }
    vectors = [call for call in more if call.deployment == "catalogue-vectors"]
    assert {(call.operation, call.completion) for call in vectors} == {("Embeddings_Create", 0)}
    assert all(call.prompt for call in more)


def _by(deployment: str) -> dict[str, Any]:
    return {"service": "apim-contoso", "subscription": "subscription1", "deployment": deployment}
