"""Usage and cost broken down by any dimension: tokens, money, calls, quantiles, in one statement.

Money is on the estimated basis, in the tenant's billing currency, exact. Each local day is of
whom its subscription was on that day, as on a statement. Members of teams see their teams' days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path

from django.db import connection

from billing import sources
from billing.rules.histograms import LATENCY, PROMPTS
from billing.rules.token_classes import TokenClass
from billing.sources.seam import COUNTS
from inventory.models import Gateway, Subscription, Team, UsageSource
from inventory.rules.dimensions import OVERFLOW, Dimension
from tenancy import access, scope
from tenancy.access import Actor
from tenancy.money import EXACT, Money
from tenancy.refusals import Invalid

#: By how many dimensions at once.
MOST_DIMENSIONS = 3
_EVERYTHING = 2**62


class By(StrEnum):
    """What usage can be broken down by.

    The first four are what was recorded of a subscription, by day; those of the ``caller`` and
    further metadata are what came with the calls.
    """

    TEAM = "team"
    COST_CENTER = "cost_center"
    ENVIRONMENT = "environment"
    APPLICATION = "application"
    SUBSCRIPTION = "subscription"
    GATEWAY = "gateway"
    PRODUCT = "product"
    API = "api"
    OPERATION = "operation"
    DEPLOYMENT = "deployment"
    MODEL = "model"
    TOKEN_CLASS = "token_class"  # noqa: S105 - a class of usage, no secret
    REGION = "region"
    BACKEND = "backend"
    STREAMING = "streaming"
    CALLER_APPLICATION = "caller_application"
    USE_CASE = "use_case"
    AGENT = "agent"
    CALLER_ENVIRONMENT = "caller_environment"
    CLIENT_TENANT = "client_tenant"
    USER_GROUP = "user_group"
    CALLER_COST_CENTER = "caller_cost_center"
    DAY = "day"

    @property
    def label(self) -> str:
        """In the reader's words, to stand in a sentence."""
        return _LABELS.get(self, self.value.replace("_", " "))

    @property
    def dimension(self) -> Dimension | None:
        """What a source must tell for it; None where it is known without."""
        if self.value.startswith("caller_"):
            return Dimension(self.value.removeprefix("caller_"))
        return None if self in _RECORDED or self in _KNOWN else Dimension(self.value)


_RECORDED = (By.TEAM, By.COST_CENTER, By.ENVIRONMENT, By.APPLICATION)
_KNOWN: Mapping[By, str] = {
    By.SUBSCRIPTION: "told.called_with",
    By.GATEWAY: "told.at_gateway",
    By.DEPLOYMENT: "told.called",
    By.MODEL: "told.model",
    By.TOKEN_CLASS: "lines.token_class",
    By.DAY: "lines.day::text",
}
_LABELS = {
    By.SUBSCRIPTION: "APIM subscription",
    By.API: "API",
    By.CALLER_APPLICATION: "application, as the caller says",
    By.CALLER_ENVIRONMENT: "environment, as the caller says",
    By.CALLER_COST_CENTER: "cost center, as the caller says",
    By.CLIENT_TENANT: "tenant of the caller",
}
#: What stands for no value: of whom nobody is told, it is nobody's.
_UNTOLD = {By.TEAM: "unallocated", By.COST_CENTER: "unallocated"}


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a dimension. ``key`` names it in addresses: empty is none, ``(more)`` all those
    beyond what is told apart."""

    by: By
    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls by what came of them, and quantiles; milliseconds, and tokens of prompts."""

    requests: int
    successful: int
    throttled: int
    refused: int
    client_errors: int
    server_errors: int
    cache_hits: int
    uncovered: int
    retries: int
    agent_steps: int
    tool_calls: int
    latency_p50: int | None
    latency_p95: int | None
    prompt_p50: int | None
    prompt_p95: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """What has these values in common. ``cost`` None: nothing of it has a price; what has none is
    told beside it. ``classes`` are those that occur, each in its own unit. ``calls`` None: calls
    are not told apart by class. ``share`` of the total, 0 to 1: of its cost, or of its tokens
    where nothing costs anything.
    """

    rank: int
    values: tuple[Value, ...]
    cost: Money | None
    tokens: int
    unpriced_tokens: int
    unpriced_others: int
    classes: Mapping[TokenClass, int]
    calls: Calls | None
    share: Decimal


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Rows, dearest first, of ``found``; ``total`` is exactly the sum of all that were found."""

    rows: tuple[Row, ...]
    total: Row
    found: int


@dataclass(frozen=True, slots=True)
class Telling:
    """A gateway's source of usage, and what that cannot tell."""

    gateway_id: int
    gateway: str
    source: str
    not_by: tuple[By, ...]
    not_counted: tuple[str, ...]


