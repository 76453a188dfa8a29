"""The two web applications: Azure behind TLS, and the control port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from simulator import apim, cognitive, control, entra, gateway, log_analytics, retail_prices
from simulator.clock import iso
from simulator.faults import Fault, Kind, refused
from simulator.state import World
from simulator.wire import Ask, Reply, Route, dispatch

_SHOWN = 20_000
_WRITES = ("PUT", "PATCH", "POST", "DELETE")
_TRANSPORTS: dict[tuple[str, int], asyncio.Transport] = {}


class Protocol(H11Protocol):
    """HTTP that remembers its connections, so that a fault can cut one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the connection by the client's address."""
        super().connection_made(transport)
        if self.client is not None:
            _TRANSPORTS[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self.client is not None:
            _TRANSPORTS.pop(self.client, None)
        super().connection_lost(exc)


def azure(world: World) -> ASGIApp:
    """Azure: directory, resource manager, logs, prices and the AI gateways."""
    rooms = (entra, apim, cognitive, log_analytics, retail_prices, gateway)
    table = [entry for room in rooms for entry in room.routes(world)]

    async def serve(request: Request) -> Response | None:
        ask = await _ask(request)
        fault = world.faults.take(ask)
        if fault is not None and fault.kind is Kind.LATENCY:
            await asyncio.sleep(fault.number("seconds", 1.0))
        if fault is not None and fault.kind is Kind.RESET:
            _note(world, ask, 0)
            _cut(request)
            return None
        reply = await run_in_threadpool(_served, world, table, ask, fault)
        _note(world, ask, reply.status)
        if fault is not None and fault.kind is Kind.TRUNCATE:
            return _Truncated(_response(ask, reply), int(fault.number("bytes", -1)))
        return _response(ask, reply)

    return _asgi(serve)


def controls(world: World) -> ASGIApp:
    """The control port."""
    table = control.routes(world)

    async def serve(request: Request) -> Response:
        ask = await _ask(request)
        return _response(ask, await run_in_threadpool(dispatch, table, ask))

    return _asgi(serve)


def _served(world: World, table: Iterable[Route], ask: Ask, fault: Fault | None) -> Reply:
    if fault is None:
        return world.faults.spoil(None, ask, dispatch(table, ask))
    answered = refused(fault)
    if answered is not None:
        return answered
    match fault.kind:
        case Kind.ETAG_RACE:
            apim.touch(world, ask.path)
        case Kind.LATE:
            ask = replace(ask, late_seconds=fault.number("seconds", 3600.0))
        case Kind.DROP_WRITE:
            return _forgotten(world, table, ask)
        case _:
            pass
    return world.faults.spoil(fault, ask, dispatch(table, ask))


def _forgotten(world: World, table: Iterable[Route], ask: Ask) -> Reply:
    """The answer of a write that succeeded, and the state as if it had never come."""
    with world.lock:
        before = {name: replace(h, changes=list(h.changes)) for name, h in world.held.items()}
        reply = dispatch(table, ask)
        world.held = before
        world.save()
        return reply


def _note(world: World, ask: Ask, status: int) -> None:
    secret = ask.path.endswith("/token")
    body = ask.body.decode("utf-8", "replace")[:_SHOWN]
    world.journal.append(
        {
            "method": ask.method,
            "path": ask.path,
            "query": dict(ask.query),
            "status": status,
            "time": iso(world.clock.now()),
            "if_match": ask.headers.get("if-match"),
            "user_agent": ask.headers.get("user-agent"),
            "body": body if ask.method in _WRITES and not secret else None,
        }
    )


async def _ask(request: Request) -> Ask:
    host = request.headers.get("host", "localhost")
    return Ask(
        method=request.method,
        path=request.url.path,
        query=dict(request.query_params),
        headers=dict(request.headers.items()),
        body=await request.body(),
        base=f"{request.url.scheme}://{host}",
    )


def _response(ask: Ask, reply: Reply) -> Response:
    body = b"" if ask.method == "HEAD" else reply.body
    return Response(body, status_code=reply.status, headers=dict(reply.headers))


def _cut(request: Request) -> None:
    """Close the connection without a word."""
    client = request.client
    transport = _TRANSPORTS.get((client.host, client.port)) if client else None
    if transport is not None:
        transport.abort()


class _Truncated(Response):
    """Promises the whole body, sends a part of it, and cuts the connection."""

    def __init__(self, whole: Response, count: int) -> None:
        super().__init__(bytes(whole.body), status_code=whole.status_code)
        self.raw_headers = whole.raw_headers
        self._count = count if count >= 0 else len(whole.body) // 2

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        part = bytes(self.body)[: self._count]
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(0)
        _cut(Request(scope))


def _asgi(serve: Callable[[Request], Awaitable[Response | None]]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        response = await serve(Request(scope, receive))
        if response is not None:
            await response(scope, receive, send)

    return app
