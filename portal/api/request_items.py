"""What answers about requests look like: the request, whose approval it needs, what happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from governance.approvers import deciders
from governance.approvers.deciders import Progress
from governance.front_door import overrides
from governance.models import (
    EventKind,
    QuotaRequest,
    RequestEvent,
    RequestKind,
    RequestState,
    Unit,
    Whose,
)
from governance.rules.spans import Every
from portal.api.consequence_items import ConsequencesItem, NeededItem
from portal.api.fields import Exact
from tenancy import periods, tenants
from tenancy.access import Actor

_CURRENCY = "ISO 4217; null where it is about tokens."


class RequestItem(serializers.Serializer[Any]):
    """A request in its present version."""

    number = serializers.IntegerField(help_text="Its name within the tenant.")
    kind = serializers.ChoiceField(RequestKind.choices)
    state = serializers.ChoiceField(RequestState.choices)
    version = serializers.IntegerField(help_text="Rises with each amendment; decisions name it.")
    team = serializers.CharField(help_text="Slug of the team that asks.")
    gateway = serializers.CharField(allow_null=True)
    subscription = serializers.CharField(
        allow_null=True, help_text="Null: the team's own limit, or one that is not made yet."
    )
    product = serializers.CharField(allow_null=True, help_text="Name of the tier asked for.")
    unit = serializers.ChoiceField(Unit.values)
    every = serializers.ChoiceField([every.value for every in Every])
    amount = Exact(allow_null=True, help_text="By how much more, or less of kind decrease.")
    currency = serializers.CharField(allow_null=True, help_text=_CURRENCY)
    last_day = serializers.DateField(allow_null=True, help_text="The last day it holds.")
    display_name = serializers.CharField(allow_blank=True)
    environment = serializers.CharField(allow_blank=True)
    application = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()
    expected = serializers.CharField(allow_blank=True)
    requested_by = serializers.EmailField()
    created_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True, help_text="Null: it is a draft.")
    decided_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Undecided until then, it ends."
    )
    runs_out_on = serializers.DateField(
        allow_null=True,
        help_text="When it was sent: the day its limit was likely to be reached without it.",
    )
    error = serializers.CharField(allow_blank=True, help_text="Why it could not be applied.")
    url = serializers.URLField()
    timeline_url = serializers.URLField(help_text="All that happened to it.")


class GivenItem(serializers.Serializer[Any]):
    """One person's yes."""

    person = serializers.EmailField()
    on_behalf_of = serializers.EmailField(allow_null=True, help_text="Whom they stood in for.")
    at = serializers.DateTimeField()
    text = serializers.CharField(allow_blank=True)
    seen = serializers.DictField(help_text="The figures that were kept with it.")


class ApprovalItem(serializers.Serializer[Any]):
    """Whose approval the present version needs, who gave it, and how many are missing."""

    whose = serializers.ChoiceField(Whose.choices)
    group = serializers.CharField(allow_null=True, help_text="Null: any approver of the tenant.")
    policy = serializers.CharField(allow_null=True, help_text="The policy that asks for it.")
    people = serializers.IntegerField(help_text="How many different people.")
    missing = serializers.IntegerField()
    given = GivenItem(many=True)


class YourDecisionItem(serializers.Serializer[Any]):
    """Whether the token's person may decide on it now; the token needs `decide:requests`, too."""

    allowed = serializers.BooleanField()
    whose = serializers.ChoiceField(Whose.choices, allow_null=True, help_text="As what.")
    code = serializers.CharField(allow_null=True, help_text="What it would be refused with.")
    why_not = serializers.CharField(allow_blank=True)


class OverrideItem(serializers.Serializer[Any]):
    """What the request put in force: added to the limit below, which stays as it is."""

    amount = Exact(help_text="Below zero: taken away.")
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(allow_null=True, help_text="Null: for good.")
    ended_by = serializers.CharField(allow_blank=True, help_text="Who ended it early.")


