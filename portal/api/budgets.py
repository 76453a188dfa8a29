from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.forecasts import Percentile
from governance import alerts, budgets
from governance.alerts import Kind
from governance.budgets import BudgetStanding
from governance.models import Alert, Budget, Level
from governance.rules.spans import Every
from governance.rules.thresholds import THRESHOLDS, usual
from inventory import teams
from portal import rights
from portal.api import budget_examples, examples, paging
from portal.api.answers import ExactMoney, estimated, page_of
from portal.api.fields import Exact
from portal.api.plans import Known
from portal.api.queries import ListQuery, Name, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import clock
from tenancy.money import Money
from tenancy.refusals import Invalid

_PERIODS = [Every.MONTH.value, Every.YEAR.value]
_TEAM = "Slug; null: a cost center's."
_CENTER = "Code; null: a team's."
_AMOUNT = "In the tenant's currency; null: none any more."


class _Whose(serializers.Serializer[Any]):
    team = serializers.CharField(allow_null=True, help_text=_TEAM)
    cost_center = serializers.CharField(allow_null=True, help_text=_CENTER)
    period = serializers.ChoiceField(_PERIODS)


class ExpectedItem(serializers.Serializer[Any]):
    """What the period will have come to: in one, five and nine of ten cases it is no more."""

    p10 = Exact()
    p50 = Exact()
    p90 = Exact()


class BudgetItem(_Whose):
    """A budget in force, and how it stands in the period that runs."""

    amount = ExactMoney()
    first_day = serializers.DateField(help_text="A day of the tenant's time zone.")
    end_day = serializers.DateField(help_text="The day after the last.")
    time_zone = serializers.CharField()
    spent = ExactMoney(help_text="Up to `usage_through`.")
    percent = Exact(allow_null=True, help_text="Spent, of the budget; null: it is nothing.")
    forecast = ExpectedItem(allow_null=True, help_text="At the end; null: too little is known.")
    forecast_percent = Exact(allow_null=True, help_text="The forecast's p50, of the budget.")
    breaks = serializers.BooleanField(help_text="It is passed, or likely to be.")
    usage_through = serializers.DateTimeField(allow_null=True, help_text="Null: never read.")
    unpriced_tokens = serializers.IntegerField(help_text="Without a price: in no amount.")
    thresholds = serializers.ListField(child=serializers.IntegerField(), help_text="Percent.")
    forecast_alert = serializers.BooleanField()


class BudgetSaidItem(_Whose):
    """What was once said of a budget."""

    amount = Exact(allow_null=True, help_text=_AMOUNT)
    from_day = serializers.DateField(help_text="First day of the first period it is for.")
    thresholds = serializers.ListField(child=serializers.IntegerField(), help_text="Percent.")
    forecast_alert = serializers.BooleanField()
    set_by = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    recorded_at = serializers.DateTimeField()


class BudgetBody(Known):
    team = serializers.CharField(max_length=62, required=False, help_text="Slug.")
    cost_center = serializers.CharField(
        max_length=40, required=False, help_text="Code. Give a team or a cost center."
    )
    period = serializers.ChoiceField(_PERIODS, default=Every.MONTH.value)
    amount = serializers.DecimalField(
        max_digits=22, decimal_places=4, min_value=0, allow_null=True, help_text=_AMOUNT
    )
    from_day = serializers.DateField(help_text="The first day of a month, or of a year.")
    thresholds = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=1000),
        max_length=20,
        default=usual,
        help_text="Percent spent at which somebody is told. Empty: 50, 80, 90 and 100.",
    )
    forecast_alert = serializers.BooleanField(
        default=True, help_text="Tell when it is likely to be passed."
    )
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class BudgetQuery(ListQuery):
    team = Name("Slug: those of this team.")
    cost_center = Name("Code: those of this cost center.")


