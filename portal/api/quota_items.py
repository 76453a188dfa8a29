"""How limits are told through the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from governance.limits.binding import Binding, Limit
from governance.limits.running_out import Foreseen, GatewayLimit
from governance.models import Hardness, Level, Quota, Rollover, Span, Unit
from governance.rules import thresholds
from inventory.models import Subscription
from portal.api.fields import Exact

_EVERY = [span.value for span in Span]
_IN_UNIT = "In the billing currency, or in tokens."


class LimitItem(serializers.Serializer[Any]):
    """One limit that applies to a subscription now, and how much of it is used (estimated)."""

    binds = serializers.BooleanField(
        help_text="Of all its limits this one: a hard one that is reached, else the most used."
    )
    level = serializers.ChoiceField(Level.values, help_text="Whose limit it is.")
    subject = serializers.CharField(allow_blank=True, help_text="Its name; empty: its own.")
    inherited = serializers.BooleanField(help_text="Whether it is not the subscription's own.")
    unit = serializers.ChoiceField(Unit.values)
    currency = serializers.CharField(allow_null=True, help_text="ISO 4217; null: tokens.")
    every = serializers.ChoiceField(_EVERY, help_text="How often it begins anew.")
    period_start = serializers.DateTimeField(help_text="The first instant of the present period.")
    period_end = serializers.DateTimeField(help_text="The instant after its last.")
    hardness = serializers.ChoiceField(Hardness.values, help_text="Soft warns, hard suspends.")
    base = Exact(help_text="The quota itself.")
    extra = Exact(help_text="What approved requests add; negative: take away.")
    extra_until = serializers.DateTimeField(
        allow_null=True, help_text="When the first of them ends; null: none does."
    )
    carried = Exact(help_text="Left over from the period before.")
    limit = Exact(help_text=f"All three together. {_IN_UNIT}")
    used = Exact(help_text="Of all that the limit counts: of the whole team, say.")
    percent = Exact(allow_null=True, help_text="Used of the limit; null: the limit is nothing.")
    reached = serializers.BooleanField()
    unpriced_tokens = serializers.IntegerField(help_text="Tokens without a price: in no cost.")
    thresholds = serializers.ListField(child=serializers.IntegerField(), help_text="Percentages.")


class ForeseenItem(LimitItem):
    expected = Exact(
        allow_null=True, help_text="What the period likely comes to (P50); null: not known."
    )
    reached_on = serializers.DateField(
        allow_null=True, help_text="The likely day; null: not in this period, or not known."
    )
    reached_first = serializers.BooleanField(help_text="Whether it is, at the recent mix.")


class InGatewayItem(serializers.Serializer[Any]):
    """The product's own token quota: the gateway keeps it, by periods of UTC."""

    tokens = serializers.IntegerField()
    every = serializers.ChoiceField(_EVERY)
    used = serializers.IntegerField(help_text="Of the tenant's period; the gateway's may differ.")
    percent = Exact(allow_null=True)
    reached_on = serializers.DateField(allow_null=True, help_text="The likely day.")


class LimitsItem(serializers.Serializer[Any]):
    """A subscription's limits, what binds first."""

    gateway = serializers.CharField()
    subscription = serializers.CharField()
    product = serializers.CharField(allow_null=True)
    limits = LimitItem(many=True, help_text="Empty: nothing limits it.")
    url = serializers.URLField()


class ForeseenLimitsItem(LimitsItem):
    limits = ForeseenItem(many=True, help_text="Empty: nothing limits it.")
    in_gateway = InGatewayItem(allow_null=True, help_text="Null: the gateway limits no tokens.")
    version = serializers.IntegerField(
        help_text="Of its own limits: send it when you set one, and no other change is overwritten."
    )


class QuotaItem(serializers.Serializer[Any]):
    """What was said of a limit once. It never changes: the next takes its place."""

    version = serializers.IntegerField(source="pk")
    level = serializers.ChoiceField(Level.values)
    gateway = serializers.SerializerMethodField(
        help_text="Of a subscription or product; null otherwise."
    )
    name = serializers.SerializerMethodField(
        help_text="Of a subscription or product, slug of a team, code of a cost center."
    )
    unit = serializers.ChoiceField(Unit.values)
    every = serializers.ChoiceField(_EVERY, source="span")
    limit = Exact(allow_null=True, help_text=f"Null: it was cleared. {_IN_UNIT}")
    hardness = serializers.ChoiceField(Hardness.values)
    rollover = serializers.ChoiceField(Rollover.values)
    thresholds = serializers.SerializerMethodField(help_text="Percentages.")
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(
        allow_null=True, help_text="Null: until the next one begins."
    )
    set_by = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    recorded_at = serializers.DateTimeField()

    def get_thresholds(self, row: Quota) -> list[int]:
        return row.thresholds or thresholds.usual()

    def get_gateway(self, row: Quota) -> str | None:
        gateway = getattr(row.subject, "gateway", None)
        return gateway.name if gateway else None

    def get_name(self, row: Quota) -> str:
        subject: Any = row.subject
        match row.level:
            case Level.TEAM:
                return str(subject.slug)
            case Level.COST_CENTER:
                return str(subject.code)
            case Level.SUBSCRIPTION | Level.PRODUCT:
                return str(subject.name)


def limits(row: Subscription, binding: Binding, request: Request) -> dict[str, Any]:
    """A subscription in the shape of `LimitsItem`."""
    return {
        "gateway": row.gateway.name,
        "subscription": row.name,
        "product": row.product.name if row.product else None,
        "limits": [limit(one, binding) for one in binding.limits],
        "url": reverse("api:limits-of", [row.gateway.name, row.name], request=request),
    }


def limit(one: Limit, binding: Binding | None = None) -> dict[str, Any]:
    """A limit in the shape of `LimitItem`."""
    return {
        "binds": binding is not None and one is binding.tightest,
        "level": one.level.value,
        "subject": one.subject,
        "inherited": one.inherited,
        "unit": one.unit.value,
        "currency": one.currency if one.unit is Unit.CURRENCY else None,
        "every": one.every.value,
        "period_start": one.period.start,
        "period_end": one.period.end,
        "hardness": one.hardness.value,
        "base": one.base,
        "extra": one.extra,
        "extra_until": one.extra_until,
        "carried": one.carried,
        "limit": one.limit,
        "used": one.used,
        "percent": one.percent,
        "reached": one.reached,
        "unpriced_tokens": one.unpriced_tokens,
        "thresholds": list(one.thresholds),
    }


def foreseen(one: Foreseen, binding: Binding, first: Foreseen | None) -> dict[str, Any]:
    """A limit in the shape of `ForeseenItem`."""
    return {
        **limit(one.limit, binding),
        "expected": one.expected,
        "reached_on": one.likely,
        "reached_first": one is first,
    }


def in_gateway(one: GatewayLimit | None) -> dict[str, Any] | None:
    """What the gateway keeps itself, in the shape of `InGatewayItem`."""
    if one is None:
        return None
    return {
        "tokens": one.tokens,
        "every": one.every.value,
        "used": one.used,
        "percent": one.percent,
        "reached_on": one.likely,
    }