def by(
    actor: Actor,
    dimensions: Sequence[By],
    *,
    first_day: date,
    end_day: date,
    currency: str,
    only: Mapping[By, str] | None = None,
    after: int = 0,
    most: int | None = None,
) -> Breakdown:
    """What the actor may see of local days from ``first_day`` to before ``end_day``.

    Args:
        only: narrowed to these values, by their keys.
        after: the rank of the row to go on after.
        most: so many rows; None: all.

    Raises:
        Invalid: no dimension, more than `MOST_DIMENSIONS`, one twice, or one narrowed by day.
        NotFound: narrowed to a team that is none, or not the actor's to see.
    """
    wanted, narrowed = tuple(dimensions), dict(only or {})
    _check(actor, wanted, narrowed)
    counted = By.TOKEN_CLASS not in {*wanted, *narrowed}
    with connection.cursor() as cursor:
        cursor.execute(
            _statement(wanted),
            {
                **{f"only_{one}": narrowed.get(one) for one in By},
                "tenant": scope.tenant_id(),
                "first_day": first_day,
                "end_day": end_day,
                "teams": _teams(actor),
                "calls": counted,
                "after": after,
                "upto": _EVERYTHING if most is None else after + most,
            },
        )
        total, *rows = [_Answer(*row) for row in cursor.fetchall()]
    reading = _Reading(wanted, currency, total, _Counted.YES if counted else _Counted.NO)
    return Breakdown(
        rows=tuple(reading.row(one) for one in rows),
        total=reading.row(total),
        found=rows[0].found if rows else 0,
    )


def value(one: By, key: str, label: str = "") -> Value:
    """A value by its key, as it is shown; ``label`` where that is not the key itself."""
    if key == "":
        return Value(one, key, _UNTOLD.get(one, "not told"))
    if key == OVERFLOW:
        return Value(one, key, "further values, not told apart")
    if one is By.TOKEN_CLASS:
        return Value(one, key, key.replace("_", " "))
    return Value(one, key, label or key)


def telling(actor: Actor) -> tuple[Telling, ...]:
    """What the sources cannot tell, of each gateway at which the actor sees subscriptions."""
    rows = Gateway.objects.order_by("name")
    if not actor.sees_whole_tenant:
        rows = rows.filter(id__in=access.many(Subscription, actor).values("gateway_id"))
    return tuple(_telling(row) for row in rows)


def _telling(row: Gateway) -> Telling:
    kind = UsageSource(row.usage_source)
    source = sources.of(kind)
    return Telling(
        gateway_id=row.pk,
        gateway=row.name,
        source=str(kind.label),
        not_by=tuple(one for one in By if one.dimension and one.dimension not in source.tells),
        not_counted=tuple(
            name.removesuffix("_requests").replace("_", " ")
            for name in COUNTS
            if name not in source.counts
        ),
    )


def _check(actor: Actor, wanted: tuple[By, ...], narrowed: Mapping[By, str]) -> None:
    if not 1 <= len(set(wanted)) == len(wanted) <= MOST_DIMENSIONS:
        raise Invalid(field="by", fix=f"Give one to {MOST_DIMENSIONS} dimensions, each once.")
    if By.DAY in narrowed:
        raise Invalid(field="day", fix="Narrow the range of days instead.")
    if narrowed.get(By.TEAM):
        access.one(Team, actor, slug=narrowed[By.TEAM])


