"""A team's statements: the months that have one, each as a sheet and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import freshness, spend, statements
from billing.documents import csv
from billing.statements import Line, StatementView
from inventory import teams
from portal import figures
from portal.figures import Figure, Reckoning
from portal.tenant_scope import TenantRequest
from portal.views import asked
from portal.views.asked import Month
from tenancy import clock, tenants
from tenancy.money import Basis
from tenancy.periods import Period

if TYPE_CHECKING:
    from inventory.models import Team


@dataclass(frozen=True, slots=True)
class Listed:
    """A month in the list of a team's statements."""

    period: Period
    total: Figure
    tokens: int
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one subscription."""

    subscription: str
    product: str
    gateway: str
    lines: tuple[Line, ...]


@require_safe
def statement_list(request: TenantRequest, slug: str) -> HttpResponse:
    """The months in which the team has usage, newest first."""
    billing = tenants.billing()
    team = teams.one(request.actor, slug)
    fresh = freshness.of_tenant()
    months = spend.months(team, currency=billing.currency, zone=billing.zone)
    listed = [
        Listed(
            month.period,
            figures.one(
                month.cost,
                Reckoning(Basis.ESTIMATED, month.period, billing.currency, fresh.usage_through),
                figures.NOT_PRICED,
            ),
            month.tokens,
            month.unpriced_tokens,
        )
        for month in months
    ]
    return render(
        request,
        "statements/list.html",
        {
            "team": team,
            "months": listed,
            "currency": billing.currency,
            "fresh": fresh,
            "running": billing.month_at(clock.now()),
        },
    )


@require_safe
def statement(request: TenantRequest, slug: str, month: str) -> HttpResponse:
    """The sheet of a month."""
    team, period = _asked(request, slug, month)
    sheet = statements.draft(team, period)
    negotiated = any(line.sheet or line.markup is not None for line in sheet.lines)
    return render(
        request,
        "statements/statement.html",
        {
            "team": team,
            "month": Month.of(period, now=clock.now()),
            "statement": sheet,
            "groups": _groups(sheet.lines),
            "negotiated": negotiated,
            "apart": any(line.cost_center != sheet.cost_center for line in sheet.lines),
            "columns": 5 if negotiated else 4,
        },
    )


@require_safe
def statement_csv(request: TenantRequest, slug: str, month: str) -> HttpResponse:
    """The same statement as a file."""
    sheet = _drafted(request, slug, month)
    answer = HttpResponse(csv.render(sheet), content_type=csv.CONTENT_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{csv.file_name(sheet)}"'
    return answer


def _drafted(request: TenantRequest, slug: str, month: str) -> StatementView:
    return statements.draft(*_asked(request, slug, month))


def _asked(request: TenantRequest, slug: str, month: str) -> tuple[Team, Period]:
    team = teams.one(request.actor, slug)
    return team, asked.month_of(month, tenants.billing(), now=clock.now())


def _groups(lines: Sequence[Line]) -> tuple[Group, ...]:
    """The lines by subscription; their order is the statement's own."""
    return tuple(
        Group(
            subscription,
            product,
            gateway,
            tuple(members),
        )
        for (gateway, subscription, product), members in groupby(
            lines, key=lambda line: (line.gateway, line.subscription, line.product)
        )
    )
