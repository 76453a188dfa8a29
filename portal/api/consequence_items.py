"""What answers about the consequences of a change look like, and about who has to approve it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.approvers.routing import Route
from governance.consequences.figures import SAYS, Caution, Consequences
from governance.models import Hardness, Level, Unit, Whose
from governance.rules.spans import Every
from portal.api.fields import Exact
from tenancy.money import Basis

_UNITS = Unit.values
_EVERY = [every.value for every in Every]
_HARDNESS = [one.value for one in Hardness]
_NOT_KNOWN = "Null: not known."


@extend_schema_field({"type": "string", "format": "decimal"})
class Percent(serializers.Field[Decimal, Any, str, Any]):
    """A percentage as text, to two decimals: ``35.00``."""

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.2f}"


class StretchItem(serializers.Serializer[Any]):
    """The period of the limit concerned."""

    every = serializers.ChoiceField(_EVERY)
    start = serializers.DateTimeField(help_text="Its first instant.")
    end = serializers.DateTimeField(help_text="The instant after its last.")


class LimitNowItem(serializers.Serializer[Any]):
    """A limit, and how much of it is used."""

    limit = Exact(help_text="In the billing currency or in tokens: base, extra and carried.")
    base = Exact()
    extra = Exact(help_text="Added by approved requests.")
    carried = Exact(help_text="Left over from the period before.")
    used = Exact()
    percent = Percent(allow_null=True, help_text="Used, in percent; null: of nothing.")
    unit = serializers.ChoiceField(_UNITS)
    every = serializers.ChoiceField(_EVERY)
    hardness = serializers.ChoiceField(_HARDNESS)
    level = serializers.ChoiceField(Level.values)
    source = serializers.CharField(help_text="Whose limit it is.")  # type: ignore[assignment]  # a field of its own


class ExpectedUseItem(serializers.Serializer[Any]):
    """What is used by the end of a day."""

    last_day = serializers.DateField()
    p10 = Exact()
    p50 = Exact()
    p90 = Exact()


class RunsOutItem(serializers.Serializer[Any]):
    """The days on which the limit is reached; null: not in the period."""

    earliest = serializers.DateField(allow_null=True)
    likely = serializers.DateField(allow_null=True)
    latest = serializers.DateField(allow_null=True)


class ShareItem(serializers.Serializer[Any]):
    """A budget without and with the change, all of it used."""

    level = serializers.ChoiceField([Level.TEAM.value, Level.COST_CENTER.value])
    name = serializers.CharField()
    every = serializers.ChoiceField(_EVERY)
    budget = Exact()
    spent = Exact()
    before = Exact(help_text="What its period is expected to come to (P50).")
    after = Exact(allow_null=True, help_text=_NOT_KNOWN)
    percent_before = Percent(allow_null=True)
    percent_after = Percent(allow_null=True)
    breaks = serializers.BooleanField(help_text="The change would pass it.")


class IncreaseItem(serializers.Serializer[Any]):
    """More that was granted before."""

    at = serializers.DateTimeField()
    amount = Exact()
    unit = serializers.ChoiceField(_UNITS)
    every = serializers.ChoiceField(_EVERY)
    until = serializers.DateTimeField(allow_null=True, help_text="Null: for good.")
    request = serializers.IntegerField(help_text="Number of the request.")
    decided_by = serializers.ListField(
        child=serializers.CharField(), help_text="None: a policy approved at once."
    )


class TierLimitItem(serializers.Serializer[Any]):
    """A limit of the tier that is asked for."""

    unit = serializers.ChoiceField(_UNITS)
    every = serializers.ChoiceField(_EVERY)
    limit = Exact()
    hardness = serializers.ChoiceField(_HARDNESS)


class CautionItem(serializers.Serializer[Any]):
    code = serializers.ChoiceField([one.value for one in Caution])
    says = serializers.CharField()


class ConsequencesItem(serializers.Serializer[Any]):
    """What the change would do if it were so now. Estimated."""

    basis = serializers.ChoiceField([basis.value for basis in Basis])
    currency = serializers.CharField(help_text="ISO 4217: of amounts, and of limits of cost.")
    unit = serializers.ChoiceField(_UNITS, help_text="Of limits, use and forecast.")
    period = StretchItem()
    before = LimitNowItem(allow_null=True, help_text="Null: there is no limit of this kind.")
    after = LimitNowItem(allow_null=True, help_text="Null: there would be none.")
    used = Exact(help_text="Of the limit, so far.")
    expected = ExpectedUseItem(
        allow_null=True, help_text="At the period's end. Null: nothing known."
    )
    at_its_end = ExpectedUseItem(
        allow_null=True, help_text="On the last day of a temporary change within the period."
    )
    runs_out_without = RunsOutItem(source="without", allow_null=True, help_text=_NOT_KNOWN)
    runs_out_with = RunsOutItem(source="with_change", allow_null=True, help_text=_NOT_KNOWN)
    ends = serializers.DateTimeField(allow_null=True, help_text="When a temporary change ends.")
    monthly_change = Exact(
        allow_null=True, help_text="How much more a month it allows, in the billing currency."
    )
    dearer_change = Exact(allow_null=True, help_text="The same at the dearer mix.")
    forecast_percent = Percent(
        allow_null=True,
        help_text="Expected (P50), in percent of the limit before what was granted of late.",
    )
    a_month = Exact(allow_null=True, help_text="What the calls of 30 days cost in a month.")
    a_month_dearer = Exact(allow_null=True, help_text="The same calls at `dearest`.")
    dearest = serializers.CharField(allow_blank=True, help_text="The dearest deployment used.")
    budgets = ShareItem(source="shares", many=True, help_text="The team's and its cost center's.")
    last_increases = IncreaseItem(source="increases", many=True, help_text="Newest first.")
    tier = TierLimitItem(many=True, help_text="The limits of the tier that is asked for.")
    cautions = serializers.SerializerMethodField(
        help_text="What not to overlook, the gravest first."
    )
    unpriced_tokens = serializers.IntegerField(help_text="Tokens without a price: in no amount.")
    usage_through = serializers.DateTimeField(
        allow_null=True, help_text="Usage before this instant is in; null: none yet."
    )

    @extend_schema_field(CautionItem(many=True))
    def get_cautions(self, found: Consequences) -> list[dict[str, str]]:
        return [{"code": one.value, "says": SAYS[one]} for one in found.cautions]


class NeedItem(serializers.Serializer[Any]):
    """Whose approval it needs."""

    whose = serializers.ChoiceField(Whose.choices)
    group = serializers.CharField(allow_null=True, help_text="Null: any approver of the tenant.")
    people = serializers.IntegerField(help_text="How many different people; 0: nobody.")
    policy = serializers.CharField(allow_null=True, help_text="The policy that asks for it.")
    says = serializers.CharField()


class NeededItem(serializers.Serializer[Any]):
    """Who has to approve it, by the policies in force now."""

    automatic = serializers.BooleanField(help_text="Nobody has to: it is approved when it is sent.")
    needs = NeedItem(many=True, help_text="In the order of asking.")
    policies = serializers.ListField(
        child=serializers.CharField(), help_text="The policies that it meets."
    )


class WhatIfItem(serializers.Serializer[Any]):
    """What it would do, and who would have to approve it."""

    consequences = ConsequencesItem()
    route = NeededItem()


def way(route: Route) -> dict[str, Any]:
    """A route in the shape of `NeededItem`."""
    return {
        "automatic": route.automatic,
        "needs": [
            {
                "whose": need.whose,
                "group": need.group.name if need.group else None,
                "people": need.people,
                "policy": need.policy.name if need.policy else None,
                "says": need.says,
            }
            for need in route.needs
        ],
        "policies": [one.policy.name for one in route.matched],
    }
