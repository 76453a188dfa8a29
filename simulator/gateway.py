"""The data plane: chat completions behind keys, token limits and logs."""

from __future__ import annotations

import json
import math
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from simulator import habits, metadata, traffic
from simulator.logs import Call, Rows
from simulator.setting import Deployment, Product, Subscription, Tenant
from simulator.state import Held, World
from simulator.wire import Ask, Json, Refusal, Reply, Route, answer, route

_PATH = "/gateways/{service}/inference/openai/deployments/{deployment}/chat/completions"
_MINUTE = timedelta(seconds=60)
_BUSY = 429
_EFFORTS = {"low": 0.2, "medium": 0.4, "high": 0.6}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asks of a model, in tokens, and what it says of itself.

    Cached tokens are part of the prompt, reasoning tokens part of the completion.
    """

    prompt: int
    completion: int
    streamed: bool = False
    reports_usage: bool = True
    cached: int = 0
    reasoning: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entrance:
    """A gateway and the address at which it was called."""

    tenant: Tenant
    deployment: str


def routes(world: World) -> list[Route]:
    """The gateway's one operation."""

    def complete(ask: Ask, named: Mapping[str, str]) -> Reply:
        tenant = world.tenant(service=named["service"])
        if tenant is None:
            raise _refusal(404, "Resource not found")
        entrance = Entrance(tenant, named["deployment"])
        held = admitted(world, entrance, _key(ask))
        deployment = world.account(tenant).deployment(entrance.deployment)
        return call(world, entrance, held, _wish(ask, deployment))

    return [route("POST", _PATH, complete)]


def call(world: World, entrance: Entrance, held: Held, wish: Wish) -> Reply:
    """Serve one admitted call within its limits, and log it."""
    with world.lock:
        now = world.clock.now()
        told = _told(world, entrance, held, now)
        deployment = world.account(entrance.tenant).deployment(entrance.deployment)
        product = entrance.tenant.product(held.product)
        if deployment is None:
            world.logs.record([replace(told, status=404, rows=Rows.GATEWAY)])
            raise Refusal(404, "DeploymentNotFound", _NO_DEPLOYMENT)
        left = _limits(world, told, held, product, now) if product else {}
        total = wish.prompt + wish.completion
        _used(world, held).append((now, total))
        told = replace(told, retried=(_BUSY,) * world.knobs.failed_attempts)
        world.logs.record([_answered(told, deployment, wish)])
        headers = {"consumed-tokens": str(total)}
        headers |= {name: str(max(value - total, 0)) for name, value in left.items()}
        return _completion(deployment, wish, told.correlation, now, headers)


_NO_DEPLOYMENT = (
    "The API deployment for this resource does not exist. If you created the deployment within "
    "the last 5 minutes, please wait a moment and try again."
)
_NO_KEY = (
    "Access denied due to missing subscription key. Make sure to include subscription key when "
    "making requests to an API."
)
_BAD_KEY = (
    "Access denied due to invalid subscription key. Make sure to provide a valid key for an active "
    "subscription."
)


def _key(ask: Ask) -> str:
    given = ("api-key", "ocp-apim-subscription-key")
    found = next((ask.headers[name] for name in given if name in ask.headers), None)
    return found or ask.query.get("subscription-key", "")


def admitted(world: World, entrance: Entrance, key: str) -> Held:
    """The subscription whose key opens the gateway now; any other key is refused with 401."""
    now = world.clock.now()
    owned = world.subscriptions(entrance.tenant.service)
    held = next((h for h in owned if key and h.key == key), None)
    if held is not None and held.served_state(now) == "active":
        return held
    reason = "SubscriptionKeyInvalid" if key else "SubscriptionKeyNotFound"
    nobody = traffic.call(entrance.tenant, None, _unnamed(entrance.deployment), now)
    world.logs.record([_unserved(replace(nobody, correlation=str(uuid.uuid4())), 401, reason)])
    raise _refusal(401, _BAD_KEY if key else _NO_KEY)


def _told(world: World, entrance: Entrance, held: Held, now: datetime) -> Call:
    who = Subscription(held.name, held.display_name, held.product, held.key, ())
    called = _unnamed(entrance.deployment)
    return replace(
        traffic.call(entrance.tenant, who, called, now),
        correlation=str(uuid.uuid4()),
        ingestion_seconds=world.knobs.ingestion_seconds,
        metrics_delay_seconds=world.knobs.metrics_delay_seconds,
        dimensions=world.dimensions[entrance.tenant.service],
    )


