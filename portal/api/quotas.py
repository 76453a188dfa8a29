from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.consequences import shares
from governance.limits import effects, limited, quotas, running_out
from governance.limits.binding import NO_LIMIT
from governance.limits.effects import Effect
from governance.limits.limited import Limited
from governance.limits.quotas import Wanted
from governance.models import Hardness, Level, Quota, Rollover, Span, Unit
from governance.rules import thresholds
from governance.rules.spans import Every
from inventory.models import Subscription
from portal import plans, rights
from portal.api import examples, paging, quota_items
from portal.api import quota_examples as shown
from portal.api.answers import page_of
from portal.api.fields import Instant
from portal.api.plans import Planned
from portal.api.queries import ListQuery, Name, Query
from portal.api.quota_items import ForeseenLimitsItem, LimitItem, LimitsItem, QuotaItem
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import access, clock
from tenancy.access import Actor
from tenancy.refusals import Invalid

_SET = "quota.set"
#: What names a subject, by its level.
_KEYS = {
    Level.SUBSCRIPTION: ("gateway", "subscription"),
    Level.PRODUCT: ("gateway", "product"),
    Level.TEAM: ("team",),
    Level.COST_CENTER: ("cost_center",),
}


class LimitsQuery(ListQuery):
    gateway = Name("Only those at this gateway.")
    product = Name("Only those of this product.")


class QuotaQuery(ListQuery):
    level = serializers.ChoiceField(Level.values, required=False, help_text="Only of these.")
    gateway = Name("Only of this gateway's subscriptions and products.")
    subscription = Name("Only of the APIM subscription of this name.")
    product = Name("Only of the product of this name.")
    team = Name("Only of the team of this slug.")
    cost_center = Name("Only of the cost center of this code.")


class QuotaBody(Planned):
    """A limit of one subject: ``gateway`` and ``subscription``, ``gateway`` and ``product``,
    ``team``, or ``cost_center``."""

    gateway = serializers.CharField(required=False, max_length=300)
    subscription = serializers.CharField(required=False, max_length=300)
    product = serializers.CharField(required=False, max_length=300)
    team = serializers.CharField(required=False, max_length=300, help_text="Its slug.")
    cost_center = serializers.CharField(required=False, max_length=300, help_text="Its code.")
    limit = serializers.DecimalField(
        max_digits=24,
        decimal_places=4,
        min_value=0,
        allow_null=True,
        help_text="In the billing currency or in tokens; null clears it, and a subscription then"
        " has its product's.",
    )
    unit = serializers.ChoiceField(Unit.values, default=Unit.CURRENCY.value)
    every = serializers.ChoiceField([span.value for span in Span], default=Span.MONTH.value)
    hardness = serializers.ChoiceField(
        Hardness.values, default=Hardness.HARD.value, help_text="Soft warns, hard suspends."
    )
    rollover = serializers.ChoiceField(
        Rollover.values,
        default=Rollover.NONE.value,
        help_text="unused: what was left of the period before is added, once.",
    )
    thresholds = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=1000),
        default=thresholds.usual,
        max_length=10,
        help_text="Percentages at which somebody is told.",
    )
    effective_from = Instant(
        required=False, allow_null=True, default=None, help_text="Null: from now on."
    )
    effective_until = Instant(
        required=False, allow_null=True, default=None, help_text="Null: until another begins."
    )
    reason = serializers.CharField(max_length=500)
    version = serializers.IntegerField(
        min_value=0,
        help_text="The newest `version` of the subject's quotas that you know of, 0 for none: of"
        " another one it is refused (409).",
    )


class SetItem(serializers.Serializer[Any]):
    """A limit that was tried, or set."""

    applied = serializers.BooleanField(help_text="False: nothing has changed yet.")
    plan = serializers.CharField(
        allow_null=True, help_text="Send this with the same body within a day to set it."
    )
    subscriptions = serializers.IntegerField(help_text="How many it concerns today.")
    before = LimitItem(allow_null=True, help_text="Of the one that has used most; null: none.")
    after = LimitItem(allow_null=True, help_text="The same, as if it were in force now.")
    suspends = serializers.IntegerField(help_text="How many the next cycle would suspend.")
    suspended = serializers.ListField(
        child=serializers.CharField(), help_text=f"The first {effects.MOST_NAMED} of them."
    )
    breaks_budgets = serializers.ListField(
        child=serializers.CharField(), help_text="What is to be said of budgets it would break."
    )
    version = serializers.IntegerField(help_text="The newest of the subject's quotas.")


class EffectiveLimits(ScopedView):
    needs = "read:quotas"

    @operation(
        "listLimits",
        tag="quotas",
        summary="What limits each APIM subscription now, how much is used, and what binds",
        description="Ordered by gateway and name. Inherited limits name whose they are.",
        scope=needs,
        query=LimitsQuery,
        answer=page_of(LimitsItem),
        example=examples.page(shown.LIMITS),
    )
    def get(self, request: Request) -> Response:
        query = LimitsQuery.of(request)
        found = access.many(Subscription, self.actor).exclude(name="")
        columns = {"gateway": "gateway__name", "product": "product__name"}
        found = found.filter(**{columns[name]: query[name] for name in columns if name in query})
        found = found.select_related("gateway", "product")
        rows, link = paging.rows(request, query, found, ("gateway__name", "name"))
        bindings = quotas.of((row.pk for row in rows), at=clock.now())
        told = [quota_items.limits(row, bindings.get(row.pk, NO_LIMIT), request) for row in rows]
        return Response({"next": link, "results": LimitsItem(told, many=True).data})


