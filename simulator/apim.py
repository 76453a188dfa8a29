"""API Management in the resource manager: service, products, policies, subscriptions."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping

from simulator import arm
from simulator.clock import iso
from simulator.setting import Product, Tenant
from simulator.state import Held, World
from simulator.wire import Ask, Json, Refusal, Reply, Route, answer, page, route

STATES = ("active", "suspended", "submitted", "rejected", "cancelled", "expired")
_SERVICE = (
    "/subscriptions/{azure}/resourceGroups/{group}"
    "/providers/Microsoft.ApiManagement/service/{service}"
)
_TYPE = "Microsoft.ApiManagement/service"
_LONGEST_NAME, _LONGEST_KEY = 100, 256
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
        wanted = _wanted(world, tenant, ask, held)
        _change(world, held, wanted)
        return _written(tenant, held, 200)


def _put(world: World, tenant: Tenant, ask: Ask, name: str) -> Reply:
    """Make a subscription, or change it: Azure wants no version where none was read."""
    with world.lock:
        held = world.subscription(tenant.service, name)
        wanted = _wanted(world, tenant, ask, held)
        if "scope" not in wanted:
            raise Refusal(400, "ValidationError", "The scope does not name a product.")
        if held is None:
            held = _new(world, tenant, name)
            _change(world, held, {"displayName": name, "state": "submitted", **wanted})
            return _written(tenant, held, 201)
        if "if-match" in ask.headers:
            _matched(ask, held)
        _change(world, held, wanted)
        return _written(tenant, held, 200)


def _new(world: World, tenant: Tenant, name: str) -> Held:
    """A subscription that no caller can use yet, with a key that nobody has been told."""
    created = iso(world.clock.now().replace(microsecond=0))
    key = secrets.token_hex(16)
    held = Held(tenant.service, name, name, "", key, created, state="submitted")
    held.changes.append((created, "submitted"))
    world.held[held.id] = held
    return held


def _change(world: World, held: Held, wanted: Mapping[str, Json]) -> None:
    """Set what is named; product and key count from now on, the state when it has got about."""
    held.display_name = wanted.get("displayName", held.display_name)
    held.product = wanted.get("scope", held.product)
    held.key = wanted.get("primaryKey", held.key)
    comment = wanted.get("stateComment", held.comment)
    world.change_state(held, wanted.get("state", held.state), comment)


def _written(tenant: Tenant, held: Held, status: int) -> Reply:
    """A write is answered with the key, which reading never shows."""
    content = _contract(tenant, held)
    content["properties"]["primaryKey"] = held.key
    return answer(content, status=status, headers={"ETag": etag(held)})


def _matched(ask: Ask, held: Held) -> None:
    wanted = ask.headers.get("if-match")
    if wanted is None:
        message = "The required header 'If-Match' is missing."
        raise Refusal(400, "MissingOrIncorrectRequiredHeader", message)
    if wanted != "*" and wanted.removeprefix("W/") != etag(held):
        message = "The resource has been modified since it was read. Read it again and retry."
        raise Refusal(412, "PreconditionFailed", message)


def _wanted(world: World, tenant: Tenant, ask: Ask, held: Held | None) -> dict[str, Json]:
    """What the body asks for, with the product's name as scope; what cannot be is refused."""
    wanted = dict(ask.json().get("properties") or {})
    if "state" in wanted and wanted["state"] not in STATES:
        message = f"Invalid subscription state {wanted['state']!r}. One of: {', '.join(STATES)}."
        raise Refusal(400, "ValidationError", message)
    if "scope" in wanted:
        named = str(wanted["scope"]).rstrip("/").rpartition("/products/")[2]
        product = tenant.product(named)
        if product is None:
            raise Refusal(400, "ValidationError", "The scope does not name a product.")
        wanted["scope"] = product.name
    if "primaryKey" in wanted:
        _check_key(world, tenant, str(wanted["primaryKey"]), held)
    if not 1 <= len(str(wanted.get("displayName", "x"))) <= _LONGEST_NAME:
        raise Refusal(400, "ValidationError", "displayName must have 1 to 100 characters.")
    return wanted


def _check_key(world: World, tenant: Tenant, key: str, held: Held | None) -> None:
    """A key opens one subscription of a service."""
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise Refusal(400, "ValidationError", "primaryKey must have 1 to 256 characters.")
    if any(h.key == key and h is not held for h in world.subscriptions(tenant.service)):
        raise Refusal(400, "ValidationError", "A subscription with this key exists already.")


def _secrets(_tenant: Tenant, _ask: Ask, _named: Mapping[str, str]) -> Reply:
    message = "The principal may not read subscription keys."
    raise Refusal(403, "AuthorizationFailed", message)
