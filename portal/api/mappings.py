from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import MeterMapping
from billing.prices import mapping, meters, proposals, unpriced
from billing.prices.mapping import Choice
from billing.prices.proposals import Proposed
from billing.prices.unpriced import Gap
from billing.rules.token_classes import TokenClass, Unit
from portal import rights
from portal.api import examples, paging
from portal.api.answers import ExactMoney, estimated, page_of
from portal.api.fields import Exact
from portal.api.paging import Key
from portal.api.plans import Planned, PlannedItem, planned
from portal.api.queries import ListQuery, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import access, clock
from tenancy.money import Money
from tenancy.refusals import Invalid

Item = TypeVar("Item")
_MOST = 1000
_CLASSES = [one.value for one in TokenClass]
_COVERED = "Null: not charged by use, the capacity is paid for."


class OfDeployment(serializers.Serializer[Any]):
    """A deployment's token class, named as Azure does."""

    gateway = serializers.CharField()
    host = serializers.CharField(allow_blank=True, help_text="Of the account's endpoint.")
    deployment = serializers.CharField(allow_blank=True)
    token_class = serializers.ChoiceField(_CLASSES)


class MappingItem(OfDeployment):
    """Which meter prices a class, from an instant on to the next mapping's start."""

    meter_id = serializers.CharField(allow_null=True, help_text=_COVERED)
    meter_name = serializers.CharField(allow_null=True)
    units_per_price = serializers.IntegerField(
        help_text="How many of the class's units the meter's unit holds: 3600 seconds an hour."
    )
    effective_from = serializers.DateTimeField()
    confirmed_by = serializers.CharField(help_text="A person, or the rule.")
    reason = serializers.CharField()


class AlternativeItem(serializers.Serializer[Any]):
    meter_id = serializers.CharField(source="of.azure_id")
    meter_name = serializers.CharField(source="of.meter_name")
    confidence = Exact()
    against = serializers.ListField(child=serializers.CharField())


class ProposalItem(OfDeployment):
    """What should price a class: a meter, or paid capacity; else `reasons` say why nothing."""

    model = serializers.CharField(allow_blank=True, help_text="Empty: not known from Azure.")
    meter_id = serializers.CharField(allow_null=True, help_text="Null: no meter is proposed.")
    meter_name = serializers.CharField(allow_null=True)
    covered = serializers.BooleanField(help_text="The deployment's capacity is paid for.")
    confidence = Exact(help_text="0 to 1.")
    reasons = serializers.ListField(child=serializers.CharField())
    alternatives = AlternativeItem(many=True)
    mapped = serializers.BooleanField(help_text="Whether a mapping is in force.")
    differs = serializers.BooleanField(help_text="Whether it is another than is proposed.")


class UnpricedItem(OfDeployment):
    """Usage of open months that nothing prices. The estimate is in no amount anywhere."""

    model = serializers.CharField(allow_blank=True)
    quantity = serializers.IntegerField()
    unit = serializers.ChoiceField([unit.value for unit in Unit])
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    teams = serializers.ListField(
        child=serializers.CharField(allow_null=True), help_text="Names; null: unallocated."
    )
    estimate_low = ExactMoney(allow_null=True, help_text="Null: unknown.")
    estimate_high = ExactMoney(allow_null=True, help_text="Null: unknown.")
    why = serializers.CharField()


class ChoiceItem(OfDeployment):
    meter_id = serializers.CharField(allow_null=True, max_length=64, help_text=_COVERED)
    effective_from = serializers.DateTimeField(
        required=False,
        help_text="With its offset. Left out: always for a first mapping, else the present hour.",
    )
    reason = serializers.CharField(max_length=500)


class MappingsBody(Planned):
    mappings = serializers.ListField(
        child=ChoiceItem(), allow_empty=False, max_length=_MOST, help_text=f"At most {_MOST}."
    )


