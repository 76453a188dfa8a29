"""Mixes: how somebody's calls looked in a month, to estimate the next ones by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Sum

from billing.models import Usage
from inventory.models import Subscription
from tenancy.periods import Period


@dataclass(frozen=True, slots=True)
class Mix:
    """Successful calls of a month and what the average one of them held, in whole tokens.

    Models with tokens, most first; ``deployment_type`` and ``region`` are those of the deployment
    that had the most, as Azure names them, and empty where they are not known.
    """

    period: Period
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    models: tuple[str, ...]
    deployment_type: str
    region: str


def of(subscriptions: Iterable[Subscription], period: Period) -> Mix | None:
    """The calls of some subscriptions in a period, together; None where none had tokens."""
    rows = (
        Usage.objects.filter(
            subscription__in=list(subscriptions),
            bucket_start__gte=period.start,
            bucket_start__lt=period.end,
        )
        .order_by()
        .values("deployment__model", "deployment__sku", "deployment__region")
        .annotate(
            calls=Sum("successful_requests"),
            fresh=Sum("input_tokens"),
            cached=Sum("cached_input_tokens"),
            # Reasoning is written like an answer, and charged as one.
            answered=Sum(F("output_tokens") + F("reasoning_tokens")),
            tokens=Sum(
                F("input_tokens")
                + F("cached_input_tokens")
                + F("output_tokens")
                + F("reasoning_tokens")
            ),
        )
    )
    by_size = sorted(rows, key=lambda row: (-row["tokens"], row["deployment__model"]))
    calls = sum(row["calls"] for row in by_size)
    if not calls or not any(row["tokens"] for row in by_size):
        return None
    models = dict.fromkeys(row["deployment__model"] for row in by_size if row["tokens"])
    return Mix(
        period=period,
        calls=calls,
        input_tokens=_average(sum(row["fresh"] for row in by_size), calls),
        cached_tokens=_average(sum(row["cached"] for row in by_size), calls),
        output_tokens=_average(sum(row["answered"] for row in by_size), calls),
        models=tuple(model for model in models if model),
        deployment_type=by_size[0]["deployment__sku"],
        region=by_size[0]["deployment__region"],
    )


def _average(tokens: int, calls: int) -> int:
    """To the nearest whole token, halves up."""
    return (2 * tokens + calls) // (2 * calls)