class Budgets(ScopedView):
    needs = "read:budgets"
    writes = "write:budgets"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listBudgets",
        tag="budgets",
        summary="Budgets, and how they stand",
        description="Of teams and cost centers that you may see. They warn and never suspend.",
        scope=needs,
        query=ListQuery,
        answer=page_of(BudgetItem),
        example=examples.page(budget_examples.STANDING),
    )
    def get(self, request: Request) -> Response:
        part = paging.asked(request, ListQuery.of(request))
        found = sorted(budgets.seen_by(self.actor, at=clock.now()), key=_key)
        later = [one for one in found if part.after is None or _key(one) > part.after]
        rows, link = paging.page(request, part, later[: part.most], _key)
        return Response(
            {"next": link, "results": BudgetItem([_standing(one) for one in rows], many=True).data}
        )

    @operation(
        "setBudget",
        tag="budgets",
        summary="Set a budget from a period on",
        description="For finance and administrators. The same again changes nothing.",
        scope=writes,
        body=BudgetBody,
        answer=BudgetSaidItem,
        example=examples.one(budget_examples.SAID),
        further=(404,),
        sent=(OpenApiExample("A body", value=budget_examples.SENT, request_only=True),),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        rights.set_budgets(self.actor)
        body = BudgetBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        row = budgets.set_budget(
            self._subject(said),
            said["amount"],
            every=Every(said["period"]),
            from_day=said["from_day"],
            told_at=said["thresholds"],
            forecast_alert=said["forecast_alert"],
            by=self.actor.email,
            at=clock.now(),
            reason=said["reason"],
        )
        return Response(BudgetSaidItem(_said(row)).data)

    def _subject(self, said: dict[str, Any]) -> Any:
        """The one team or cost center that is named."""
        team, code = said.get("team"), said.get("cost_center")
        if bool(team) == bool(code):
            raise Invalid(field="team", fix="Give a team or a cost center, one of them.")
        return teams.one(self.actor, team) if team else budgets.cost_center(self.actor, str(code))


class BudgetHistory(ScopedView):
    needs = "read:budgets"

    @operation(
        "listBudgetHistory",
        tag="budgets",
        summary="What was ever said of budgets",
        description="In the order in which it was written down.",
        scope=needs,
        query=BudgetQuery,
        answer=page_of(BudgetSaidItem),
        further=(404,),
        example=examples.page(budget_examples.SAID),
    )
    def get(self, request: Request) -> Response:
        query = BudgetQuery.of(request)
        team, code = query.get("team"), query.get("cost_center")
        if team:
            teams.one(self.actor, team)
        if code:
            budgets.cost_center(self.actor, code)
        found = budgets.said(self.actor, team=team, cost_center=code)
        rows, link = paging.rows(request, query, found, ("id",))
        answer = BudgetSaidItem([_said(row) for row in rows], many=True)
        return Response({"next": link, "results": answer.data})


class AlertSubscription(serializers.Serializer[Any]):
    gateway = serializers.CharField(source="gateway.name")
    name = serializers.CharField()


class AlertItem(serializers.Serializer[Any]):
    """That a threshold is reached. It begins once, and ends when it is so no longer."""

    id = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(Kind.values)
    subject = serializers.ChoiceField([one.value for one in Level], source="level.value")
    subscription = AlertSubscription(allow_null=True)
    team = serializers.CharField(source="team.slug", default=None, allow_null=True)
    cost_center = serializers.CharField(source="cost_center.code", default=None, allow_null=True)
    unit = serializers.CharField(help_text="currency or tokens.")
    period = serializers.CharField(source="span", help_text="hour, day, week, month or year.")
    period_start = serializers.DateTimeField(source="period", help_text="Its first instant.")
    threshold = serializers.IntegerField(help_text="Percent of the limit or budget.")
    says = serializers.SerializerMethodField(help_text="The same in words.")
    fired_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True, help_text="Null: it holds.")
    evidence = serializers.DictField(help_text="The figures when it began, as text, with basis.")

    def get_says(self, row: Alert) -> str:
        return alerts.title(row)


class AlertQuery(ListQuery):
    kind = serializers.ChoiceField(Kind.values, required=False, help_text="Those of this kind.")
    open = serializers.BooleanField(
        required=False, default=False, help_text="true: only those that hold."
    )


class Alerts(ScopedView):
    needs = "read:budgets"

    @operation(
        "listAlerts",
        tag="budgets",
        summary="Alerts of quotas and budgets",
        description="Of what you may see, in the order in which they began.",
        scope=needs,
        query=AlertQuery,
        answer=page_of(AlertItem),
        example=examples.page(budget_examples.ALERT),
    )
    def get(self, request: Request) -> Response:
        query = AlertQuery.of(request)
        kind = Kind(query["kind"]) if "kind" in query else None
        found = alerts.seen_by(self.actor, kind=kind, only_open=query["open"])
        rows, link = paging.rows(request, query, found, ("id",))
        return Response({"next": link, "results": AlertItem(rows, many=True).data})


def _key(one: BudgetStanding) -> tuple[str, ...]:
    """Teams first, then by id and period."""
    level, id = one.whose
    return str(int(level is not Level.TEAM)), f"{id:020}", one.period.every.value


def _whose(row: Budget) -> dict[str, object]:
    return {
        "team": row.team.slug if row.team else None,
        "cost_center": row.cost_center.code if row.cost_center else None,
        "period": row.span,
    }


def _standing(one: BudgetStanding) -> dict[str, object]:
    told = one.outlook.forecast
    return {
        **_whose(one.budget),
        "amount": estimated(Money(one.amount, one.currency)),
        "first_day": one.period.first_day,
        "end_day": one.period.end_day,
        "time_zone": one.outlook.zone,
        "spent": estimated(Money(one.spent, one.currency)),
        "percent": one.percent,
        "forecast": {each.value: told.total(each) for each in Percentile}
        if one.forecast is not None
        else None,
        "forecast_percent": one.forecast_percent,
        "breaks": one.breaks,
        "usage_through": one.outlook.usage_through,
        "unpriced_tokens": one.outlook.unpriced_tokens,
        "thresholds": list(one.budget.thresholds or THRESHOLDS),
        "forecast_alert": one.budget.forecast_alert,
    }


def _said(row: Budget) -> dict[str, object]:
    names = ("amount", "from_day", "forecast_alert", "set_by", "reason", "recorded_at")
    told = {name: getattr(row, name) for name in names}
    return {**_whose(row), **told, "thresholds": list(row.thresholds or THRESHOLDS)}
