"""The custom role that customers are asked to make allows what the connectors do, and no more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from connectors import apim, cognitive
from connectors.records import Secret, SubscriptionState
from connectors.session import AzureSession
from simulator.setting import CONTOSO
from tests.connectors.conftest import Azure, account, service

ROLE: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "deploy" / "azure-role.json").read_text()
)
_PROVIDER = re.compile(r"/providers/([^/]+)/(.+)$")
_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


def _action(request: dict[str, Any]) -> str | None:
    """The action that Azure asks of a caller for this request; None for other services' paths."""
    found = _PROVIDER.search(request["path"])
    if found is None:
        return None
    types = found[2].split("/")[::2]
    return "/".join([found[1], *types, _VERBS.get(request["method"], "action")])


def test_the_role_allows_what_the_connectors_ask_and_nothing_else(
    azure: Azure, contoso: AzureSession
) -> None:
    at = service(CONTOSO)
    apim.products(contoso, at)
    apim.subscriptions(contoso, at)
    seen = apim.subscription(contoso, at, "subscription3")
    state = SubscriptionState(seen.subscription.state)
    apim.set_state(contoso, at, "subscription3", state=state, comment="", etag=seen.etag)
    made = apim.create_subscription(
        contoso, at, "apportion-18", display_name="Shelf search", product="silver"
    )
    moved = apim.set_product(contoso, at, "apportion-18", product="gold", etag=made.observed.etag)
    key = Secret("5ec4e75ec4e75ec4e75ec4e75ec4e702")
    apim.set_primary_key(contoso, at, "apportion-18", key=key, etag=moved.etag or "")
    cognitive.deployments(contoso, account(CONTOSO))
    asked = {action for request in azure.requests() if (action := _action(request))}
    azure.post("/reset", {})
    assert asked == set(ROLE["Actions"])


def test_the_role_names_each_action_and_reads_no_key() -> None:
    assert [one for one in ROLE["Actions"] if "*" in one or "secret" in one.lower()] == []
    assert ROLE["NotActions"] == ROLE["DataActions"] == ROLE["NotDataActions"] == []
