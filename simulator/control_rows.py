"""The control port's part about rows: add calls, copy, list and delete rows, make traffic."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from simulator import exports, gateway, traffic
from simulator.clock import iso, parse
from simulator.logs import TABLES, Call, Copies, Rows
from simulator.metadata import KEYS, Dimension, Source
from simulator.setting import Answers, Deployment, Subscription, Tenant
from simulator.state import Held, World
from simulator.wire import Ask, Json, Refusal, Reply, Route, answer, route

_ALL = 1_000_000_000
_EXPORTS = {"llm": exports.llm, "gateway": exports.gateway, "metrics": exports.metrics}


def routes(world: World) -> list[Route]:
    """What a demo or a test may do with rows.

    ``POST /rows`` takes calls in bulk; ``GET /rows`` gives the rows of a table with the instant of
    ingestion; ``DELETE /rows`` empties a workspace until the next reset; ``POST /copies`` ingests
    rows again; ``PUT /dimensions`` changes what the metrics of later calls say.
    """

    def tell(methods: str, path: str, act: Callable[[World, Ask], Json]) -> Route:
        return route(methods, path, lambda ask, _named: answer(act(world, ask)))

    def export(ask: Ask, named: Mapping[str, str]) -> Reply:
        written = _EXPORTS.get(named["log"])
        if written is None:
            raise Refusal(404, "UnknownExport", f"There are: {', '.join(_EXPORTS)}, prices.")
        return written(world, _tenant(world, ask.query.get("workspace")).workspace_id)

    return [
        tell("POST", "/rows", _rows),
        tell("GET", "/rows", _listed),
        tell("DELETE", "/rows", _emptied),
        tell("POST", "/copies", _copies),
        tell("PUT", "/dimensions", _dimensions),
        tell("POST", "/traffic", _traffic),
        route("GET", "/export/prices.csv", lambda _ask, _n: exports.prices(world)),
        route("GET", "/export/{log}.csv", export),
    ]


def held(world: World, service: str, name: str) -> Held:
    """A subscription; 404 if there is none of that name."""
    found = world.subscription(service, name)
    if found is None:
        raise Refusal(404, "UnknownSubscription", f"{service} has no subscription {name!r}.")
    return found


def _tenant(world: World, workspace: object) -> Tenant:
    tenant = next((t for t in world.tenants if t.workspace_id == workspace), None)
    if tenant is None:
        raise Refusal(404, "UnknownWorkspace", f"There is no workspace {workspace!r}.")
    return tenant


def _table(name: object) -> str:
    if name not in TABLES:
        raise Refusal(404, "UnknownTable", f"No table {name!r}. There are: {', '.join(TABLES)}.")
    return str(name)


def _listed(world: World, ask: Ask) -> Json:
    tenant, table = _tenant(world, ask.query.get("workspace")), _table(ask.query.get("table"))
    found = world.logs.raw(tenant.workspace_id, table)
    return {"rows": [{name: _shown(value) for name, value in row.items()} for row in found]}


def _shown(value: object) -> Json:
    return iso(value.replace(tzinfo=UTC)) if isinstance(value, datetime) else value


def _emptied(world: World, ask: Ask) -> Json:
    wanted = ask.json()
    tables = [_table(wanted["table"])] if "table" in wanted else TABLES
    world.empty(_tenant(world, wanted.get("workspace")).workspace_id, tables)
    return {"emptied": list(tables)}


def _copies(world: World, ask: Ask) -> Json:
    """Rows that are ingested twice: of one table, those with the given values of columns."""
    wanted = ask.json()
    workspace = _tenant(world, wanted.get("workspace")).workspace_id
    copies = Copies(
        table=_table(wanted.get("table")),
        values={name: str(value) for name, value in (wanted.get("where") or {}).items()},
        most=int(wanted.get("most", _ALL)),
        delay=timedelta(seconds=float(wanted.get("delay_seconds", 0.0))),
    )
    try:
        return {"copied": world.logs.copy(workspace, copies)}
    except KeyError as missing:
        message = f"{copies.table} has no column {missing.args[0]!r}."
        raise Refusal(400, "UnknownColumn", message) from None


def _dimensions(world: World, ask: Ask) -> Json:
    """The metric's dimensions of a tenant's gateway: names, and what fills each."""
    wanted = ask.json()
    tenant = world.tenant(service=str(wanted.get("service", "")))
    if tenant is None:
        raise Refusal(404, "UnknownService", f"There is no gateway {wanted.get('service')!r}.")
    given = wanted.get("dimensions")
    known = {source.value for source in Source}
    if not isinstance(given, dict) or not set(given.values()) <= known:
        message = f"The dimensions must be names with one of: {', '.join(sorted(known))}."
        raise Refusal(400, "UnknownSource", message)
    world.emit(tenant, tuple(Dimension(name, Source(source)) for name, source in given.items()))
    return {"dimensions": given}


def _rows(world: World, ask: Ask) -> Json:
    wanted = ask.json().get("rows")
    if not isinstance(wanted, list):
        raise Refusal(400, "NoRows", 'The body must be {"rows": [...]}.')
    calls = [_row(world, row) for row in wanted]
    return {"recorded": world.logs.record(calls), "correlations": [c.correlation for c in calls]}


def _row(world: World, row: dict[str, Json]) -> Call:
    tenant = _tenant(world, row.get("workspace"))
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
        metrics_delay_seconds=float(row.get("metrics_delay_seconds", 0.0)),
        cached=int(row.get("cached", 0)),
        reasoning=int(row.get("reasoning", 0)),
        retried=tuple(int(status) for status in row.get("retried", ())),
        dimensions=world.dimensions[tenant.service],
        metadata=_metadata(row.get("metadata") or {}),
    )


def _metadata(given: Mapping[str, Json]) -> dict[str, str]:
    if unknown := set(given) - set(KEYS):
        message = f"No metadata {min(unknown)!r}. There are: {', '.join(KEYS)}."
        raise Refusal(400, "UnknownMetadata", message)
    return {key: str(value) for key, value in given.items()}


def _traffic(world: World, ask: Ask) -> Json:
    """Live calls through the gateway's own code; how many ended with which status."""
    wanted = ask.json()
    caller = held(world, str(wanted.get("service", "")), str(wanted.get("subscription", "")))
    tenant = world.tenant(service=caller.service)
    if tenant is None:
        raise Refusal(404, "UnknownService", f"There is no gateway {caller.service!r}.")
    name = str(wanted.get("deployment", world.account(tenant).deployments[0].name))
    shape = traffic.pairs(Answers(wanted.get("answers", "typical")))
    outcome: dict[str, int] = {}
    for number in range(int(wanted.get("requests", 1))):
        pair = shape[(number * 7919) % len(shape)]
        wish = gateway.Wish(
            prompt=int(wanted.get("prompt", pair.prompt)),
            completion=int(wanted.get("completion", pair.completion)),
            cached=int(wanted.get("cached", 0)),
            reasoning=int(wanted.get("reasoning", 0)),
            metadata=_metadata(wanted.get("metadata") or {}),
        )
        if wanted.get("limits") == "ignore":
            world.rates.pop((caller.service, caller.name), None)
        status = str(_called(world, gateway.Entrance(tenant, name), caller, wish))
        outcome[status] = outcome.get(status, 0) + 1
    return {"statuses": outcome}


def _called(world: World, entrance: gateway.Entrance, caller: Held, wish: gateway.Wish) -> int:
    try:
        admitted = gateway.admitted(world, entrance, caller.key)
        return gateway.call(world, entrance, admitted, wish).status
    except Refusal as refusal:
        return refusal.reply.status
