"""Cognitive Services in the resource manager: the AI account and its deployments."""

from __future__ import annotations

from collections.abc import Mapping

from simulator import arm
from simulator.setting import Deployment, Tenant, Work
from simulator.state import World
from simulator.wire import Ask, Json, Refusal, Reply, Route, answer, page, route

_ACCOUNT = (
    "/subscriptions/{azure}/resourceGroups/{group}"
    "/providers/Microsoft.CognitiveServices/accounts/{account}"
)
_TYPE = "Microsoft.CognitiveServices/accounts"
_CAPABILITIES = {Work.CHAT: "chatCompletion", Work.EMBEDDING: "embeddings"}


def routes(world: World) -> list[Route]:
    """The account's endpoints."""

    def allowed(ask: Ask, named: Mapping[str, str], action: str) -> Tenant:
        owners = (t for t in world.tenants if t.account.name == named["account"].lower())
        owner = next(owners, None)
        known = owner.account_id if owner else None
        return arm.authorized(world, ask, named, known, f"{_TYPE}/{action}")

    def account(ask: Ask, named: Mapping[str, str]) -> Reply:
        return answer(_account(allowed(ask, named, "read")))

    def deployments(ask: Ask, named: Mapping[str, str]) -> Reply:
        tenant = allowed(ask, named, "deployments/read")
        contracts = [_deployment(tenant, d) for d in world.account(tenant).deployments]
        part = page(ask, contracts, world.knobs.list_page)
        link = {"nextLink": part.next_link} if part.next_link else {}
        return answer({"value": list(part.items), **link})

    def deployment(ask: Ask, named: Mapping[str, str]) -> Reply:
        tenant = allowed(ask, named, "deployments/read")
        found = world.account(tenant).deployment(named["deployment"])
        if found is None:
            raise Refusal(404, "DeploymentNotFound", "The deployment does not exist.")
        return answer(_deployment(tenant, found))

    return [
        route("GET", _ACCOUNT, account),
        route("GET", f"{_ACCOUNT}/deployments", deployments),
        route("GET", f"{_ACCOUNT}/deployments/{{deployment}}", deployment),
    ]


def _account(tenant: Tenant) -> Json:
    return {
        "id": tenant.account_id,
        "name": tenant.account.name,
        "type": _TYPE,
        "location": tenant.account.region,
        "kind": "AIServices",
        "sku": {"name": "S0"},
        "etag": '"0000aaaa-0000-0100-0000-000000000000"',
        "properties": {
            "endpoint": f"https://{tenant.account.host}/",
            "provisioningState": "Succeeded",
            "customSubDomainName": tenant.account.name,
            "publicNetworkAccess": "Enabled",
            "dateCreated": "2026-01-15T09:00:00Z",
        },
    }


def _deployment(tenant: Tenant, deployment: Deployment) -> Json:
    return {
        "id": f"{tenant.account_id}/deployments/{deployment.name}",
        "name": deployment.name,
        "type": f"{_TYPE}/deployments",
        "sku": {"name": deployment.sku, "capacity": deployment.capacity},
        "etag": '"0000bbbb-0000-0100-0000-000000000000"',
        "systemData": {
            "createdBy": "platform@example.com",
            "createdByType": "User",
            "createdAt": deployment.created,
            "lastModifiedBy": "platform@example.com",
            "lastModifiedByType": "User",
            "lastModifiedAt": deployment.changed or deployment.created,
        },
        "properties": {
            "model": {
                "format": "OpenAI",
                "name": deployment.model,
                "version": deployment.version,
            },
            "versionUpgradeOption": "OnceNewDefaultVersionAvailable",
            "currentCapacity": deployment.capacity,
            "capabilities": {_CAPABILITIES[deployment.work]: "true"},
            "provisioningState": "Succeeded",
        },
    }
