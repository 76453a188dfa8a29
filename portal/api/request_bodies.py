"""What is sent about requests: what is asked for, by names, and what is said to it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.consequences.asked import Asked
from governance.models import RequestKind, Unit
from governance.rules.spans import Every
from inventory import subscriptions, teams, tiers
from inventory.models import Gateway, Product, Subscription, Team
from portal.api.fields import Day
from portal.api.plans import Known
from tenancy.access import Actor
from tenancy.refusals import Invalid, NotFound

LONGEST_TEXT = 4000
_LARGEST = 2**31 - 1
_SEEN = "The version of the request that you looked at: of another one it is refused (409)."
_NOT_SAID_YET = "(not said yet)"
_NONE_LIKE_IT = "There is none like it, or it is not yours to see."
_PLAIN = re.compile(r"[0-9]{1,18}(\.[0-9]{1,4})?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: A body that says nothing; other than an empty object it is refused.
NOTHING: dict[str, Any] = {
    "application/json": {"type": "object", "additionalProperties": False, "maxProperties": 0}
}


class Text(serializers.CharField):
    """Text, and nothing that could be read as some."""

    def __init__(self, help_text: str, *, max_length: int = LONGEST_TEXT, **further: Any) -> None:
        super().__init__(max_length=max_length, help_text=help_text, **further)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Give it as text.")
        return super().to_internal_value(data)


class Line(Text):
    """Text of one line."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if _CONTROL.search(text):
            raise serializers.ValidationError("Give one line, without control characters.")
        return text


@extend_schema_field({"type": "string", "format": "decimal", "pattern": f"^{_PLAIN.pattern}$"})
class Amount(serializers.Field[Decimal, Any, str, Any]):
    """A number above zero as text: what JSON calls a number may have lost digits on its way."""

    says = 'Give a number as text, such as "250" or "12.5": digits, at most four after the point.'

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not _PLAIN.fullmatch(data):
            raise serializers.ValidationError(self.says)
        return Decimal(data)