class StandingItem(RequestItem):
    """A request, and where it stands with its approvers."""

    approvals = ApprovalItem(many=True, help_text="In the order of asking; none of a draft.")
    your_decision = YourDecisionItem()
    override = OverrideItem(allow_null=True, help_text="Null: it changed no limit.")


class OneRequestItem(StandingItem):
    """A request with what it would do, worked out now."""

    consequences = ConsequencesItem(allow_null=True, help_text="Null: it is decided.")
    route = NeededItem(
        allow_null=True,
        help_text="Of a draft: who would have to approve it. Null: it was sent; see `approvals`.",
    )


class EventItem(serializers.Serializer[Any]):
    """One thing that happened to a request."""

    kind = serializers.ChoiceField(EventKind.choices)
    version = serializers.IntegerField()
    by = serializers.CharField(help_text="A person's address, or Apportion where nobody decided.")
    at = serializers.DateTimeField()
    text = serializers.CharField(allow_blank=True)
    details = serializers.DictField(help_text="What was seen or changed.")


@dataclass(frozen=True, slots=True)
class Shower:
    """Writes requests down for one question: the tenant's settings are read once."""

    request: Request
    billing: tenants.Billing

    @classmethod
    def of(cls, request: Request) -> Shower:
        return cls(request, tenants.billing())

    def listed(self, rows: Iterable[QuotaRequest]) -> list[dict[str, Any]]:
        """Requests as a list has them."""
        return [dict(RequestItem(self._request(row)).data) for row in rows]

    def standing(self, row: QuotaRequest, actor: Actor, *, at: datetime) -> dict[str, Any]:
        """One request, in the shape of `StandingItem`."""
        may = deciders.may_decide(actor, row, at=at)
        return {
            **self._request(row),
            "approvals": [_approval(part) for part in deciders.progress(row)],
            "your_decision": {
                "allowed": may.allowed,
                "whose": may.whose if may.allowed else None,
                "code": may.refusal.code if may.refusal else None,
                "why_not": may.why_not,
            },
            "override": overrides.of_request(row),
        }

    def _request(self, row: QuotaRequest) -> dict[str, Any]:
        gateway = row.gateway or (row.subscription.gateway if row.subscription else None)
        return {
            **{name: getattr(row, name) for name in _AS_IT_IS},
            "team": row.team.slug,
            "gateway": gateway.name if gateway else None,
            "subscription": row.subscription.name if row.subscription else None,
            "product": row.product.name if row.product else None,
            "every": row.span,
            "currency": self.billing.currency if row.unit == Unit.CURRENCY else None,
            "last_day": self._last_day(row),
            "requested_by": row.requested_by.email,
            "url": self._url("request", row),
            "timeline_url": self._url("request-timeline", row),
        }

    def _last_day(self, row: QuotaRequest) -> date | None:
        if row.until is None:
            return None
        return periods.local_day(row.until - timedelta(microseconds=1), self.billing.zone)

    def _url(self, name: str, row: QuotaRequest) -> str:
        return str(reverse(f"api:{name}", [row.number], request=self.request))


#: The fields of a request that are told as its row has them.
_AS_IT_IS = (
    "number",
    "kind",
    "state",
    "version",
    "unit",
    "amount",
    "display_name",
    "environment",
    "application",
    "reason",
    "expected",
    "created_at",
    "submitted_at",
    "decided_at",
    "expires_at",
    "runs_out_on",
    "error",
)


def event(row: RequestEvent) -> dict[str, Any]:
    """One event, as a list has it."""
    return dict(EventItem(row).data)


def _approval(part: Progress) -> dict[str, Any]:
    need = part.need
    return {
        "whose": need.whose,
        "group": need.group.name if need.group else None,
        "policy": need.policy.name if need.policy else None,
        "people": need.people,
        "missing": part.missing,
        "given": [
            {
                "person": one.person.email,
                "on_behalf_of": one.on_behalf_of.email if one.on_behalf_of else None,
                "at": one.at,
                "text": one.text,
                "seen": one.seen,
            }
            for one in part.given
        ],
    }