def _limits(
    world: World, told: Call, held: Held, product: Product, now: datetime
) -> dict[str, int]:
    """What is left before this call; nothing left is 429 for the minute and 403 for the month."""
    used = _used(world, held)
    while used and used[0][0] <= now - _MINUTE:
        used.popleft()
    in_minute = sum(tokens for _, tokens in used)
    if in_minute >= product.tokens_per_minute:
        wait = max(math.ceil((used[0][0] + _MINUTE - now).total_seconds()), 1)
        world.logs.record([_unserved(told, 429, "TokenLimitExceeded")])
        message = f"Token limit is exceeded. Try again in {wait} seconds."
        raise _refusal(429, message, {"Retry-After": str(wait), "remaining-tokens": "0"})
    month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    in_month = world.logs.tokens(held.name, told.resource_id, month)
    if in_month >= product.token_quota:
        following = (month + timedelta(days=32)).replace(day=1)
        wait = math.ceil((following - now).total_seconds())
        world.logs.record([_unserved(told, 403, "TokenQuotaExceeded")])
        message = f"Token quota is exceeded. Try again in {timedelta(seconds=wait)}."
        headers = {"Retry-After": str(wait), "remaining-quota-tokens": "0"}
        raise _refusal(403, message, headers)
    return {
        "remaining-tokens": product.tokens_per_minute - in_minute,
        "remaining-quota-tokens": product.token_quota - in_month,
    }


def _used(world: World, held: Held) -> deque[tuple[datetime, int]]:
    return world.rates.setdefault((held.service, held.name), deque())


def _answered(told: Call, deployment: Deployment, wish: Wish) -> Call:
    counted = wish.reports_usage or not wish.streamed
    return replace(
        told,
        model=deployment.reported_model,
        prompt=wish.prompt if counted else 0,
        completion=wish.completion if counted else 0,
        streamed=wish.streamed,
        milliseconds=300 + wish.completion * 12,
        cached=wish.cached if counted else 0,
        reasoning=wish.reasoning if counted else 0,
        metadata=wish.metadata,
    )


def _unserved(told: Call, status: int, reason: str) -> Call:
    return replace(told, status=status, error=reason, rows=Rows.GATEWAY, backend="", backend_url="")


def _unnamed(deployment: str) -> Deployment:
    return Deployment(deployment, deployment, "", 0.0, 0.0)


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    content = {"statusCode": status, "message": message}
    return Refusal(status, "", message, headers=headers, body=content)


def _wish(ask: Ask, deployment: Deployment | None) -> Wish:
    content = ask.json()
    messages = content.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "invalid_request_error", "'messages' must be a list with a message.")
    # About four characters are a token; every message costs a few more.
    letters = sum(len(json.dumps(m.get("content", ""))) - 2 for m in messages)
    wanted = content.get("max_completion_tokens", content.get("max_tokens", 16))
    if not isinstance(wanted, int) or wanted < 1:
        raise Refusal(400, "invalid_request_error", "'max_tokens' must be a positive number.")
    options = content.get("stream_options") or {}
    prompt = max(letters // 4, 1) + 4 * len(messages)
    effort = _EFFORTS.get(str(content.get("reasoning_effort")), 0.0)
    thinks = deployment is not None and habits.reasons(deployment.model)
    return Wish(
        prompt=prompt,
        completion=wanted,
        streamed=bool(content.get("stream")),
        reports_usage=bool(options.get("include_usage")) or not content.get("stream"),
        # A caller that names a cache key repeats itself: half of its prompt is known.
        cached=prompt // 2 if content.get("prompt_cache_key") else 0,
        reasoning=int(wanted * effort) if thinks else 0,
        metadata=metadata.of_headers(ask.headers),
    )


def _completion(
    deployment: Deployment, wish: Wish, correlation: str, now: datetime, headers: dict[str, str]
) -> Reply:
    content: dict[str, Json] = {
        "id": f"chatcmpl-{correlation.replace('-', '')[:29]}",
        "object": "chat.completion",
        "created": int(now.timestamp()),
        "model": deployment.reported_model,
        "choices": [
            {
                "index": 0,
                "finish_reason": "length",
                "logprobs": None,
                "message": {"role": "assistant", "content": "All shelves are stocked."},
            }
        ],
        "usage": {
            "prompt_tokens": wish.prompt,
            "completion_tokens": wish.completion,
            "total_tokens": wish.prompt + wish.completion,
            "prompt_tokens_details": {"cached_tokens": wish.cached, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": wish.reasoning,
                "audio_tokens": 0,
            },
        },
    }
    if not wish.streamed:
        return answer(content, headers=headers)
    if not wish.reports_usage:
        content.pop("usage")
    content["object"] = "chat.completion.chunk"
    choice = content["choices"][0]
    choice["delta"] = choice.pop("message")
    body = f"data: {json.dumps(content)}\n\ndata: [DONE]\n\n".encode()
    return Reply(200, body, {"content-type": "text/event-stream", **headers})
