"""Making a subscription, moving it to another product, and giving it a key that nobody reads."""

import json
import logging
import pickle
import traceback
from collections.abc import Iterator

import pytest

from connectors import apim
from connectors.failures import Changed, Forbidden, Permanent, Transient
from connectors.records import CreatedSubscription, ObservedSubscription, Secret
from connectors.session import AzureSession
from simulator.setting import CONTOSO
from tests.connectors.conftest import Azure, service

CONTOSO_APIM = service(CONTOSO)
NAME = "apportion-17"
PATH = f"{CONTOSO.service_id}/subscriptions/{NAME}"
KEY = Secret("5ec4e75ec4e75ec4e75ec4e75ec4e701")


@pytest.fixture(autouse=True)
def _as_before(azure: Azure) -> Iterator[None]:
    """Subscriptions that a test makes are gone afterwards."""
    yield
    azure.control.delete("/faults")
    azure.post("/reset", {})


def create(session: AzureSession, **changed: str) -> CreatedSubscription:
    wanted = {"display_name": "Shelf search", "product": "gold"} | changed
    return apim.create_subscription(session, CONTOSO_APIM, NAME, **wanted)


def seen(session: AzureSession) -> ObservedSubscription:
    return apim.subscription(session, CONTOSO_APIM, NAME)


def test_a_subscription_is_made_active_and_without_a_key_of_ours(
    azure: Azure, contoso: AzureSession
) -> None:
    made = create(contoso)
    one = made.observed.subscription
    assert (one.name, one.display_name, one.product, one.state) == (
        NAME,
        "Shelf search",
        "gold",
        "active",
    )
    assert made.request_id
    assert made.observed == seen(contoso)
    (put,) = azure.requests(PATH, "PUT")
    assert put["query"]["notify"] == "false"
    assert "Key" not in put["body"]


def test_the_key_that_azure_answers_with_goes_no_further(
    azure: Azure, contoso: AzureSession
) -> None:
    made = create(contoso)
    told = azure.control.get("/setting").json()["tenants"][0]["subscriptions"]
    (key,) = (one["key"] for one in told if one["name"] == NAME)
    assert len(key) == 32
    assert key not in repr(made)


def test_what_is_there_already_is_made_once(azure: Azure, contoso: AzureSession) -> None:
    first = create(contoso)
    second = create(contoso)
    assert second == CreatedSubscription(first.observed, request_id=None)
    assert len(azure.requests(PATH, "PUT")) == 1


def test_a_lost_answer_is_found_by_the_next_try(azure: Azure, contoso: AzureSession) -> None:
    azure.fault("truncate", PATH, method="PUT")
    with pytest.raises(Transient):
        create(contoso)
    assert create(contoso).observed.subscription.state == "active"
    assert len(azure.requests(PATH, "PUT")) == 1


@pytest.mark.parametrize("other", [{"product": "silver"}, {"display_name": "Somebody else's"}])
def test_another_subscription_of_that_name_is_left_alone(
    azure: Azure, contoso: AzureSession, other: dict[str, str]
) -> None:
    create(contoso)
    with pytest.raises(Permanent, match="apportion-17 exists already, as 'Shelf search' of gold"):
        create(contoso, **other)
    assert len(azure.requests(PATH, "PUT")) == 1


def test_a_product_that_is_not_there_is_refused_by_azure(contoso: AzureSession) -> None:
    with pytest.raises(Permanent, match="does not name a product"):
        create(contoso, product="bronze")


def test_a_role_without_writing_makes_nothing(azure: Azure, contoso: AzureSession) -> None:
    azure.fault("status", PATH, method="PUT", status=403)
    with pytest.raises(Forbidden, match="Assign the role in Azure"):
        create(contoso)


def test_a_product_is_given_to_the_version_it_was_decided_on(
    azure: Azure, contoso: AzureSession
) -> None:
    etag = create(contoso).observed.etag
    change = apim.set_product(contoso, CONTOSO_APIM, NAME, product="silver", etag=etag)
    after = seen(contoso)
    assert (after.subscription.product, after.subscription.state) == ("silver", "active")
    assert change.etag == after.etag != etag
    assert change.request_id
    with pytest.raises(Changed, match="changed since it was read"):
        apim.set_product(contoso, CONTOSO_APIM, NAME, product="gold", etag=etag)
    assert seen(contoso) == after


def test_a_product_by_no_name_is_never_sent(azure: Azure, contoso: AzureSession) -> None:
    with pytest.raises(Permanent, match="not a valid APIM product name"):
        apim.set_product(contoso, CONTOSO_APIM, NAME, product="gold/../x", etag='"1"')
    assert not azure.requests(PATH)


def test_a_key_is_set_on_the_version_that_was_seen(azure: Azure, contoso: AzureSession) -> None:
    etag = create(contoso).observed.etag
    change = apim.set_primary_key(contoso, CONTOSO_APIM, NAME, key=KEY, etag=etag)
    assert change.etag == seen(contoso).etag != etag
    (patch,) = azure.requests(PATH, "PATCH")
    assert json.loads(patch["body"]) == {"properties": {"primaryKey": KEY.reveal()}}
    assert patch["if_match"] == etag
    with pytest.raises(Changed):
        apim.set_primary_key(contoso, CONTOSO_APIM, NAME, key=KEY, etag=etag)
    assert not azure.requests("listSecrets")


@pytest.mark.parametrize("etag", ["", "*"])
def test_no_write_goes_out_without_a_version(
    azure: Azure, contoso: AzureSession, etag: str
) -> None:
    with pytest.raises(Permanent, match="must name the version"):
        apim.set_product(contoso, CONTOSO_APIM, NAME, product="gold", etag=etag)
    with pytest.raises(Permanent, match="must name the version"):
        apim.set_primary_key(contoso, CONTOSO_APIM, NAME, key=KEY, etag=etag)
    assert not azure.requests(PATH)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ({"kind": "status", "status": 400, "message": f"Key {KEY.reveal()} is known."}, Permanent),
        ({"kind": "status", "status": 500, "message": f"Key {KEY.reveal()} failed."}, Transient),
        ({"kind": "truncate"}, Transient),
    ],
)
def test_a_key_is_in_no_log_and_in_no_error(
    azure: Azure,
    contoso: AzureSession,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, object],
    raised: type[Exception],
) -> None:
    caplog.set_level(logging.DEBUG)
    etag = create(contoso).observed.etag
    azure.post("/faults", {"match": {"path_prefix": PATH, "method": "PATCH"}} | fault)
    with pytest.raises(raised) as caught:
        apim.set_primary_key(contoso, CONTOSO_APIM, NAME, key=KEY, etag=etag)
    stack = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    (frame,) = (one for one in stack if one.name == "set_primary_key")
    assert frame.locals
    assert frame.locals["key"] == repr(KEY)
    for told in (str(frame.locals), str(caught.value), repr(vars(caught.value)), caplog.text):
        assert KEY.reveal() not in told
    assert caught.value.__cause__ is None
    assert caplog.records


def test_a_secret_shows_itself_to_nobody_who_does_not_ask() -> None:
    assert KEY.reveal() not in f"{KEY} {KEY!r} {[KEY]} {KEY:}"
    assert KEY.hidden_in(f"<{KEY.reveal()}>") == "<***>"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(KEY)
