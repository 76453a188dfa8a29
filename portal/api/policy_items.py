"""What approval policies look like in answers and bodies."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.models import Demand, RequestKind, Whose
from portal.api.fields import Exact
from portal.api.plans import Known

#: How many requests a replay names; its sums hold the rest too.
MOST_NAMED = 500


def _number(decimals: int, help_text: str) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=18 + decimals,
        decimal_places=decimals,
        min_value=0,
        default=None,
        allow_null=True,
        help_text=help_text,
    )


def _whole(help_text: str, **more: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=100_000, help_text=help_text, **more)


class TierItem(serializers.Serializer[Any]):
    gateway = serializers.CharField(source="gateway.name")
    name = serializers.CharField(help_text="Of the product at the gateway.")


class PolicyItem(serializers.Serializer[Any]):
    """A policy. What is null or empty is no condition; all conditions must be met."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    position = serializers.IntegerField(help_text="Its place: who is asked first, nothing else.")
    kinds = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    team = serializers.CharField(source="team.slug", default=None, allow_null=True)
    tier = TierItem(source="product", allow_null=True)
    environment = serializers.CharField(allow_blank=True)
    amount_from = Exact(allow_null=True, help_text="More a month, in the billing currency.")
    percent_from = Exact(allow_null=True, help_text="More of the limit before the window.")
    days_from = serializers.IntegerField(allow_null=True)
    forecast_from = Exact(allow_null=True, help_text="Percent of the limit before the window.")
    window_days = serializers.IntegerField(help_text="How far back all of it counts together.")
    demand = serializers.ChoiceField(Demand.choices)
    group = serializers.CharField(
        source="group.name", default=None, allow_null=True, help_text="Null: any approver."
    )
    own_teams = serializers.BooleanField(help_text="Approvers may decide for teams they own.")
    remind_after_hours = serializers.IntegerField()
    escalate_after_hours = serializers.IntegerField()
    escalate_to = serializers.CharField(source="escalate_to.name", default=None, allow_null=True)
    expires_after_days = serializers.IntegerField()
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(allow_null=True)
    set_by = serializers.CharField()


class TierBody(Known):
    gateway = serializers.CharField(max_length=62)
    name = serializers.CharField(max_length=256)


class PolicyBody(Known):
    name = serializers.CharField(max_length=120)
    demand = serializers.ChoiceField(
        Demand.choices,
        help_text="automatic: nobody, if no other policy asks somebody. owner_first: the cost"
        " center's owner, then one of the group; without one who may decide, two of the group.",
    )
    group = serializers.CharField(
        max_length=120, default=None, allow_null=True, help_text="Name; null: any approver."
    )
    kinds = serializers.ListField(
        child=serializers.ChoiceField(RequestKind.choices), default=list, help_text="Empty: all."
    )
    team = serializers.CharField(max_length=62, default=None, allow_null=True, help_text="Slug.")
    tier = TierBody(default=None, allow_null=True)
    environment = serializers.CharField(max_length=60, default="", allow_blank=True)
    amount_from = _number(4, "More a month, in the billing currency.")
    percent_from = _number(2, "More of the limit before the window.")
    days_from = _whole("For good is longer than any.", default=None, allow_null=True)
    forecast_from = _number(2, "Percent of the limit before the window.")
    window_days = _whole("How far back all of it counts together.", default=30)
    own_teams = serializers.BooleanField(default=False, help_text="Never their own request.")
    remind_after_hours = _whole("Of waiting.", default=24)
    escalate_after_hours = _whole("Of waiting.", default=72)
    escalate_to = serializers.CharField(
        max_length=120, default=None, allow_null=True, help_text="Name of a group."
    )
    expires_after_days = _whole("Of waiting.", default=30)


class PolicyActBody(Known):
    act = serializers.ChoiceField(
        ["end", "move"], help_text="end: it counts no more. move: to another place."
    )
    before = serializers.IntegerField(
        default=None, allow_null=True, help_text="move: before this policy; null: to the end."
    )
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class TrialBody(Known):
    """Something that might be asked for. What is null is not known, and counts as reached."""

    kind = serializers.ChoiceField(RequestKind.choices)
    team = serializers.CharField(max_length=62, help_text="Slug.")
    amount = _number(4, "More a month, in the billing currency.")
    percent = _number(2, "More of the limit.")
    days = _whole("Of a temporary one.", default=None, allow_null=True)
    forecast = _number(2, "Percent of the limit at the period's end.")
    tier = TierBody(default=None, allow_null=True)
    environment = serializers.CharField(max_length=60, default="", allow_blank=True)


class PolicyNeedItem(serializers.Serializer[Any]):
    whose = serializers.ChoiceField(Whose.choices)
    group = serializers.CharField(
        source="group.name", default=None, allow_null=True, help_text="Null: any approver."
    )
    people = serializers.IntegerField(help_text="How many different people; 0: nobody.")
    policy = serializers.IntegerField(
        source="policy.pk", default=None, allow_null=True, help_text="Null: none is met."
    )
    owners_may = serializers.BooleanField(source="own_teams", help_text="Owners of the team too.")
    says = serializers.CharField()


class PolicyMetItem(serializers.Serializer[Any]):
    policy = serializers.IntegerField()
    name = serializers.CharField()
    because = serializers.ListField(child=serializers.CharField())


class PolicyRouteItem(serializers.Serializer[Any]):
    """Whose approvals are needed, in the order of asking, and by which policies."""

    automatic = serializers.BooleanField()
    needs = PolicyNeedItem(many=True)
    met = PolicyMetItem(many=True)
    remind_after_hours = serializers.IntegerField()
    escalate_after_hours = serializers.IntegerField()
    expires_after_days = serializers.IntegerField()


class ReplayedItem(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    kind = serializers.CharField()
    team = serializers.CharField()
    sent_at = serializers.DateTimeField()
    amount = Exact(allow_null=True, help_text="More a month; null: not known.")
    needs = PolicyNeedItem(many=True, help_text="With the policy.")
    without = PolicyNeedItem(many=True, help_text="Without it.")
    differs = serializers.BooleanField()


class ReplayItem(serializers.Serializer[Any]):
    """Which requests of late a policy would have met, by the policies in force now."""

    since = serializers.DateTimeField()
    sent = serializers.IntegerField(help_text="How many requests were sent since then.")
    met = serializers.IntegerField(help_text="How many of them it would have met.")
    differing = serializers.IntegerField(help_text="How many of these need something else by it.")
    requests = ReplayedItem(many=True, help_text=f"The newest {MOST_NAMED}.")