def _teams(actor: Actor) -> list[int] | None:
    """Whose days are seen; None: everybody's, and nobody's."""
    if actor.sees_whole_tenant:
        return None
    return list(access.many(Team, actor).values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class _Answer:
    """A row as the database gives it, in its order."""

    is_total: bool
    rank: int
    found: int
    keys: list[str] | None
    labels: list[str] | None
    cost: Decimal | None
    tokens: int
    unpriced_tokens: int
    unpriced_others: int
    classes: list[int]
    counts: list[int]
    latency: list[int]
    prompts: list[int]


class _Counted(Enum):
    """Whether calls are told: not where it is asked for classes of tokens."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the rows of one answer are read."""

    wanted: tuple[By, ...]
    currency: str
    total: _Answer
    counted: _Counted

    def row(self, told: _Answer) -> Row:
        keys, labels = told.keys or (), told.labels or ()
        return Row(
            rank=0 if told.is_total else told.rank,
            values=tuple(map(value, self.wanted, keys, labels)),
            cost=None if told.cost is None else Money(told.cost, self.currency),
            tokens=told.tokens,
            unpriced_tokens=told.unpriced_tokens,
            unpriced_others=told.unpriced_others,
            classes={
                one: count for one, count in zip(TokenClass, told.classes, strict=True) if count
            },
            calls=_calls(told) if self.counted is _Counted.YES else None,
            share=self._share(told),
        )

    def _share(self, told: _Answer) -> Decimal:
        if self.total.cost:
            return EXACT.divide(told.cost or Decimal(0), self.total.cost)
        return EXACT.divide(Decimal(told.tokens), Decimal(self.total.tokens or 1))


def _calls(told: _Answer) -> Calls:
    return Calls(
        **dict(zip(_COUNTED, told.counts, strict=True)),
        latency_p50=LATENCY.percentile(told.latency, 50),
        latency_p95=LATENCY.percentile(told.latency, 95),
        prompt_p50=PROMPTS.percentile(told.prompts, 50),
        prompt_p95=PROMPTS.percentile(told.prompts, 95),
    )


#: The fields of `Calls` that hold what `COUNTS` names, in that order.
_COUNTED = tuple(Calls.__dataclass_fields__)[: len(COUNTS)]


@cache
def _statement(wanted: tuple[By, ...]) -> str:
    """The statement for these dimensions: what differs are names of columns, all of our own."""
    return _TEMPLATE.format(
        **_SAME,
        values=", ".join(_KEYS[one] for one in wanted),
        labels=", ".join(_NAMES.get(one, _KEYS[one]) for one in wanted),
        rated_day="rated.day" if By.DAY in wanted else "NULL::date",
        used_day="used.day" if By.DAY in wanted else "NULL::date",
        first="keys[1]," if wanted[0] is By.DAY else "",
    )


def _column(one: By) -> str:
    if one in _RECORDED:
        return f"coalesce(bearer.{one}, '')"
    return _KNOWN.get(one) or f"told.{one.dimension}"


def _only(those: Sequence[By]) -> str:
    return "\n       ".join(
        f"AND (%(only_{one})s::text IS NULL OR {_KEYS[one]} = %(only_{one})s)" for one in those
    )


_KEYS = {one: _column(one) for one in By}
#: What is shown of a value where it is not the key itself.
_NAMES = {
    By.TEAM: "coalesce(bearer.team_name, '')",
    By.COST_CENTER: "coalesce(bearer.cost_center || ' ' || bearer.cost_center_name, '')",
}
_NARROWING = [one for one in By if one not in (*_RECORDED, By.TOKEN_CLASS, By.DAY)]
_BINS = (*LATENCY.columns, *PROMPTS.columns)
_TEMPLATE = Path(__file__).with_suffix(".sql").read_text()
#: What is the same for all dimensions.
_SAME = {
    "narrowed": _only(_NARROWING),
    "borne": _only(_RECORDED),
    "summed": ",\n           ".join(
        [
            *(f"sum(used.{name}) AS {name}" for name in COUNTS),
            *(
                f"sum(used.{scale.name}[{bin + 1}]) AS {column}"
                for scale in (LATENCY, PROMPTS)
                for bin, column in enumerate(scale.columns)
            ),
        ]
    ),
    "no_counts": ", ".join(f"NULL::numeric AS {name}" for name in (*COUNTS, *_BINS)),
    "counted": ", ".join((*COUNTS, *_BINS)),
    "classes": ", ".join(
        f"coalesce(sum(quantity) FILTER (WHERE token_class = '{one}'), 0)" for one in TokenClass
    ),
    "counts": ", ".join(f"coalesce(sum({name}), 0)" for name in COUNTS),
    "latency": ", ".join(f"coalesce(sum({name}), 0)" for name in LATENCY.columns),
    "prompts": ", ".join(f"coalesce(sum({name}), 0)" for name in PROMPTS.columns),
}