class LimitsOf(ScopedView):
    needs = "read:quotas"

    @operation(
        "getLimits",
        tag="quotas",
        summary="One subscription's limits, and which is reached first at the recent mix",
        scope=needs,
        path={"gateway": "Name of the gateway.", "name": "Name of the APIM subscription."},
        answer=ForeseenLimitsItem,
        example=examples.one(shown.FORESEEN),
    )
    def get(self, request: Request, gateway: str, name: str) -> Response:
        Query.of(request)
        now = clock.now()
        rows = access.many(Subscription, self.actor).select_related("gateway", "product")
        one = access.one(Subscription, self.actor, gateway__name=gateway, name=name)
        row = rows.get(pk=one.pk)
        binding = quotas.of([row.pk], at=now).get(row.pk, NO_LIMIT)
        found = running_out.foresee({row.pk: binding}, at=now)[row.pk]
        first = next((each for each in found if each.likely), None)
        kept = running_out.in_gateway(row.product, row.pk, at=now)
        by_quota = {each.limit.quota_id: each for each in found}
        told = {
            **quota_items.limits(row, binding, request),
            "limits": [
                quota_items.foreseen(by_quota[each.quota_id], binding, first)
                for each in binding.limits
            ],
            "in_gateway": quota_items.in_gateway(kept),
            "version": quotas.newest(row),
        }
        return Response(ForeseenLimitsItem(told).data)


class Quotas(ScopedView):
    needs = "read:quotas"
    writes = "write:quotas"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listQuotas",
        tag="quotas",
        summary="All that was ever said of limits: the history",
        description="In the order in which it was written down. Nothing in it ever changes.",
        scope=needs,
        query=QuotaQuery,
        answer=page_of(QuotaItem),
        example=examples.page(shown.QUOTA),
    )
    def get(self, request: Request) -> Response:
        query = QuotaQuery.of(request)
        found = limited.history_seen_by(
            self.actor,
            level=query.get("level", ""),
            keys={name: query[name] for name in _NAMES if name in query},
        )
        rows, link = paging.rows(request, query, found, ("id",))
        return Response({"next": link, "results": QuotaItem(rows, many=True).data})

    @operation(
        "setQuota",
        tag="quotas",
        summary="Set or clear a limit of a subscription, product, team or cost center",
        description=(
            "For administrators; others ask for a change. Without `plan` it tells how much of the "
            "limit is used already and whom it would suspend, and changes nothing. What was in "
            "force stays in the history; no key changes."
        ),
        scope=writes,
        body=QuotaBody,
        answer=SetItem,
        example=examples.one(shown.SET),
        missing="There is no such subject, or it is not yours to see.",
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        rights.set_limits(self.actor)
        body = QuotaBody(data=request.data)
        body.is_valid(raise_exception=True)
        said, now = body.validated_data, clock.now()
        found, wanted = _subject(self.actor, said), _wanted(said)
        plan = said.pop("plan", None)
        if plan is not None:
            plans.require(plan, _SET, said)
        start = said["effective_from"] or now
        until = said["effective_until"]
        effect = effects.of(found.subject, wanted, from_instant=start, until=until, at=now)
        touched = shares.effect_of_limit(found.subject, wanted, at=now)
        if plan is not None:
            _set(found, wanted, said, start=start, by=self.actor, at=now)
        elif quotas.newest(found.subject) != said["version"]:
            raise quotas.LimitChanged()
        told = {
            **_effect(effect),
            "applied": plan is not None,
            "plan": None if plan is not None else plans.token(_SET, said),
            "breaks_budgets": [one.says for one in touched if one.breaks],
            "version": quotas.newest(found.subject),
        }
        return Response(SetItem(told).data)


_NAMES = tuple(dict.fromkeys(name for names in _KEYS.values() for name in names))


def _subject(actor: Actor, said: dict[str, Any]) -> Limited:
    """The one subject that the body names.

    Raises:
        Invalid: it names none, or several.
        NotFound: there is no such, or it is not the actor's to see.
    """
    given = {name for name in _NAMES if said.get(name)}
    level = next((level for level, keys in _KEYS.items() if given == set(keys)), None)
    if level is None:
        fix = "Name one: gateway and subscription, gateway and product, team, or cost_center."
        raise Invalid(field="subject", fix=fix)
    keys = [said[name] for name in _KEYS[level]]
    match level:
        case Level.SUBSCRIPTION:
            return limited.subscription(actor, *keys)
        case Level.PRODUCT:
            return limited.product_named(actor, *keys)
        case Level.TEAM:
            return limited.team(actor, *keys)
        case Level.COST_CENTER:
            return limited.cost_center(actor, *keys)


def _wanted(said: dict[str, Any]) -> Wanted:
    return Wanted(
        said["limit"],
        unit=Unit(said["unit"]),
        every=Every(said["every"]),
        hardness=Hardness(said["hardness"]),
        rollover=Rollover(said["rollover"]),
        thresholds=tuple(said["thresholds"]),
    )


def _set(
    found: Limited,
    wanted: Wanted,
    said: dict[str, Any],
    *,
    start: datetime,
    by: Actor,
    at: datetime,
) -> Quota:
    return quotas.set_limit(
        found.subject,
        wanted,
        from_instant=start,
        until=said["effective_until"],
        by=by.email,
        at=at,
        reason=said["reason"],
        seen=said["version"],
    )


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "subscriptions": effect.subscriptions,
        "before": quota_items.limit(effect.before) if effect.before else None,
        "after": quota_items.limit(effect.after) if effect.after else None,
        "suspends": effect.refused,
        "suspended": effect.named,
    }
