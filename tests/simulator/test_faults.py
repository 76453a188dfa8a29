import httpx
import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.mgmt.apimanagement.models import SubscriptionUpdateParameters
from azure.monitor.query import LogsQueryPartialResult

from tests.simulator.conftest import Azure

PRICES = "/api/retail/prices"
SUBSCRIPTIONS = "/subscriptions/"
ACTIVE = "ApiManagementGatewayLogs | count"


def _state(azure: Azure, name: str = "subscription1") -> str | None:
    return azure.apim.subscription.get(*azure.gateway, name).state


def _suspend(azure: Azure, etag: str = "*") -> None:
    change = SubscriptionUpdateParameters(state="suspended")
    azure.apim.subscription.update(*azure.gateway, "subscription1", etag, change)


def test_a_status_comes_as_often_as_ordered_with_its_waiting_time(azure: Azure) -> None:
    azure.fault("status", PRICES, status=429, retry_after=7, times=2)
    answers = [azure.wire.get(PRICES) for _ in range(3)]
    assert [a.status_code for a in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"


def test_a_connection_is_cut_before_and_in_the_middle_of_an_answer(azure: Azure) -> None:
    azure.fault("reset", PRICES)
    with pytest.raises(httpx.TransportError):
        azure.wire.get(PRICES)
    azure.fault("truncate", PRICES, bytes=100)
    with pytest.raises(httpx.TransportError):
        azure.wire.get(PRICES)
    assert azure.wire.get(PRICES).status_code == 200


def test_the_sdk_sees_a_cut_connection(azure: Azure) -> None:
    assert _state(azure) == "active"
    azure.fault("reset", SUBSCRIPTIONS)
    with pytest.raises((ServiceResponseError, ServiceRequestError)):
        _state(azure)
    azure.fault("truncate", SUBSCRIPTIONS)
    with pytest.raises((ServiceResponseError, IncompleteReadError, HttpResponseError)):
        _state(azure)
    assert _state(azure) == "active"


def test_latency_is_longer_than_a_callers_patience(azure: Azure) -> None:
    azure.fault("latency", PRICES, seconds=5)
    with pytest.raises(httpx.ReadTimeout):
        azure.wire.get(PRICES, timeout=0.3)


def test_a_partial_result_has_half_the_rows(azure: Azure) -> None:
    kql = "ApiManagementGatewayLogs | take 100"
    azure.fault("partial", "/v1/workspaces")
    found = azure.logs.query_workspace(azure.tenant.workspace_id, kql, timespan=None)
    assert isinstance(found, LogsQueryPartialResult)
    assert len(found.partial_data[0].rows) == 50
    assert len(azure.query(kql)) == 100


def test_late_rows_are_missing_until_they_are_in(azure: Azure) -> None:
    whole = azure.query(ACTIVE)[0][0]
    azure.fault("late", "/v1/workspaces", seconds=5 * 86400)
    assert 0 < azure.query(ACTIVE)[0][0] < whole
    assert azure.query(ACTIVE)[0][0] == whole


def test_a_missing_table_and_a_missing_column_are_semantic_errors(azure: Azure) -> None:
    azure.fault("missing_table", "/v1/workspaces", name="ApiManagementGatewayLlmLog")
    with pytest.raises(HttpResponseError, match="table expression 'ApiManagementGatewayLlmLog'"):
        azure.query(ACTIVE)
    azure.fault("missing_column", "/v1/workspaces", name="ModelName")
    with pytest.raises(HttpResponseError, match="scalar expression named 'ModelName'"):
        azure.query(ACTIVE)


def test_pages_repeat_end_early_lead_elsewhere_or_in_a_circle(azure: Azure) -> None:
    path = f"{azure.tenant.service_id}/subscriptions"

    def names() -> list[str | None]:
        return [s.name for s in azure.apim.subscription.list(*azure.gateway)]

    azure.fault("duplicate_page", path)
    assert names() == ["subscription1", "subscription2"] * 2
    azure.fault("drop_next_link", path)
    assert names() == ["subscription1", "subscription2"]
    azure.fault("link_loop", path)
    assert names() == ["subscription1", "subscription2"] * 2 + ["subscription3", "subscription4"]
    azure.tell("/knobs", price_page=100)
    first = azure.wire.get(PRICES).json()
    azure.fault("duplicate_page", PRICES)
    again = azure.wire.get(PRICES).json()["NextPageLink"]
    assert azure.wire.get(again).json()["Items"] == first["Items"]
    assert azure.wire.get(again).json()["Items"] != first["Items"]
    azure.fault("foreign_next_link", PRICES, url="https://169.254.169.254/prices")
    assert azure.wire.get(PRICES).json()["NextPageLink"] == "https://169.254.169.254/prices"


def test_an_expired_token_is_refused_once(azure: Azure) -> None:
    assert _state(azure) == "active"
    azure.fault("expire_tokens", SUBSCRIPTIONS)
    with pytest.raises(ClientAuthenticationError, match="ExpiredAuthenticationToken"):
        _state(azure)
    assert _state(azure) == "active"


def test_someone_else_writes_between_reading_and_writing(azure: Azure) -> None:
    etag = azure.etag("subscription1")
    order = {"path_prefix": SUBSCRIPTIONS, "method": "PATCH"}
    azure.tell("/faults", kind="etag_race", match=order)
    with pytest.raises(HttpResponseError) as refused:
        _suspend(azure, etag)
    assert refused.value.status_code == 412
    assert _state(azure) == "active"


def test_a_write_is_confirmed_and_lost(azure: Azure) -> None:
    order = {"path_prefix": SUBSCRIPTIONS, "method": "PATCH"}
    azure.tell("/faults", kind="drop_write", match=order)
    _suspend(azure)
    assert _state(azure) == "active"
    assert azure.chat("subscription1").status_code == 200
    _suspend(azure)
    assert _state(azure) == "suspended"


def test_an_unknown_fault_is_refused_with_the_known_ones(azure: Azure) -> None:
    answer = azure.control.post("/faults", json={"kind": "gremlin"})
    assert answer.status_code == 400
    assert "etag_race" in answer.json()["error"]["message"]
    azure.fault("status", PRICES, status=500, times=99)
    assert azure.wire.get(PRICES).status_code == 500
    azure.control.delete("/faults")
    assert azure.wire.get(PRICES).status_code == 200
