from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from governance.approvers import groups, policies, trials
from governance.approvers.policies import Wanted
from governance.approvers.routing import Need, Route
from governance.approvers.trials import Imagined, Replayed
from governance.models import ApprovalPolicy, ApproverGroup, Demand, RequestKind
from inventory import teams, tiers
from inventory.models import Product, Team
from portal import policies_shown
from portal.api import examples, paging
from portal.api import policy_examples as shown
from portal.api.answers import page_of
from portal.api.plans import Known
from portal.api.policy_items import (
    MOST_NAMED,
    PolicyActBody,
    PolicyBody,
    PolicyItem,
    PolicyRouteItem,
    ReplayItem,
    TrialBody,
)
from portal.api.queries import ListQuery, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import clock, tenants
from tenancy.access import Actor
from tenancy.refusals import Invalid, NotFound

_PATH = {"policy": "Id of the policy."}


class Policies(ScopedView):
    needs = "read:policies"
    writes = "write:policies"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listPolicies",
        tag="policies",
        summary="Approval policies, those that are over too",
        description="Every policy in force that a request meets counts, all together.",
        scope=needs,
        query=ListQuery,
        answer=page_of(PolicyItem),
        example=examples.page(shown.POLICY),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        policies_shown.look(self.actor)
        found = policies.seen_by(self.actor)
        rows, link = paging.rows(request, query, found, ("position", "id"))
        return Response({"next": link, "results": PolicyItem(rows, many=True).data})

    @operation(
        "addPolicy",
        tag="policies",
        summary="Add a policy",
        description="For administrators. It counts from now on, as the last in the order.",
        scope=writes,
        body=PolicyBody,
        answer=PolicyItem,
        example=examples.one(shown.POLICY),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        policies.require(self.actor)
        said = _said(request, PolicyBody)
        row = policies.add(_wanted(said, self.actor), by=self.actor, at=clock.now())
        return Response(PolicyItem(row).data)


class OnePolicy(ScopedView):
    needs = "read:policies"
    writes = "write:policies"
    http_method_names = ["get", "head", "post"]

    @operation(
        "getPolicy",
        tag="policies",
        summary="One policy",
        scope=needs,
        path=_PATH,
        answer=PolicyItem,
        example=examples.one(shown.POLICY),
    )
    def get(self, request: Request, policy: int) -> Response:
        Query.of(request)
        policies_shown.look(self.actor)
        return Response(PolicyItem(policies.one(self.actor, policy)).data)

    @operation(
        "changePolicy",
        tag="policies",
        summary="Put another policy in the place of this one",
        description="The whole policy is sent. The answer is the one that counts from now on.",
        scope=writes,
        path=_PATH,
        body=PolicyBody,
        answer=PolicyItem,
        example=examples.one(shown.POLICY),
    )
    def post(self, request: Request, policy: int) -> Response:
        Query.of(request)
        row = policies.one(self.actor, policy)
        policies.require(self.actor)
        wanted = _wanted(_said(request, PolicyBody), self.actor)
        return Response(
            PolicyItem(policies.change(row, wanted, by=self.actor, at=clock.now())).data
        )


class ActOnPolicy(ScopedView):
    needs = "read:policies"
    writes = "write:policies"
    http_method_names = ["post"]

    @operation(
        "actOnPolicy",
        tag="policies",
        summary="End a policy, or move it to another place",
        description="Requests that were sent keep what they need.",
        scope=writes,
        path=_PATH,
        body=PolicyActBody,
        answer=PolicyItem,
        example=examples.one(shown.POLICY),
    )
    def post(self, request: Request, policy: int) -> Response:
        Query.of(request)
        row, now = policies.one(self.actor, policy), clock.now()
        policies.require(self.actor)
        said = _said(request, PolicyActBody)
        if said["act"] == "end":
            policies.end(row, by=self.actor, at=now, reason=said["reason"])
        else:
            policies.move(row, before=_before(said["before"], self.actor), by=self.actor, at=now)
        return Response(PolicyItem(policies.one(self.actor, policy)).data)


class PolicyReplay(ScopedView):
    needs = "read:policies"

    @operation(
        "replayPolicy",
        tag="policies",
        summary="What a policy does to the requests of late",
        description=f"Of the last {trials.REPLAYED_DAYS} days, by the policies of now.",
        scope=needs,
        path=_PATH,
        answer=ReplayItem,
        example=examples.one(shown.REPLAY),
    )
    def get(self, request: Request, policy: int) -> Response:
        Query.of(request)
        policies_shown.look(self.actor)
        found = trials.replay(policies.one(self.actor, policy), at=clock.now())
        told = {
            "since": found.since,
            "sent": found.sent,
            "met": len(found.met),
            "differing": sum(one.differs for one in found.met),
            "requests": [_replayed(one) for one in found.met[:MOST_NAMED]],
        }
        return Response(ReplayItem(told).data)


class PolicyTrial(ScopedView):
    """Changes nothing; a POST, as what is tried does not fit an address."""

    needs = "read:policies"
    writes = "read:policies"
    http_method_names = ["post"]

    @operation(
        "tryPolicies",
        tag="policies",
        summary="Who would have to approve something that might be asked for",
        description="For those who see the whole tenant; nothing is sent or written.",
        scope=writes,
        body=TrialBody,
        answer=PolicyRouteItem,
        example=examples.one(shown.ROUTE),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        policies_shown.look(self.actor)
        said = _said(request, TrialBody)
        imagined = Imagined(
            kind=RequestKind(said["kind"]),
            team=_team(said["team"], self.actor),
            amount=said["amount"],
            percent=said["percent"],
            days=said["days"],
            forecast=said["forecast"],
            product=_tier(said["tier"]),
            environment=said["environment"],
        )
        route = trials.preview(imagined, at=clock.now())
        return Response(PolicyRouteItem(_route(route)).data)


def _said(request: Request, kind: type[Known]) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = body.validated_data
    return values


def _wanted(said: dict[str, Any], actor: Actor) -> Wanted:
    known = {one.row.name: one.row for one in groups.listed(actor)}
    named = {
        "group": _group(said["group"], known, "group"),
        "escalate_to": _group(said["escalate_to"], known, "escalate_to"),
        "team": _team(said["team"], actor) if said["team"] is not None else None,
        "product": _tier(said["tier"]),
        "kinds": tuple(RequestKind(kind) for kind in RequestKind.values if kind in said["kinds"]),
        "demand": Demand(said["demand"]),
    }
    return Wanted(**{name: value for name, value in said.items() if name != "tier"} | named)


def _group(name: str | None, known: dict[str, ApproverGroup], field: str) -> ApproverGroup | None:
    if name is None:
        return None
    if name not in known:
        raise Invalid(field=field, fix="There is no group of this name.")
    return known[name]


def _team(slug: str, actor: Actor) -> Team:
    try:
        return teams.one(actor, slug)
    except NotFound:
        raise Invalid(field="team", fix="There is none like it.") from None


def _tier(said: dict[str, str] | None) -> Product | None:
    if said is None:
        return None
    for row in tiers.offered():
        if (row.gateway.name, row.name) == (said["gateway"], said["name"]):
            return row
    raise Invalid(field="tier", fix="There is none like it in a gateway's list.")


def _before(number: int | None, actor: Actor) -> ApprovalPolicy | None:
    try:
        return policies.one(actor, number) if number is not None else None
    except NotFound:
        raise Invalid(field="before", fix="There is none like it.") from None


def _route(found: Route) -> dict[str, Any]:
    currency = tenants.billing().currency
    return {
        "automatic": found.automatic,
        "needs": _needs(found.needs),
        "met": [
            {
                "policy": one.policy.pk,
                "name": one.policy.name,
                "because": policies_shown.because(one, currency),
            }
            for one in found.matched
        ],
        "remind_after_hours": found.remind_after.total_seconds() // 3600,
        "escalate_after_hours": found.escalate_after.total_seconds() // 3600,
        "expires_after_days": found.expires_after.days,
    }


def _needs(found: tuple[Need, ...]) -> list[Need]:
    return [need for need in found if need.people]


def _replayed(one: Replayed) -> dict[str, Any]:
    return {
        "number": one.request.number,
        "kind": one.request.kind,
        "team": one.request.team.slug,
        "sent_at": one.request.submitted_at,
        "amount": one.amount,
        "needs": _needs(one.route.needs),
        "without": _needs(one.without),
        "differs": one.differs,
    }
