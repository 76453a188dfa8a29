from __future__ import annotations

from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import attribution
from inventory import ownership, subscriptions
from inventory.models import CostCenter, Ownership, Team
from inventory.ownership import Attribution
from portal.api import examples, ownership_examples, paging
from portal.api.answers import page_of
from portal.api.fields import Day
from portal.api.plans import Known
from portal.api.queries import ListQuery, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import access, clock
from tenancy.models import Role, TenantModel
from tenancy.refusals import Invalid, NotFound

Named = TypeVar("Named", bound=TenantModel)
_PATH = {"gateway": "Name of the gateway.", "name": "Name of the APIM subscription."}


class OwnershipItem(serializers.Serializer[Any]):
    """Whose a subscription is, and for what, from a local day on."""

    team = serializers.CharField(
        source="team.slug", default=None, allow_null=True, help_text="Slug; null: nobody's."
    )
    cost_center = serializers.CharField(
        source="cost_center.code",
        default=None,
        allow_null=True,
        help_text="Code of the one that bears it; null: the team's own.",
    )
    environment = serializers.CharField(allow_blank=True)
    application = serializers.CharField(allow_blank=True)
    from_day = serializers.DateField(help_text="A day of the tenant's time zone.")
    until_day = serializers.DateField(
        allow_null=True, help_text="The day from which something else is said; null: none is."
    )
    replaced = serializers.BooleanField(
        help_text="Another was recorded for the same day later and counts instead."
    )
    retroactive = serializers.SerializerMethodField(
        help_text="It was recorded when its first day was over."
    )
    reason = serializers.CharField(allow_blank=True)
    recorded_at = serializers.DateTimeField()
    recorded_by = serializers.CharField(allow_blank=True)

    def get_retroactive(self, row: Ownership) -> bool:
        return ownership.is_retroactive(row)


class OwnershipBody(Known):
    team = serializers.CharField(max_length=62, allow_null=True, help_text="Slug; null: nobody.")
    cost_center = serializers.CharField(
        max_length=40,
        default=None,
        allow_null=True,
        help_text="Code of another cost center than the team's own.",
    )
    environment = serializers.CharField(max_length=60, default="", allow_blank=True)
    application = serializers.CharField(max_length=120, default="", allow_blank=True)
    from_day = Day(help_text="From this day of the tenant's time zone on.")
    reason = serializers.CharField(
        max_length=500,
        default="",
        allow_blank=True,
        help_text="Needed where the day is over; the statements concerned show it.",
    )


class SubscriptionOwnership(ScopedView):
    needs = "read:inventory"
    writes = "write:inventory"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listOwnership",
        tag="subscriptions",
        summary="Whose a subscription was and is",
        description="Everything that was recorded, by the day it begins; what was replaced too.",
        scope=needs,
        query=ListQuery,
        path=_PATH,
        answer=page_of(OwnershipItem),
        example=examples.page(ownership_examples.OWNERSHIP),
    )
    def get(self, request: Request, gateway: str, name: str) -> Response:
        query = ListQuery.of(request)
        found = ownership.recorded(self.actor, subscriptions.one(self.actor, gateway, name))
        rows, link = paging.rows(request, query, found, ("from_day", "id"))
        return Response({"next": link, "results": OwnershipItem(rows, many=True).data})

    @operation(
        "assignOwnership",
        tag="subscriptions",
        summary="Give a subscription to a team from a day on",
        description=(
            "For administrators. It holds up to the next assignment. A day that is over needs a"
            " reason, and the statements of both teams tell of the move; a day of a closed month"
            " is refused. What is in force on that day already changes nothing."
        ),
        scope=writes,
        path=_PATH,
        body=OwnershipBody,
        answer=OwnershipItem,
        example=examples.one(ownership_examples.OWNERSHIP),
    )
    def post(self, request: Request, gateway: str, name: str) -> Response:
        Query.of(request)
        access.require(self.actor, Role.ADMIN, verb="assign subscriptions")
        found = subscriptions.one(self.actor, gateway, name)
        body = OwnershipBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        row = attribution.assign(
            found,
            Attribution(
                team=self._named(Team, "team", slug=said["team"]),
                cost_center=self._named(CostCenter, "cost_center", code=said["cost_center"]),
                environment=said["environment"],
                application=said["application"],
            ),
            from_day=said["from_day"],
            by=self.actor.email,
            at=clock.now(),
            reason=said["reason"],
        )
        shown = ownership.recorded(self.actor, found).get(pk=row.pk)
        return Response(OwnershipItem(shown).data)

    def _named(self, kind: type[Named], field: str, **key: str | None) -> Named | None:
        """What the body names; None where it names none."""
        if None in key.values():
            return None
        try:
            return access.one(kind, self.actor, **key)
        except NotFound:
            raise Invalid(field=field, fix="There is none like it.") from None
