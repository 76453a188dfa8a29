"""A history of calls, shaped by a real trace, that tells each team's spend to the cent or two.

The trace gives token pairs and bursts; office hours and weekdays give the shape of a day and of
a week. Spend targets come from the setting and are laid over the elapsed part of the running
month, so that the story holds on any day.
"""

from __future__ import annotations

import bisect
import csv
import gzip
import itertools
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from simulator import habits
from simulator.logs import Call, Rows
from simulator.setting import (
    Answers,
    Deployment,
    OtherKinds,
    Size,
    Spend,
    Subscription,
    Tenant,
    Work,
)

_TRACE = Path(__file__).parent / "data" / "llm-trace-conv.csv.gz"
_CROSSES_AT = 0.8
_SMALL = 0.1
_BUSY_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 14, 16, 18, 17, 14, 10, 7, 5, 4, 3, 2, 1)
_OPERATIONS = {Work.CHAT: "ChatCompletions_Create", Work.EMBEDDING: "Embeddings_Create"}
_BUSY_DAYS = (1.0, 1.1, 1.1, 1.0, 0.9, 0.3, 0.25)


@dataclass(frozen=True, slots=True)
class Pair:
    """A request of the trace: seconds since its start, context and generated tokens."""

    second: float
    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Month:
    """The part of a local calendar month that has passed; UTC instants, half-open."""

    start: datetime
    end: datetime
    spend_index: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A request that will be laid into a month."""

    deployment: Deployment
    pair: Pair
    position: float = 0.0


def history(
    tenant: Tenant,
    *,
    now: datetime,
    seed: str,
    size: Size,
    other_kinds: OtherKinds = OtherKinds.ON,
) -> Iterator[Call]:
    """All calls of a tenant: two whole months and the running one up to now."""
    share = _SMALL if size is Size.SMALL else 1.0
    for month in months(tenant, now):
        for subscription in tenant.subscriptions:
            dice = random.Random(f"{seed}|{subscription.name}|{month.start.isoformat()}")  # noqa: S311
            yield from habits.applied(
                subscription, _month_of(tenant, subscription, month, dice, share)
            )
            if other_kinds is OtherKinds.ON:
                # Dice of their own, so that the other calls are the same with them and without.
                dice = random.Random(f"{seed}|{subscription.name}|{month.start}|other kinds")  # noqa: S311
                yield from habits.applied(
                    subscription, _other_kinds(tenant, subscription, month, dice, share)
                )


def months(tenant: Tenant, now: datetime) -> tuple[Month, ...]:
    """Two whole months before the running one in the tenant's zone, and its elapsed part."""
    zone = ZoneInfo(tenant.time_zone)
    local = now.astimezone(zone)
    starts = []
    for back in (2, 1, 0):
        number = local.year * 12 + local.month - 1 - back
        starts.append(datetime(number // 12, number % 12 + 1, 1, tzinfo=zone).astimezone(UTC))
    ends = (starts[1], starts[2], now.astimezone(UTC))
    return tuple(Month(s, e, i) for i, (s, e) in enumerate(zip(starts, ends, strict=True)))


@lru_cache(maxsize=4)
def pairs(answers: Answers) -> tuple[Pair, ...]:
    """The rows of the trace that a kind of work is drawn from, in order of time."""
    return tuple(pair for pair in _trace() if _fits(pair, answers))


def call(
    tenant: Tenant, subscription: Subscription | None, deployment: Deployment, at: datetime
) -> Call:
    """A call without tokens yet, addressed as the gateway would address it."""
    return replace(_addressed(tenant, subscription, deployment), at=at)


@lru_cache(maxsize=256)
def _addressed(tenant: Tenant, subscription: Subscription | None, deployment: Deployment) -> Call:
    work = "embeddings" if deployment.work is Work.EMBEDDING else "chat/completions"
    path = f"openai/deployments/{deployment.name}/{work}?api-version=2024-10-21"
    return Call(
        workspace=tenant.workspace_id,
        at=datetime.min.replace(tzinfo=UTC),
        correlation="",
        subscription=subscription.name if subscription else "",
        product=subscription.product if subscription else "",
        api="inference-api",
        operation=_OPERATIONS[deployment.work],
        region=tenant.region_label,
        resource_id=tenant.service_id,
        url=f"https://{tenant.service}.azure-api.net/inference/{path}",
        backend="inference-backend",
        backend_url=f"https://{tenant.account.host}/{path}",
        deployment=deployment.name,
        model=deployment.reported_model,
        prompt=None,
        completion=None,
        dimensions=tenant.dimensions,
    )


@lru_cache(maxsize=1)
def _trace() -> tuple[Pair, ...]:
    with gzip.open(_TRACE, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first = datetime.fromisoformat(rows[0]["TIMESTAMP"][:26])
    return tuple(
        Pair(
            (datetime.fromisoformat(row["TIMESTAMP"][:26]) - first).total_seconds(),
            int(row["ContextTokens"]),
            int(row["GeneratedTokens"]),
        )
        for row in rows
    )


def _fits(pair: Pair, answers: Answers) -> bool:
    if answers is Answers.LONG:
        return pair.completion >= max(150.0, 0.6 * pair.prompt)
    return pair.prompt < 2500 and pair.completion * 8 >= pair.prompt


def _month_of(
    tenant: Tenant, subscription: Subscription, month: Month, dice: random.Random, share: float
) -> Iterator[Call]:
    if month.end <= month.start:
        return
    planned = _planned(tenant, subscription.spends, month, dice, share)
    crosses = subscription.crosses_usd if month.spend_index == 2 else None
    placed = _positions(planned, crosses * share if crosses else None)
    instants = _instants(tenant, subscription, month, planned, placed)
    for request, at in zip(planned, instants, strict=True):
        yield from _as_calls(tenant, subscription, request, at, dice)
    yield from _oddities(tenant, subscription, month, dice, share)


def _other_kinds(
    tenant: Tenant, subscription: Subscription, month: Month, dice: random.Random, share: float
) -> Iterator[Call]:
    """Plain calls of deployments of other kinds, all of them answered."""
    if month.end <= month.start:
        return
    planned = _planned(tenant, subscription.other_kinds, month, dice, share)
    placed = _positions(planned, None)
    instants = _instants(tenant, subscription, month, planned, placed)
    for request, at in zip(planned, instants, strict=True):
        yield replace(
            _addressed(tenant, subscription, request.deployment),
            at=at,
            correlation=_id(dice),
            prompt=request.pair.prompt,
            completion=request.pair.completion,
            milliseconds=300 + request.pair.completion * 12,
        )


def _planned(
    tenant: Tenant, spends: tuple[Spend, ...], month: Month, dice: random.Random, share: float
) -> list[Planned]:
    """The requests of a month, in order."""
    planned = [
        request
        for spend in spends
        for request in _plan(tenant, spend, month.spend_index, dice, share)
    ]
    return sorted(planned, key=lambda request: request.position)


def _plan(
    tenant: Tenant, spend: Spend, index: int, dice: random.Random, share: float
) -> Iterator[Planned]:
    """Consecutive rows of the trace until the money is spent; the last one is cut to fit."""
    deployment = tenant.account.deployment(spend.deployment)
    if deployment is None:
        return
    rows, left = _pairs_of(deployment, spend.answers), spend.usd[index] * share
    offset = dice.randrange(len(rows))
    chosen: list[Pair] = []
    for pair in itertools.islice(itertools.cycle(rows), offset, None):
        cost = deployment.cost(pair.prompt, pair.completion)
        if cost > left:
            break
        left -= cost
        chosen.append(pair)
    second = chosen[-1].second if chosen else 0.0
    if deployment.work is Work.EMBEDDING:
        rest = int(left * 1e6 / deployment.input_per_million)
        chosen.extend([Pair(second, rest, 0)] if rest > 0 else [])
    else:
        rest = int((left * 1e6 - 20 * deployment.input_per_million) / deployment.output_per_million)
        chosen.extend([Pair(second, 20, rest)] if rest > 0 else [])
    for pair, position in zip(chosen, _burst(chosen), strict=True):
        yield Planned(deployment, pair, position)


def _pairs_of(deployment: Deployment, answers: Answers) -> tuple[Pair, ...]:
    """The rows of the trace for a deployment; an embedding has no answer in tokens."""
    if deployment.work is Work.EMBEDDING:
        return tuple(Pair(pair.second, pair.prompt, 0) for pair in pairs(answers))
    return pairs(answers)


def _burst(chosen: list[Pair]) -> Iterator[float]:
    """Positions in [0, 1) with the gaps that the trace has; its end is joined to its start."""
    gaps = [max(b.second - a.second, 0.0) for a, b in itertools.pairwise(chosen)]
    total = sum(gaps) + 1.0
    yield from (reached / total for reached in itertools.accumulate(gaps, initial=0.0))


def _positions(planned: list[Planned], crosses_usd: float | None) -> list[float]:
    """Where in the month each request lies; a crossing is bent to its place."""
    if crosses_usd is None:
        return [request.position for request in planned]
    spent = itertools.accumulate(
        r.deployment.cost(r.pair.prompt, r.pair.completion) for r in planned
    )
    turn = next((r.position for r, s in zip(planned, spent, strict=True) if s > crosses_usd), 1.0)
    placed = []
    for request in planned:
        before = request.position <= turn
        inside = request.position / turn if before else (request.position - turn) / (1 - turn)
        bent = inside * _CROSSES_AT if before else _CROSSES_AT + inside * (1 - _CROSSES_AT)
        placed.append(min(bent, 0.999999))
    return placed


def _instants(
    tenant: Tenant,
    subscription: Subscription,
    month: Month,
    planned: list[Planned],
    placed: list[float],
) -> list[datetime]:
    """Positions as instants in busy hours, spaced as the token rate allows where there is room."""
    rhythm = Rhythm(tenant, month)
    bare = [rhythm.at(position) for position in placed]
    product = tenant.product(subscription.product)
    rate = product.tokens_per_minute if product else 1000
    spaced: list[datetime] = []
    free = month.start
    for request, at in zip(planned, bare, strict=True):
        spaced.append(max(at, free))
        tokens = request.pair.prompt + request.pair.completion
        free = spaced[-1] + timedelta(seconds=tokens * 60 / rate)
    if spaced and spaced[-1] < month.end:
        return spaced
    return bare


class Rhythm:
    """Maps positions in [0, 1) to instants so that busy hours get their larger share."""

    def __init__(self, tenant: Tenant, month: Month) -> None:
        self._month, zone = month, ZoneInfo(tenant.time_zone)
        edges, at = [month.start], month.start
        while (
            at := at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        ) < month.end:
            edges.append(at)
        edges.append(month.end)
        self._edges = edges
        weights = [_weight(a.astimezone(zone), (b - a)) for a, b in itertools.pairwise(edges)]
        self._reached = list(itertools.accumulate(weights, initial=0.0))

    def at(self, position: float) -> datetime:
        """The instant at a position; whole milliseconds, always before the end."""
        wanted = position * self._reached[-1]
        hour = min(bisect.bisect_right(self._reached, wanted) - 1, len(self._edges) - 2)
        width = self._reached[hour + 1] - self._reached[hour]
        inside = (wanted - self._reached[hour]) / width if width else 0.0
        exact = self._edges[hour] + (self._edges[hour + 1] - self._edges[hour]) * inside
        return exact.replace(microsecond=exact.microsecond // 1000 * 1000)


def _weight(local: datetime, width: timedelta) -> float:
    return _BUSY_HOURS[local.hour] * _BUSY_DAYS[local.weekday()] * width.total_seconds()


def _as_calls(
    tenant: Tenant,
    subscription: Subscription,
    request: Planned,
    at: datetime,
    dice: random.Random,
) -> Iterator[Call]:
    """The request itself and, now and then, what goes wrong beside it."""
    luck = dice.random()
    told = _addressed(tenant, subscription, request.deployment)
    plain = replace(
        told,
        at=at,
        correlation=_id(dice),
        prompt=request.pair.prompt,
        completion=request.pair.completion,
        milliseconds=300 + request.pair.completion * 12,
        api="inference-api;rev=1" if luck < 0.05 else told.api,
        model=request.deployment.model if 0.05 < luck < 0.15 else told.model,
    )
    yield plain
    luck = dice.random()
    if luck < 0.025:
        yield _mishap(replace(plain, correlation=_id(dice)), luck)


def _mishap(beside: Call, luck: float) -> Call:
    """A call that was refused, answered from the cache, or streamed without its usage."""
    unserved = replace(beside, rows=Rows.GATEWAY, backend_url="", backend="", milliseconds=4)
    if luck < 0.010:
        return replace(unserved, status=429, error="TokenLimitExceeded")
    if luck < 0.012:
        return replace(unserved, status=403, error="TokenQuotaExceeded")
    if luck < 0.020:
        return replace(unserved, cache="hit")
    tokens = 0 if luck < 0.0225 else None
    return replace(beside, prompt=tokens, completion=tokens, streamed=True)


def _oddities(
    tenant: Tenant, subscription: Subscription, month: Month, dice: random.Random, share: float
) -> Iterator[Call]:
    """What no rule foresees: the all-access key, and a deployment that the account lacks."""
    if subscription is not tenant.subscriptions[0]:
        return
    rhythm, count = Rhythm(tenant, month), max(2, round(6 * share))
    mini = tenant.account.deployments[1]
    for _ in range(count):
        nobody = call(tenant, None, mini, rhythm.at(dice.random()))
        yield replace(nobody, correlation=_id(dice), prompt=210, completion=90)
    if tenant.preview_deployment is None:
        return
    unknown = Deployment(tenant.preview_deployment, tenant.preview_deployment, "preview", 0.0, 0.0)
    for _ in range(count):
        early = call(tenant, subscription, unknown, rhythm.at(dice.random()))
        yield replace(early, correlation=_id(dice), model=unknown.model, prompt=340, completion=160)


def _id(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))
