from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.approvers import delegations, groups
from governance.approvers.policies import require
from governance.models import ApproverGroup
from portal import policies_shown
from portal.api import examples, paging
from portal.api import policy_examples as shown
from portal.api.answers import page_of
from portal.api.plans import Known
from portal.api.queries import ListQuery, Query
from portal.api.request_bodies import NOTHING
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import clock, memberships
from tenancy.access import Actor
from tenancy.models import Person
from tenancy.refusals import Invalid, NotFound

_GROUP = {"group": "Id of the group."}
_DELEGATION = {"delegation": "Id of the delegation."}


class MemberItem(serializers.Serializer[Any]):
    person = serializers.EmailField(source="person.email")
    approves = serializers.BooleanField(help_text="Whether their role lets them approve.")


class GroupItem(serializers.Serializer[Any]):
    """People whom policies name together."""

    id = serializers.IntegerField(source="row.pk")
    name = serializers.CharField(source="row.name")
    members = MemberItem(many=True)


class GroupBody(Known):
    name = serializers.CharField(max_length=120)


class MemberBody(Known):
    act = serializers.ChoiceField(["join", "leave"])
    person = serializers.EmailField(help_text="Of a member of the tenant.")


class DelegationItem(serializers.Serializer[Any]):
    """For a time one person decides in another's place. It is not passed on."""

    id = serializers.IntegerField(source="pk")
    absent = serializers.EmailField(source="absent.email")
    stand_in = serializers.EmailField(source="stand_in.email")
    until = serializers.DateTimeField(source="effective_until")
    reason = serializers.CharField(allow_blank=True)
    made_by = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """With ``from``, which is no name that Python lets a field have."""
        fields = super().get_fields()
        fields["from"] = serializers.DateTimeField(source="effective_from")
        return fields


class DelegationBody(Known):
    absent = serializers.EmailField(help_text="Yourself; for an administrator, any member.")
    stand_in = serializers.EmailField(help_text="Another member.")
    until = serializers.DateTimeField(help_text="Before which instant it ends.")
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)

    def get_fields(self) -> dict[str, Any]:
        """With ``from``: see `DelegationItem`."""
        fields = super().get_fields()
        fields["from"] = serializers.DateTimeField(
            default=None, allow_null=True, help_text="Left out: from now on."
        )
        return fields


class Groups(ScopedView):
    needs = "read:policies"
    writes = "write:policies"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listApproverGroups",
        tag="policies",
        summary="Groups of approvers, and who is in them",
        scope=needs,
        query=ListQuery,
        answer=page_of(GroupItem),
        example=examples.page(shown.GROUP),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        policies_shown.look(self.actor)
        part = paging.asked(request, query)
        found = [
            one
            for one in groups.listed(self.actor)
            if part.after is None or (one.row.name,) > part.after
        ]
        rows, link = paging.page(request, part, found[: part.most], lambda one: (one.row.name,))
        return Response({"next": link, "results": GroupItem(rows, many=True).data})

    @operation(
        "addApproverGroup",
        tag="policies",
        summary="Add a group",
        description="For administrators. One of this name again is the same.",
        scope=writes,
        body=GroupBody,
        answer=GroupItem,
        example=examples.one(shown.GROUP),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        require(self.actor)
        body = GroupBody(data=request.data)
        body.is_valid(raise_exception=True)
        row = groups.add(body.validated_data["name"], by=self.actor, at=clock.now())
        return _now(row, self.actor)


class GroupMembers(ScopedView):
    needs = "read:policies"
    writes = "write:policies"
    http_method_names = ["post"]

    @operation(
        "changeApproverGroup",
        tag="policies",
        summary="Put somebody into a group, or take them out",
        description="For administrators. What they approved stays.",
        scope=writes,
        path=_GROUP,
        body=MemberBody,
        answer=GroupItem,
        example=examples.one(shown.GROUP),
    )
    def post(self, request: Request, group: int) -> Response:
        Query.of(request)
        row = groups.one(self.actor, group)
        require(self.actor)
        body = MemberBody(data=request.data)
        body.is_valid(raise_exception=True)
        person = _person(body.validated_data["person"], "person")
        change = groups.join if body.validated_data["act"] == "join" else groups.leave
        change(row, person, by=self.actor, at=clock.now())
        return _now(row, self.actor)


class Delegations(ScopedView):
    needs = "read:policies"
    writes = "write:policies"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listDelegations",
        tag="policies",
        summary="Who decides in whose place, and did",
        description="One's own; for those who see the whole tenant, all.",
        scope=needs,
        query=ListQuery,
        answer=page_of(DelegationItem),
        example=examples.page(shown.DELEGATION),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        rows, link = paging.rows(request, query, delegations.seen_by(self.actor), ("id",))
        return Response({"next": link, "results": DelegationItem(rows, many=True).data})

    @operation(
        "delegate",
        tag="policies",
        summary="Name a stand-in for a time",
        description="For oneself; an administrator for anybody.",
        scope=writes,
        body=DelegationBody,
        answer=DelegationItem,
        example=examples.one(shown.DELEGATION),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        body, now = DelegationBody(data=request.data), clock.now()
        body.is_valid(raise_exception=True)
        said = body.validated_data
        wanted = delegations.Wanted(
            absent=_person(said["absent"], "absent"),
            stand_in=_person(said["stand_in"], "stand_in"),
            from_instant=said["from"] or now,
            until=said["until"],
            reason=said["reason"],
        )
        row = delegations.delegate(wanted, by=self.actor, at=now)
        return Response(DelegationItem(row).data)


class EndDelegation(ScopedView):
    needs = "read:policies"
    writes = "write:policies"
    http_method_names = ["post"]

    @operation(
        "endDelegation",
        tag="policies",
        summary="Let the absent person decide again, from now on",
        scope=writes,
        path=_DELEGATION,
        body=NOTHING,
        answer=DelegationItem,
        example=examples.one(shown.DELEGATION),
    )
    def post(self, request: Request, delegation: int) -> Response:
        Query.of(request)
        row = delegations.one(self.actor, delegation)
        Known(data=request.data).is_valid(raise_exception=True)
        return Response(DelegationItem(delegations.end(row, by=self.actor, at=clock.now())).data)


def _now(row: ApproverGroup, actor: Actor) -> Response:
    """A group as it is now."""
    found = next(one for one in groups.listed(actor) if one.row.pk == row.pk)
    return Response(GroupItem(found).data)


def _person(email: str, field: str) -> Person:
    try:
        return memberships.member(email)
    except NotFound:
        raise Invalid(field=field, fix="Nobody of this address belongs to the tenant.") from None