class Mappings(ScopedView):
    needs = "read:prices"
    writes = "write:prices"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listMappings",
        tag="prices",
        summary="Which meter prices what, and since when",
        description="The whole history, by the instant from which each holds.",
        scope=needs,
        query=ListQuery,
        answer=page_of(MappingItem),
        example=examples.page(examples.MAPPING),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        rights.see_prices(self.actor)
        found = access.many(MeterMapping, self.actor).select_related("deployment__gateway", "meter")
        rows, link = paging.rows(request, query, found, ("effective_from", "id"))
        return Response({"next": link, "results": [_mapping(row) for row in rows]})

    @operation(
        "confirmMappings",
        tag="prices",
        summary="Say which meters price what: all or none",
        description="Without `plan` it tells the effect and changes nothing.",
        scope=writes,
        body=MappingsBody,
        answer=PlannedItem,
        example=examples.one(examples.PLANNED),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        rights.change_prices(self.actor)
        body = MappingsBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        choices, by, now = self._choices(said["mappings"]), self.actor.email, clock.now()
        return planned(
            "mappings.confirm",
            {"mappings": [{**one} for one in said["mappings"]]},
            said.get("plan"),
            lambda: mapping.confirm_many(choices, by=by, at=now),
        )

    def _choices(self, items: list[dict[str, Any]]) -> list[Choice]:
        known = mapping.deployments(self.actor)
        named = meters.by_azure_id([one["meter_id"] for one in items if one["meter_id"]])
        choices = []
        for place, one in enumerate(items):
            deployed = known.get((one["gateway"], one["host"], one["deployment"]))
            meter = named.get(one["meter_id"] or "")
            if deployed is None:
                raise Invalid(field=f"mappings.{place}.deployment", fix="There is none like it.")
            if one["meter_id"] and meter is None:
                raise Invalid(field=f"mappings.{place}.meter_id", fix="The list has no such meter.")
            choices.append(
                Choice(
                    deployment=deployed,
                    token_class=TokenClass(one["token_class"]),
                    meter=meter,
                    reason=one["reason"],
                    from_instant=one.get("effective_from"),
                )
            )
        return choices


class MappingProposals(ScopedView):
    needs = "read:prices"

    @operation(
        "listMappingProposals",
        tag="prices",
        summary="Which meter should price what, how sure that is, and why",
        scope=needs,
        query=ListQuery,
        answer=page_of(ProposalItem),
        example=examples.page(examples.PROPOSAL),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        rights.see_prices(self.actor)
        used = unpriced.classes(unpriced.usage())
        found = proposals.of_tenant(at=clock.now(), used=used)
        return _page(request, query, found, _key, _proposal)


class UnpricedUsage(ScopedView):
    needs = "read:prices"

    @operation(
        "listUnpriced",
        tag="prices",
        summary="What has no price, and what it may hide",
        scope=needs,
        query=ListQuery,
        answer=page_of(UnpricedItem),
        example=examples.page(examples.UNPRICED),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        rights.see_prices(self.actor)
        found = unpriced.queue(at=clock.now())
        return _page(request, query, found, lambda gap: _key(gap.proposed), _gap)


def _page(
    request: Request,
    query: dict[str, Any],
    found: Iterable[Item],
    key: Callable[[Item], Key],
    show: Callable[[Item], dict[str, Any]],
) -> Response:
    part = paging.asked(request, query)
    later = sorted((one for one in found if part.after is None or key(one) > part.after), key=key)
    rows, link = paging.page(request, part, later[: part.most], key)
    return Response({"next": link, "results": [show(row) for row in rows]})


def _key(one: Proposed) -> Key:
    return (*_named(one).values(),)


def _named(one: Proposed | MeterMapping) -> dict[str, str]:
    deployed = one.deployment
    return {
        "gateway": deployed.gateway.name,
        "host": deployed.host,
        "deployment": deployed.name,
        "token_class": str(one.token_class),
    }


def _mapping(row: MeterMapping) -> dict[str, Any]:
    shown = {
        **_named(row),
        "meter_id": row.meter.azure_id if row.meter else None,
        "meter_name": row.meter.meter_name if row.meter else None,
        "units_per_price": row.units_per_price,
        "effective_from": row.effective_from,
        "confirmed_by": row.confirmed_by,
        "reason": row.reason,
    }
    return dict(MappingItem(shown).data)


def _proposal(one: Proposed) -> dict[str, Any]:
    shown = {
        **_named(one),
        "model": one.deployment.model,
        "meter_id": one.meter.azure_id if one.meter else None,
        "meter_name": one.meter.meter_name if one.meter else None,
        "covered": one.proposal.covered,
        "confidence": one.proposal.confidence,
        "reasons": one.proposal.reasons,
        "alternatives": one.proposal.alternatives,
        "mapped": one.mapping is not None,
        "differs": one.differs,
    }
    return dict(ProposalItem(shown).data)


def _gap(gap: Gap) -> dict[str, Any]:
    shown = {
        **_named(gap.proposed),
        "model": gap.proposed.deployment.model,
        "quantity": gap.used.quantity,
        "unit": gap.used.token_class.unit,
        "first_day": gap.used.first_day,
        "last_day": gap.used.last_day,
        "teams": gap.teams,
        "estimate_low": _money(gap.low),
        "estimate_high": _money(gap.high),
        "why": gap.why,
    }
    return dict(UnpricedItem(shown).data)


def _money(amount: Money | None) -> dict[str, object] | None:
    return None if amount is None else estimated(amount)
