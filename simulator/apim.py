"""API Management in the resource manager: service, products, policies, subscriptions."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from simulator import arm
from simulator.setting import Product, Tenant
from simulator.state import Held, World
from simulator.wire import Ask, Json, Refusal, Reply, Route, answer, page, route

STATES = ("active", "suspended", "submitted", "rejected", "cancelled", "expired")
_SERVICE = (
    "/subscriptions/{azure}/resourceGroups/{group}"
    "/providers/Microsoft.ApiManagement/service/{service}"
)
_TYPE = "Microsoft.ApiManagement/service"
_POLICY = """<policies>
  <inbound>
    <base />
    <llm-token-limit counter-key="@(context.Subscription.Id)"
        tokens-per-minute="{rate}" token-quota="{quota}" token-quota-period="{period}"
        estimate-prompt-tokens="false" remaining-tokens-header-name="remaining-tokens"
        remaining-quota-tokens-header-name="remaining-quota-tokens"
        tokens-consumed-header-name="consumed-tokens" retry-after-header-name="Retry-After" />
  </inbound>
  <backend><base /></backend>
  <outbound><base /></outbound>
  <on-error><base /></on-error>
</policies>"""

Served = Callable[[Tenant, Ask, Mapping[str, str]], Reply]


def routes(world: World) -> list[Route]:
    """The service's endpoints; each is for the principal that owns the gateway."""

    def guarded(action: str, serve: Served) -> Callable[[Ask, Mapping[str, str]], Reply]:
        def handle(ask: Ask, named: Mapping[str, str]) -> Reply:
            owner = world.tenant(service=named["service"])
            known = owner.service_id if owner else None
            tenant = arm.authorized(world, ask, named, known, f"{_TYPE}/{action}")
            return serve(tenant, ask, named)

        return handle

    def subscriptions(tenant: Tenant, ask: Ask, _named: Mapping[str, str]) -> Reply:
        return _listed(
            world, ask, [_contract(tenant, h) for h in world.subscriptions(tenant.service)]
        )

    def subscription(tenant: Tenant, _ask: Ask, named: Mapping[str, str]) -> Reply:
        held = _find(world, tenant, named["sid"])
        return answer(_contract(tenant, held), headers={"ETag": etag(held)})

    def patch(tenant: Tenant, ask: Ask, named: Mapping[str, str]) -> Reply:
        return _patch(world, tenant, ask, named["sid"])

    def put(tenant: Tenant, ask: Ask, named: Mapping[str, str]) -> Reply:
        return _put(world, tenant, ask, named["sid"])

    def products(tenant: Tenant, ask: Ask, _named: Mapping[str, str]) -> Reply:
        return _listed(world, ask, [_product(tenant, p) for p in tenant.products])

    here = f"{_SERVICE}/subscriptions"
    return [
        route("GET", _SERVICE, guarded("read", _service)),
        route("GET", f"{_SERVICE}/products", guarded("products/read", products)),
        route(
            "GET HEAD", f"{_SERVICE}/products/{{product}}", guarded("products/read", _one_product)
        ),
        route(
            "GET HEAD",
            f"{_SERVICE}/products/{{product}}/policies/policy",
            guarded("products/policies/read", _policy),
        ),
        route("GET", here, guarded("subscriptions/read", subscriptions)),
        route("GET HEAD", f"{here}/{{sid}}", guarded("subscriptions/read", subscription)),
        route("PATCH", f"{here}/{{sid}}", guarded("subscriptions/write", patch)),
        route("PUT", f"{here}/{{sid}}", guarded("subscriptions/write", put)),
        route(
            "POST", f"{here}/{{sid}}/listSecrets", guarded("subscriptions/listSecrets", _secrets)
        ),
    ]


def etag(held: Held) -> str:
    """The version of a subscription as Azure writes it."""
    return f'"{base64.b64encode(held.version.to_bytes(8, "big")).decode()}"'


def touch(world: World, path: str) -> None:
    """Give the subscription at a path a new version, as a change by someone else would."""
    parts = path.strip("/").split("/")
    held = world.subscription(parts[-3], parts[-1]) if len(parts) > 3 else None
    if held is not None:
        held.version += 1


def _service(tenant: Tenant, _ask: Ask, _named: Mapping[str, str]) -> Reply:
    content = {
        "id": tenant.service_id,
        "name": tenant.service,
        "type": _TYPE,
        "location": tenant.region_label,
        "sku": {"name": "StandardV2", "capacity": 1},
        "etag": "AAAAAAAAAAE=",
        "properties": {
            "publisherEmail": "platform@example.com",
            "publisherName": tenant.name,
            "provisioningState": "Succeeded",
            "gatewayUrl": f"https://{tenant.service}.azure-api.net",
            "createdAtUtc": "2026-01-15T09:00:00Z",
        },
    }
    return answer(content)


