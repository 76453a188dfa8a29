"""The control port: move the clock, order faults, add rows, read what was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from datetime import timedelta

from simulator import control_rows
from simulator.apim import STATES
from simulator.clock import Pace, iso, parse
from simulator.setting import Deployment, Tenant
from simulator.state import Knobs, World
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
        tell("PUT DELETE", "/deployments", lambda ask: _deployments(world, ask)),
        tell("PUT DELETE", "/prices", lambda ask: _prices(world, ask)),
        *control_rows.routes(world),
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
        "dimensions": {d.name: d.source.value for d in world.dimensions[tenant.service]},
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
    held = control_rows.held(world, service, name)
    if ask.method == "POST":
        wanted = ask.json()
        if wanted.get("state") not in STATES:
            raise Refusal(400, "UnknownState", f"state must be one of: {', '.join(STATES)}.")
        world.change_state(held, wanted["state"], wanted.get("comment"))
    return {"name": held.name, "state": held.state, "comment": held.comment}


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
