from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from billing import team_months
from billing.team_months import TeamMonth
from inventory.models import Team
from portal.api import examples, paging
from portal.api.answers import Month, RoundedMoney, estimated, page_of
from portal.api.queries import ListQuery, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import access
from tenancy.periods import Period


class CostCenterItem(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class TeamMonthItem(serializers.Serializer[Any]):
    """What the team has borne in the running month: the total of its draft statement."""

    period = Month()
    spent = RoundedMoney(allow_null=True, help_text="Null: no usage yet.")
    tokens = serializers.IntegerField()
    unpriced_tokens = serializers.IntegerField(help_text="Tokens without a price: not in `spent`.")


class TeamItem(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    cost_center = CostCenterItem()
    this_month = TeamMonthItem()
    url = serializers.URLField()


class Teams(ScopedView):
    needs = "read:inventory"

    @operation(
        "listTeams",
        tag="teams",
        summary="Teams, with what they spent this month",
        scope=needs,
        query=ListQuery,
        answer=page_of(TeamItem),
        example=examples.page(examples.TEAM),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        found = access.many(Team, self.actor).select_related("cost_center")
        teams, link = paging.rows(request, query, found, ("slug",))
        return Response({"next": link, "results": items(teams, self.this_month(), request)})


class OneTeam(ScopedView):
    needs = "read:inventory"

    @operation(
        "getTeam",
        tag="teams",
        summary="One team, with what it spent this month",
        scope=needs,
        path={"slug": "The team's slug."},
        answer=TeamItem,
        example=examples.one(examples.TEAM),
    )
    def get(self, request: Request, slug: str) -> Response:
        Query.of(request)
        team = access.one(Team, self.actor, slug=slug)
        return Response(items([team], self.this_month(), request)[0])


def items(teams: Sequence[Team], period: Period, request: Request) -> list[dict[str, Any]]:
    """The teams as the API shows them."""
    months = {
        month.team_id: month
        for month in team_months.of_teams(
            [team.pk for team in teams], first_day=period.first_day, end_day=period.end_day
        )
    }
    return [
        dict(TeamItem(_item(team, months.get(team.pk), period, request)).data) for team in teams
    ]


def _item(team: Team, month: TeamMonth | None, period: Period, request: Request) -> dict[str, Any]:
    return {
        "slug": team.slug,
        "name": team.name,
        "cost_center": team.cost_center,
        "this_month": {
            "period": period,
            "spent": None if month is None else estimated(month.total),
            "tokens": month.tokens if month else 0,
            "unpriced_tokens": month.unpriced_tokens if month else 0,
        },
        "url": reverse("api:team", [team.slug], request=request),
    }
