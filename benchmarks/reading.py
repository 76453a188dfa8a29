"""What people open: a team's statement and page, a subscription's page; with and without row
security."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connection

from benchmarks.month import START, Month
from benchmarks.timing import TURNS, Goal, Measure, Side, in_turns, timed
from billing import spend, statements
from inventory.models import Subscription, Team
from portal.embedded import Role
from tenancy import scope, tenants

_MOST = Goal.of_seconds("0.025")
#: As often as a page asks; the same at every size.
_READS = 4 * TURNS


class Reading:
    """One team, and one of its subscriptions, in a month that is loaded and rated."""

    def __init__(self, month: Month) -> None:
        self._month = month
        with scope.of(month.ref):
            self._team = Team.objects.get(id=month.team)
            self._subscription = Subscription.objects.order_by("id")[0]
            self._period = tenants.billing().month_at(START)

    def measures(self) -> list[Measure]:
        """Each page's verbs, their queries counted; then the same without row security."""
        found = []
        for name, read in self._pages():
            count, rows = self._queries(read)
            with_policy, without = in_turns(
                Side(name, partial(self._time, read), partial(_connect, Role.APP)),
                Side(f"{name}, no policy", partial(self._time, read), _bypass),
                turns=_READS,
            )
            _connect(Role.APP)
            found += [
                Measure(f"{name} ({count} queries)", rows, with_policy, goal=_MOST),
                Measure(
                    f"{name}: row security",
                    rows,
                    with_policy,
                    without,
                    "without it",
                    goal=Goal.of_time("1.25"),
                ),
            ]
        return found

    def _pages(self) -> list[tuple[str, Callable[[], int]]]:
        return [
            ("statement: one team's draft", self._draft),
            ("team page", self._team_page),
            ("subscription page", self._subscription_page),
        ]

    def _draft(self) -> int:
        return len(statements.draft(self._team, self._period).lines)

    def _team_page(self) -> int:
        period, currency = self._period, "USD"
        days = spend.by_day(self._team, period, currency=currency)
        prices = spend.by_price(self._team, period, currency=currency)
        shares = spend.shares(period, currency=currency, team=self._team)
        return len(days) + len(prices) + len(shares)

    def _subscription_page(self) -> int:
        days = spend.by_day(self._subscription, self._period, currency="USD")
        prices = spend.by_price(self._subscription, self._period, currency="USD")
        calls = spend.calls(self._subscription, self._period)
        return len(days) + len(prices) + min(calls.requests, 1)

    def _queries(self, read: Callable[[], int]) -> tuple[int, int]:
        with scope.of(self._month.ref), _counted() as statements_run:
            rows = read()
        return len(statements_run), rows

    def _time(self, read: Callable[[], int]) -> float:
        with scope.of(self._month.ref):
            read()  # the connection may be new: what it knows of the tables is no page's cost
            return timed(read)


def _bypass() -> None:
    _connect(Role.SUPERUSER)


def _connect(role: Role) -> None:
    """Let Django's connection be this role's; row security binds no superuser."""
    if connection.settings_dict["USER"] != role:
        connection.close()
        connection.settings_dict["USER"] = str(role)


@contextmanager
def _counted() -> Iterator[list[str]]:
    told: list[str] = []

    def count(execute: Callable[..., Any], sql: Any, *rest: Any) -> Any:
        told.append(str(sql))
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        yield told