class Number(serializers.IntegerField):
    """A whole number from one on, and nothing that could be read as some."""

    def __init__(self, help_text: str, **further: Any) -> None:
        super().__init__(min_value=1, max_value=_LARGEST, help_text=help_text, **further)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("Give a whole number.")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """True or false, and nothing that could mean either."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Give true or false.")
        return data


def _optional(help_text: str, *, max_length: int) -> Line:
    return Line(help_text, max_length=max_length, default="", allow_blank=True)


def _name(help_text: str, *, max_length: int) -> Line:
    return Line(help_text, max_length=max_length, default=None, allow_null=True)


class AskedBody(Known):
    """What is asked for, whole: what is left out is not asked for."""

    kind = serializers.ChoiceField(RequestKind.choices)
    gateway = _name("Name; of the subscription, or where a new one is to be made.", max_length=62)
    subscription = _name(
        "Name of the APIM subscription it is about, with its gateway. Null: the limit of the team"
        " itself, or a new subscription.",
        max_length=256,
    )
    product = _name("Name of the tier it is to have; of kinds tier, subscription.", max_length=256)
    unit = serializers.ChoiceField(Unit.values, default=Unit.CURRENCY.value)
    every = serializers.ChoiceField(
        [every.value for every in Every],
        default=Every.MONTH.value,
        help_text="How often the limit concerned begins anew.",
    )
    amount = Amount(
        default=None,
        allow_null=True,
        help_text="By how much more, or less, as text: in the billing currency or in tokens.",
    )
    last_day = Day(
        default=None,
        allow_null=True,
        help_text="Of kind temporary: the last day it holds, in the tenant's time zone.",
    )
    display_name = _optional("Of a new subscription.", max_length=100)
    environment = _optional("Such as production; of a new subscription.", max_length=60)
    application = _optional("What calls with it; of a new subscription.", max_length=120)
    reason = Text("What it is needed for: approvers decide by it.")
    expected = Text("What it should bring, and how that is seen.", default="", allow_blank=True)


class NewBody(AskedBody):
    """A request of a team."""

    team = Line("Slug of the team that asks.", max_length=62)
    submit = Flag(
        default=False, help_text="Send it to its approvers at once. False: it stays a draft."
    )


class WhatIfBody(AskedBody):
    """What a team might ask for. Nothing of it is kept."""

    team = Line("Slug of the team that would ask.", max_length=62)
    reason = Text("Need not be said yet.", default=_NOT_SAID_YET)
    amends = Number(
        "Number of the open request that it would amend, so that it is not counted with itself.",
        default=None,
        allow_null=True,
    )


class AmendBody(AskedBody):
    """What is asked for now, whole, instead of what was asked for in the version seen."""

    version = Number(_SEEN)
    text = Text("What changed, for the approvers.", default="", allow_blank=True)


class SaidBody(Known):
    """Something said to a request."""

    text = Text("Everybody who sees the request sees it.")


class WithdrawBody(Known):
    """Taking a request back."""

    text = Text("Why, if you like.", default="", allow_blank=True)


class ApproveBody(Known):
    """A yes to one version."""

    version = Number(_SEEN)
    text = Text("A note, if you like; the team sees it.", default="", allow_blank=True)


class RejectBody(Known):
    """A no to one version."""

    version = Number(_SEEN)
    reason = Text("What the team can do instead: they see it.")


class EndGrantBody(Known):
    """Ending what a request put in force."""

    reason = Text("Why; the team sees it.")


class QuestionBody(Known):
    """A question about one version."""

    version = Number(_SEEN)
    text = Text("What you have to know; the request waits for the team's answer.")


def team_of(said: dict[str, Any], actor: Actor) -> Team:
    """The team that a body names.

    Raises:
        Invalid: there is none like it, or it is not the actor's to see.
    """
    try:
        return teams.one(actor, said["team"])
    except NotFound:
        raise Invalid(field="team", fix=_NONE_LIKE_IT) from None


def asked_of(said: dict[str, Any], team: Team, actor: Actor) -> Asked:
    """What a body asks for, for a team.

    Raises:
        Invalid: it names something that is not there, or is not the actor's to see.
    """
    kind = RequestKind(said["kind"])
    subscription = _subscription(said, actor)
    product = _product(said)
    return Asked(
        kind=kind,
        team=team,
        reason=said["reason"],
        expected=said["expected"],
        subscription=subscription,
        gateway=_gateway(said) if kind is RequestKind.SUBSCRIPTION else None,
        product=product,
        unit=Unit(said["unit"]),
        every=Every(said["every"]),
        amount=said["amount"],
        last_day=said["last_day"],
        display_name=said["display_name"],
        environment=said["environment"],
        application=said["application"],
    )


def _subscription(said: dict[str, Any], actor: Actor) -> Subscription | None:
    if said["subscription"] is None:
        return None
    if said["gateway"] is None:
        raise Invalid(field="gateway", fix="Give the subscription's gateway, too.")
    try:
        return subscriptions.one(actor, said["gateway"], said["subscription"])
    except NotFound:
        raise Invalid(field="subscription", fix=_NONE_LIKE_IT) from None


def _product(said: dict[str, Any]) -> Product | None:
    if said["product"] is None:
        return None
    if said["gateway"] is None:
        raise Invalid(field="gateway", fix="Give the gateway that has the tier, too.")
    for one in tiers.offered():
        if (one.gateway.name, one.name) == (said["gateway"], said["product"]):
            return one
    raise Invalid(field="product", fix="This gateway offers no tier of this name.")


def _gateway(said: dict[str, Any]) -> Gateway | None:
    """Where a new subscription is to be made; None where no gateway of this name has tiers."""
    found = (one.gateway for one in tiers.offered() if one.gateway.name == said["gateway"])
    return next(found, None)