def _listed(world: World, ask: Ask, contracts: list[Json]) -> Reply:
    if "$filter" in ask.query:
        raise Refusal(400, "ValidationError", "$filter is not supported by this simulator.")
    part = page(ask, contracts, world.knobs.list_page)
    link = {"nextLink": part.next_link} if part.next_link else {}
    return answer({"value": list(part.items), "count": part.total, **link})


def _product(tenant: Tenant, product: Product) -> Json:
    return {
        "id": f"{tenant.service_id}/products/{product.name}",
        "type": f"{_TYPE}/products",
        "name": product.name,
        "properties": {
            "displayName": product.display_name,
            "description": f"{product.tokens_per_minute} tokens a minute",
            "subscriptionRequired": True,
            "approvalRequired": True,
            "state": "published",
        },
    }


def _named_product(tenant: Tenant, named: Mapping[str, str]) -> Product:
    product = tenant.product(named["product"])
    if product is None:
        raise Refusal(404, "ResourceNotFound", "Product not found.")
    return product


def _one_product(tenant: Tenant, _ask: Ask, named: Mapping[str, str]) -> Reply:
    content = _product(tenant, _named_product(tenant, named))
    return answer(content, headers={"ETag": '"AAAAAAAAAAE="'})


def _policy(tenant: Tenant, ask: Ask, named: Mapping[str, str]) -> Reply:
    product = _named_product(tenant, named)
    text = _POLICY.format(
        rate=product.tokens_per_minute,
        quota=product.token_quota,
        period=product.token_quota_period,
    )
    content = {
        "id": f"{tenant.service_id}/products/{product.name}/policies/policy",
        "type": f"{_TYPE}/products/policies",
        "name": "policy",
        "properties": {"format": ask.query.get("format", "xml"), "value": text},
    }
    return answer(content, headers={"ETag": '"AAAAAAAAAAE="'})


def _contract(tenant: Tenant, held: Held) -> Json:
    return {
        "id": f"{tenant.service_id}/subscriptions/{held.name}",
        "type": f"{_TYPE}/subscriptions",
        "name": held.name,
        "properties": {
            "ownerId": f"{tenant.service_id}/users/1",
            "scope": f"{tenant.service_id}/products/{held.product}",
            "displayName": held.display_name,
            "state": held.state,
            "createdDate": held.created,
            "startDate": None,
            "expirationDate": None,
            "endDate": None,
            "notificationDate": None,
            "stateComment": held.comment,
            "allowTracing": False,
        },
    }


def _find(world: World, tenant: Tenant, name: str) -> Held:
    held = world.subscription(tenant.service, name)
    if held is None:
        raise Refusal(404, "ResourceNotFound", "Subscription not found.")
    return held


def _patch(world: World, tenant: Tenant, ask: Ask, name: str) -> Reply:
    with world.lock:
        held = _find(world, tenant, name)
        _matched(ask, held)
        wanted = _wanted(ask)
        held.display_name = wanted.get("displayName", held.display_name)
        comment = wanted.get("stateComment", held.comment)
        world.change_state(held, wanted.get("state", held.state), comment)
        return answer(_contract(tenant, held), headers={"ETag": etag(held)})


def _put(world: World, tenant: Tenant, ask: Ask, name: str) -> Reply:
    with world.lock:
        wanted = _wanted(ask)
        product = str(wanted.get("scope", "")).rstrip("/").rpartition("/products/")[2]
        if tenant.product(product) is None:
            raise Refusal(400, "ValidationError", "The scope does not name a product.")
        held, status = world.subscription(tenant.service, name), 200
        if held is None:
            now, status = world.clock.now(), 201
            key = f"{name}{now:%Y%m%d%H%M%S}".encode().hex()[:32].ljust(32, "0")
            created = now.strftime("%Y-%m-%dT%H:%M:%SZ")
            held = Held(tenant.service, name, name, product, key, created, state="submitted")
            world.held[held.id] = held
        held.display_name, held.product = wanted.get("displayName", held.display_name), product
        world.change_state(held, wanted.get("state", held.state), wanted.get("stateComment"))
        return answer(_contract(tenant, held), status=status, headers={"ETag": etag(held)})


def _matched(ask: Ask, held: Held) -> None:
    wanted = ask.headers.get("if-match")
    if wanted is None:
        message = "The required header 'If-Match' is missing."
        raise Refusal(400, "MissingOrIncorrectRequiredHeader", message)
    if wanted != "*" and wanted.removeprefix("W/") != etag(held):
        message = "The resource has been modified since it was read. Read it again and retry."
        raise Refusal(412, "PreconditionFailed", message)


def _wanted(ask: Ask) -> dict[str, Json]:
    wanted = ask.json().get("properties") or {}
    if "state" in wanted and wanted["state"] not in STATES:
        message = f"Invalid subscription state {wanted['state']!r}. One of: {', '.join(STATES)}."
        raise Refusal(400, "ValidationError", message)
    return dict(wanted)


def _secrets(_tenant: Tenant, _ask: Ask, _named: Mapping[str, str]) -> Reply:
    message = "The principal may not read subscription keys."
    raise Refusal(403, "AuthorizationFailed", message)
