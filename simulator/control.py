"""The control port: move the clock, order faults, add rows, read what was asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from datetime import timedelta

from simulator import exports, gateway, traffic
from simulator.apim import STATES
from simulator.clock import Pace, iso, parse
from simulator.logs import Call, Rows
from simulator.setting import Answers, Deployment, Subscription, Tenant
from simulator.state import Held, Knobs, World
from simulator.wire import Ask, Json, Refusal, Reply, Route, answer, route

Told = Callable[[Ask], Json]
_TOLD = {"model", "version", "sku", "capacity", "created"}


def routes(world: World) -> list[Route]:
    """Everything a demo or a test may do to the simulated Azure."""

    def tell(methods: str, path: str, act: Told) -> Route:
        return route(methods, path, lambda ask, _named: answer(act(ask)))

    def state(ask: Ask, named: Mapping[str, str]) -> Reply:
        return answer(_change_state(world, ask, named["service"], named["sid"]))

    return [
        tell("GET", "/ready", lambda _ask: {"ready": True, "now": iso(world.clock.now())}),
        tell("GET", "/setting", lambda _ask: _setting(world)),
        tell("GET POST", "/clock", lambda ask: _clock(world, ask)),
        tell("GET POST", "/knobs", lambda ask: _knobs(world, ask)),
        tell("POST", "/reset", lambda _ask: _reset(world)),
        tell("GET POST DELETE", "/faults", lambda ask: _faults(world, ask)),
        tell("GET DELETE", "/requests", lambda ask: _requests(world, ask)),
        route("GET POST", "/subscriptions/{service}/{sid}", state),
        tell("POST", "/rows", lambda ask: _rows(world, ask)),
        tell("PUT DELETE", "/deployments", lambda ask: _deployments(world, ask)),
        tell("PUT DELETE", "/prices", lambda ask: _prices(world, ask)),
        tell("POST", "/traffic", lambda ask: _traffic(world, ask)),
        route("GET", "/export/llm.csv", lambda ask, _n: exports.llm(world, _workspace(world, ask))),
        route(
            "GET",
            "/export/gateway.csv",
            lambda ask, _n: exports.gateway(world, _workspace(world, ask)),
        ),
        route("GET", "/export/prices.csv", lambda _ask, _n: exports.prices(world)),
    ]


def _setting(world: World) -> Json:
    return {
        "now": iso(world.clock.now()),
        "azure": world.azure_url,
        "tenants": [_tenant(world, tenant) for tenant in world.tenants],
    }


def _tenant(world: World, tenant: Tenant) -> Json:
    account = world.account(tenant)
    return {
        "name": tenant.name,
        "time_zone": tenant.time_zone,
        "entra_tenant_id": tenant.entra_tenant_id,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "azure_subscription_id": tenant.azure_subscription_id,
        "resource_group": tenant.resource_group,
        "region": tenant.region,
        "service": {"name": tenant.service, "resource_id": tenant.service_id},
        "gateway_url": f"{world.azure_url}/gateways/{tenant.service}/inference",
        "workspace_id": tenant.workspace_id,
        "accounts": [
            {
                "name": account.name,
                "region": account.region,
                "host": account.host,
                "resource_id": tenant.account_id,
                "deployments": [_deployment(d) for d in account.deployments],
            }
        ],
        "products": [asdict(product) for product in tenant.products],
        "subscriptions": [
            {
                "name": held.name,
                "display_name": held.display_name,
                "product": held.product,
                "key": held.key,
                "state": held.state,
            }
            for held in world.subscriptions(tenant.service)
        ],
    }


def _deployment(deployment: Deployment) -> Json:
    return {
        "name": deployment.name,
        "model": deployment.model,
        "version": deployment.version,
        "sku": deployment.sku,
        "capacity": deployment.capacity,
        "created": deployment.created,
    }


def _clock(world: World, ask: Ask) -> Json:
    if ask.method == "POST":
        wanted = ask.json()
        if "freeze" in wanted:
            world.clock.change_pace(Pace.FROZEN if wanted["freeze"] else Pace.RUNNING)
        if "now" in wanted:
            world.clock.move_to(parse(str(wanted["now"])))
        if "advance_seconds" in wanted:
            world.clock.advance(timedelta(seconds=float(wanted["advance_seconds"])))
        world.save()
    return {"now": iso(world.clock.now()), "pace": world.clock.pace.value}


def _knobs(world: World, ask: Ask) -> Json:
    if ask.method == "POST":
        for name, value in ask.json().items():
            if name not in {f.name for f in fields(Knobs)}:
                known = ", ".join(f.name for f in fields(Knobs))
                raise Refusal(400, "UnknownKnob", f"No knob {name!r}. There are: {known}.")
            setattr(world.knobs, name, type(getattr(world.knobs, name))(value))
        world.save()
    return asdict(world.knobs)


def _reset(world: World) -> Json:
    world.reset()
    return {"now": iso(world.clock.now())}


def _faults(world: World, ask: Ask) -> Json:
    if ask.method == "GET":
        return {"waiting": world.faults.waiting()}
    if ask.method == "DELETE":
        world.faults.clear()
        return {"cleared": True}
    fault = world.faults.order(ask.json())
    return {"kind": fault.kind.value, "times": fault.times, "after": fault.after}


def _requests(world: World, ask: Ask) -> Json:
    if ask.method == "DELETE":
        world.journal.clear()
    return {"requests": list(world.journal)}


def _change_state(world: World, ask: Ask, service: str, name: str) -> Json:
    held = _held(world, service, name)
    if ask.method == "POST":
        wanted = ask.json()
        if wanted.get("state") not in STATES:
            raise Refusal(400, "UnknownState", f"state must be one of: {', '.join(STATES)}.")
        world.change_state(held, wanted["state"], wanted.get("comment"))
    return {"name": held.name, "state": held.state, "comment": held.comment}


def _held(world: World, service: str, name: str) -> Held:
    held = world.subscription(service, name)
    if held is None:
        raise Refusal(404, "UnknownSubscription", f"{service} has no subscription {name!r}.")
    return held


def _deployments(world: World, ask: Ask) -> Json:
    """Change, add or delete a deployment; an added one needs its model and version."""
    wanted = ask.json()
    tenant = next((t for t in world.tenants if t.account.name == wanted.get("account")), None)
    if tenant is None:
        raise Refusal(404, "UnknownAccount", f"There is no account {wanted.get('account')!r}.")
    account, name = world.account(tenant), str(wanted.get("name", ""))
    known = account.deployment(name)
    if ask.method == "DELETE":
        world.remove(account, name)
    elif not name or (known is None and not {"model", "version"} <= wanted.keys()):
        raise Refusal(400, "IncompleteDeployment", "A new one needs name, model and version.")
    else:
        now = iso(world.clock.now())
        held = known or Deployment(name, "", "", 0.0, 0.0, created=now)
        given = {k: wanted[k] for k in _TOLD & wanted.keys()}
        if "created" in given:
            given["created"] = iso(parse(str(given["created"])))
        world.deploy(account, replace(held, changed=now, **given))
    return {"deployments": [_deployment(one) for one in world.account(tenant).deployments]}


def _prices(world: World, ask: Ask) -> Json:
    wanted = ask.json()
    if ask.method == "DELETE":
        changed = world.prices.remove(wanted)
    elif "meterName" not in wanted or "retailPrice" not in wanted:
        raise Refusal(400, "IncompletePrice", "A price needs at least meterName and retailPrice.")
    else:
        changed = world.prices.change(wanted)
    world.save()
    return {"changed": changed}


def _workspace(world: World, ask: Ask) -> str:
    wanted = ask.query.get("workspace", "")
    if wanted not in {tenant.workspace_id for tenant in world.tenants}:
        raise Refusal(404, "UnknownWorkspace", f"There is no workspace {wanted!r}.")
    return wanted


def _rows(world: World, ask: Ask) -> Json:
    wanted = ask.json().get("rows")
    if not isinstance(wanted, list):
        raise Refusal(400, "NoRows", 'The body must be {"rows": [...]}.')
    calls = [_row(world, row) for row in wanted]
    return {"recorded": world.logs.record(calls), "correlations": [c.correlation for c in calls]}


def _row(world: World, row: dict[str, Json]) -> Call:
    tenant = next((t for t in world.tenants if t.workspace_id == row.get("workspace")), None)
    if tenant is None:
        raise Refusal(404, "UnknownWorkspace", f"There is no workspace {row.get('workspace')!r}.")
    account = world.account(tenant)
    name = str(row.get("deployment", account.deployments[0].name))
    called = account.deployment(name) or Deployment(name, name, "", 0.0, 0.0)
    who = world.subscription(tenant.service, str(row.get("subscription", "")))
    given = Subscription(who.name, who.display_name, who.product, who.key, ()) if who else None
    at = parse(str(row["at"])) if "at" in row else world.clock.now()
    told = traffic.call(tenant, given, called, at)
    return replace(
        told,
        correlation=str(row.get("correlation") or uuid.uuid4()),
        subscription=str(row.get("subscription", "")),
        product=str(row.get("product", told.product)),
        model=str(row.get("model", called.reported_model if called.version else name)),
        prompt=row.get("prompt"),
        completion=row.get("completion"),
        status=int(row.get("status", 200)),
        cache=str(row.get("cache", "none")),
        rows=Rows(row.get("tables", "both")),
        streamed=bool(row.get("streamed", False)),
        ingestion_seconds=float(row.get("ingestion_delay_seconds", 0.0)),
        llm_lag_seconds=float(row.get("llm_lag_seconds", 0.0)),
    )


def _traffic(world: World, ask: Ask) -> Json:
    """Live calls through the gateway's own code; how many ended with which status."""
    wanted = ask.json()
    held = _held(world, str(wanted.get("service", "")), str(wanted.get("subscription", "")))
    tenant = world.tenant(service=held.service)
    if tenant is None:
        raise Refusal(404, "UnknownService", f"There is no gateway {held.service!r}.")
    name = str(wanted.get("deployment", world.account(tenant).deployments[0].name))
    shape = traffic.pairs(Answers(wanted.get("answers", "typical")))
    outcome: dict[str, int] = {}
    for number in range(int(wanted.get("requests", 1))):
        pair = shape[(number * 7919) % len(shape)]
        wish = gateway.Wish(
            prompt=int(wanted.get("prompt", pair.prompt)),
            completion=int(wanted.get("completion", pair.completion)),
        )
        if wanted.get("limits") == "ignore":
            world.rates.pop((held.service, held.name), None)
        status = str(_called(world, gateway.Entrance(tenant, name), held, wish))
        outcome[status] = outcome.get(status, 0) + 1
    return {"statuses": outcome}


def _called(world: World, entrance: gateway.Entrance, held: Held, wish: gateway.Wish) -> int:
    try:
        admitted = gateway.admitted(world, entrance, held.key)
        return gateway.call(world, entrance, admitted, wish).status
    except Refusal as refusal:
        return refusal.reply.status
