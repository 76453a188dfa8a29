"""The costs of every subscription and month, reckoned a second time, by other means.

From the exported raw rows and the exported price list alone, request by request, in plain Python
with exact decimals. Nothing of the product's code is used: what both agree on is right, or wrong
in two ways at once.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

#: The meters, found by a person who read the list: model, type, direction, its name.
METERS = {
    ("gpt-5.2-chat", "GlobalStandard", "input"): "GPT 5.2 chat inp Gl 1M Tokens",
    ("gpt-5.2-chat", "GlobalStandard", "output"): "GPT 5.2 chat opt Gl 1M Tokens",
    ("gpt-5-mini", "GlobalStandard", "input"): "GPT 5 Mini Inpt Glbl 1M Tokens",
    ("gpt-5-mini", "GlobalStandard", "output"): "GPT 5 Mini outpt Glbl 1M Tokens",
    ("gpt-5-nano", "GlobalStandard", "input"): "GPT 5 Nano Inpt Glbl 1M Tokens",
    ("gpt-5-nano", "GlobalStandard", "output"): "GPT 5 Nano outpt Glbl 1M Tokens",
    ("gpt-5-mini", "GlobalBatch", "input"): "GPT 5 Mini Batch Inpt Glbl 1M Tokens",
    ("gpt-5-mini", "GlobalBatch", "output"): "GPT 5 Mini Batch outpt Glbl 1M Tokens",
    ("gpt-5-mini", "DataZoneStandard", "input"): "GPT 5 Mini Inpt DZone 1M Tokens",
    ("gpt-5-mini", "DataZoneStandard", "output"): "GPT 5 Mini outpt DZone 1M Tokens",
    ("text-embedding-3-large", "GlobalStandard", "input"): "text-embedding-3-large-glbl Tokens",
}
#: Types whose capacity is paid for: their tokens cost nothing.
PAID_BY_CAPACITY = {"GlobalProvisionedManaged"}
PER = {"1K": 1_000, "1M": 1_000_000}
Key = tuple[str, str]


@dataclass(frozen=True)
class Request:
    """One call with tokens, as the two logs tell it."""

    at: datetime
    subscription: str
    deployment: str
    tokens: dict[str, int]


@dataclass
class Sum:
    """What a subscription used in a month."""

    cost: Decimal = Decimal(0)
    tokens: int = 0
    unpriced: int = 0


@dataclass(frozen=True)
class Tariff:
    """The model and type of each deployment, with prices and rates; a rate from an instant."""

    region: str
    zone: str
    models: dict[str, tuple[str, str]]
    prices: list[dict[str, str]]
    rates: tuple[tuple[datetime, Decimal], ...] = ()
    _found: dict[tuple[str, str], list[tuple[datetime, Decimal]]] = field(default_factory=dict)

    def unit_price(self, deployment: str, direction: str, at: datetime) -> Decimal | None:
        """Per token in the billing currency at an instant; None where there is no price."""
        key = (deployment, direction)
        if key not in self._found:
            self._found[key] = self._listed(*key)
        if self.models.get(deployment, ("", ""))[1] in PAID_BY_CAPACITY:
            return Decimal(0)
        dated = self._found[key]
        in_force = [price for since, price in dated if since <= at]
        if not in_force:
            return None
        if not self.rates:
            return in_force[-1]
        return in_force[-1] * [rate for since, rate in self.rates if since <= at][-1]

    def _listed(self, deployment: str, direction: str) -> list[tuple[datetime, Decimal]]:
        name = METERS.get((*self.models.get(deployment, ("", "")), direction))
        return sorted(
            (
                _instant(item["effectiveStartDate"]),
                Decimal(item["retailPrice"]) / PER[item["unitOfMeasure"]],
            )
            for item in self.prices
            if item["meterName"] == name and item["armRegionName"] == self.region
        )


def table(text: str) -> list[dict[str, str]]:
    """The rows of an exported CSV."""
    return list(csv.DictReader(io.StringIO(text)))


def requests(llm: Iterable[dict[str, str]], calls: Iterable[dict[str, str]]) -> Iterator[Request]:
    """Every request that has tokens: one for each correlation id."""
    known: dict[str, dict[str, str]] = {row["CorrelationId"]: row for row in calls}
    grouped: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in llm:
        grouped[row["CorrelationId"]].append(row)
    for correlation, parts in grouped.items():
        call = known.get(correlation, {})
        tokens = {
            "input": sum(int(row["PromptTokens"] or 0) for row in parts),
            "output": sum(int(row["CompletionTokens"] or 0) for row in parts),
        }
        yield Request(
            at=_instant(call.get("TimeGenerated") or parts[0]["TimeGenerated"]),
            subscription=call.get("ApimSubscriptionId", ""),
            deployment=max(row["DeploymentName"] for row in parts),
            tokens=tokens,
        )


def reckon(found: Iterable[Request], tariff: Tariff, *, until: datetime) -> dict[Key, Sum]:
    """By month and subscription; a month is the calendar's where the tenant lives."""
    sums: dict[Key, Sum] = defaultdict(Sum)
    for request in found:
        if request.at >= until:
            continue
        month = f"{request.at.astimezone(ZoneInfo(tariff.zone)):%Y-%m}"
        held = sums[month, request.subscription]
        for direction, count in request.tokens.items():
            price = tariff.unit_price(request.deployment, direction, request.at)
            held.tokens += count
            if price is None:
                held.unpriced += count
            else:
                held.cost += count * price
    return {key: held for key, held in sums.items() if held.tokens}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
