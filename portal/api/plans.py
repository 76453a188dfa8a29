"""Changes through the API: asked for once they answer with their effect, asked for with that
plan's token they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from billing import effects
from billing.effects import Effect, Part, Sides
from portal import plans
from portal.api.fields import Exact
from tenancy import clock
from tenancy.money import EXACT

#: How many subscriptions an effect names; its sums hold the rest too.
MOST_NAMED = plans.MOST_NAMED


class SidesItem(serializers.Serializer[Any]):
    """Cost before and after, unrounded; the unpriced quantities are in neither."""

    before = Exact()
    after = Exact()
    difference = Exact()
    unpriced_before = serializers.IntegerField(help_text="Units without a price before.")
    unpriced_after = serializers.IntegerField(help_text="Units without a price after.")


class TeamEffect(SidesItem):
    team = serializers.CharField(allow_null=True, help_text="Slug; null: nobody owned it.")


class PartEffect(SidesItem):
    """One subscription in one month."""

    gateway = serializers.CharField()
    subscription = serializers.CharField()
    team = serializers.CharField(allow_null=True, help_text="Slug; null: nobody owned it.")
    month = serializers.CharField(help_text="Such as 2026-11.")
    closed = serializers.BooleanField(
        help_text="The month is closed: the difference would be a proposed adjustment."
    )


class CapacitySums(serializers.Serializer[Any]):
    """What capacity costs in open months up to now."""

    hourly = Exact(help_text="Hours beyond reservations, estimated.")
    used = Exact(help_text="Reserved and used, amortized.")
    unused = Exact(help_text="Reserved and unused, amortized.")
    total = Exact()
    unpriced_unit_minutes = serializers.IntegerField(source="unpriced_minutes")


class CapacityEffect(serializers.Serializer[Any]):
    """What a change does to what is paid by the hour or reserved; charged to no team."""

    before = CapacitySums()
    after = CapacitySums()
    difference = Exact()


class EffectItem(serializers.Serializer[Any]):
    """What a change does to cost, on the estimated basis."""

    currency = serializers.CharField(help_text="ISO 4217: the tenant's.")
    days = serializers.IntegerField(help_text="Local days of deployments that it touches.")
    open = SidesItem(help_text="All open months.")
    closed = SidesItem(help_text="All closed months: proposed adjustments.")
    teams = TeamEffect(many=True, help_text="Open months, the greatest difference first.")
    subscriptions = PartEffect(
        many=True, help_text=f"The {MOST_NAMED} greatest differences; the sums hold all."
    )
    capacity = CapacityEffect(
        help_text="Beside all of the above: charged to no team. None in a dry run of rating."
    )


class PlannedItem(serializers.Serializer[Any]):
    """A change that was shown, or made."""

    applied = serializers.BooleanField(help_text="False: nothing has changed yet.")
    plan = serializers.CharField(
        allow_null=True, help_text="Send this with the same body within a day to apply it."
    )
    effect = EffectItem()


class Known(serializers.Serializer[Any]):
    """A body, or a part of one, that has the fields named and no others."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuses whatever is not known, so that a misspelt field is no silent default."""
        if isinstance(data, Mapping):
            known = ", ".join(self.fields)
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError(
                    {name: [f"There is no such field. There are: {known}."] for name in unknown}
                )
        return super().to_internal_value(data)


class Planned(Known):
    """What every change's body may carry."""

    plan = serializers.CharField(
        required=False,
        max_length=500,
        help_text="The plan's token. Without it nothing changes and the effect is told.",
    )


def planned(
    verb: str, inputs: Mapping[str, object], plan: str | None, change: Callable[[], object]
) -> Response:
    """Tell what a change would do, or make it if its plan is given.

    Raises:
        PlanMismatch: the plan is of another change.
        whatever the change raises.
    """
    if plan is not None:
        plans.require(plan, verb, inputs)
    effect = effects.of(change, at=clock.now())
    if plan is not None:
        change()
    token = None if plan is not None else plans.token(verb, inputs)
    answer = {"applied": plan is not None, "plan": token, "effect": shown(effect)}
    return Response(PlannedItem(answer).data)


def shown(effect: Effect) -> dict[str, Any]:
    """The effect in the shape of `EffectItem`."""
    return {
        "currency": effect.currency,
        "days": effect.days,
        "open": effect.open,
        "closed": effect.closed,
        "teams": [{"team": slug, **_sides(sides)} for slug, _name, sides in effect.teams],
        "subscriptions": [_part(part) for part in effect.parts[:MOST_NAMED]],
        "capacity": {
            "before": effect.capacity_before,
            "after": effect.capacity_after,
            "difference": EXACT.subtract(effect.capacity_after.total, effect.capacity_before.total),
        },
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "gateway": part.gateway,
        "subscription": part.subscription,
        "team": part.team_slug,
        "month": f"{part.first_day:%Y-%m}",
        "closed": part.closed,
        **_sides(part.sides),
    }


def _sides(sides: Sides) -> dict[str, Any]:
    return {
        "before": sides.before,
        "after": sides.after,
        "difference": sides.difference,
        "unpriced_before": sides.unpriced_before,
        "unpriced_after": sides.unpriced_after,
    }
