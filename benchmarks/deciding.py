"""Deciding for a hundred thousand subscriptions, of which none has to be changed at the gateway."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
from django.db import connection

from benchmarks.month import BY, END, START
from benchmarks.timing import TURNS, Goal, Measure, Side, in_turns, same, timed
from governance import decisions, enforcement
from governance.decisions import SITUATIONS
from governance.models import EnforcementSettings, Mode
from inventory import gateways
from inventory.models import Gateway
from portal.embedded import Postgres, Role
from tenancy import scope, tenants
from tenancy.runs import Contention

COUNT = 100_000
_AT = END - timedelta(days=5)
_SUBSCRIPTIONS = """
INSERT INTO inventory_subscription
       (tenant_id, gateway_id, name, display_name, state, state_comment, origin, seen_at)
SELECT %(tenant)s, %(gateway)s, 'd' || number, '', 'active', '', 'inventory', %(start)s
  FROM generate_series(1, %(count)s) number
"""
#: Two limits each, one after the other, as after a change within the month.
_QUOTAS = """
INSERT INTO governance_quota
       (tenant_id, subscription_id, "limit", hardness, effective_from, effective_until, set_by,
        reason)
SELECT tenant_id, id, 100 + half, CASE WHEN id %% 2 = 0 THEN 'hard' ELSE 'soft' END,
       %(start)s::timestamptz + half * interval '10 days',
       CASE half WHEN 0 THEN %(start)s::timestamptz + interval '10 days' END, %(by)s, ''
  FROM inventory_subscription, generate_series(0, 1) half
 WHERE tenant_id = %(tenant)s
"""
_SPENT = """
INSERT INTO billing_periodtodate
       (tenant_id, first_day, subscription_id, cost, tokens, unpriced_tokens)
SELECT tenant_id, %(first_day)s, id, id %% 90, id, 0
  FROM inventory_subscription WHERE tenant_id = %(tenant)s
"""
#: The same tables joined as plainly as can be, and nothing but counted.
_COUNTED = """
SELECT count(*), count(quota.id), count(spent.id)
  FROM inventory_subscription subscription
  JOIN inventory_gateway gateway
    ON gateway.tenant_id = subscription.tenant_id AND gateway.id = subscription.gateway_id
  LEFT JOIN governance_quota quota
    ON quota.tenant_id = subscription.tenant_id AND quota.subscription_id = subscription.id
   AND quota.effective_from <= %(at)s
   AND (quota.effective_until IS NULL OR quota.effective_until > %(at)s)
  LEFT JOIN billing_periodtodate spent
    ON spent.tenant_id = subscription.tenant_id
   AND spent.subscription_id = subscription.id
   AND spent.first_day = %(first_day)s
  LEFT JOIN billing_usagefeed feed
    ON feed.tenant_id = subscription.tenant_id AND feed.gateway_id = subscription.gateway_id
  LEFT JOIN governance_suspension suspension
    ON suspension.tenant_id = subscription.tenant_id
   AND suspension.subscription_id = subscription.id
   AND suspension.lifted_at IS NULL
 WHERE subscription.tenant_id = %(tenant)s
"""


class Deciding:
    """A tenant of its own with as many subscriptions, each with a quota and a cost."""

    def __init__(self, server: Postgres) -> None:
        self._superuser = psycopg.connect(server.url(Role.SUPERUSER), autocommit=True)
        self._ref = tenants.create("many", name="Many", currency="USD", zone="Europe/Berlin")
        with scope.of(self._ref):
            gateway = _gateway()
            EnforcementSettings.objects.create(mode=Mode.ON)
            self._asked: dict[str, Any] = {
                "tenant": self._ref.id,
                "gateway": gateway,
                "start": START,
                "count": COUNT,
                "by": BY,
                "at": _AT,
                "first_day": tenants.billing().month_at(_AT).first_day,
                "only": None,
            }
        for statement in (_SUBSCRIPTIONS, _QUOTAS, _SPENT):
            self._superuser.execute(statement.encode(), self._asked)
        self._superuser.execute("ANALYZE")

    def measures(self) -> list[Measure]:
        """The statement with its rows beside a bare count; then a cycle of enforcement."""
        with scope.of(self._ref):
            found, counted = in_turns(
                Side("decisions", lambda: timed(self._situations)),
                Side("count", lambda: timed(self._count)),
                turns=TURNS,
            )
            (decided,) = in_turns(Side("decided", lambda: timed(self._decide)))
        (cycle,) = in_turns(Side("a cycle", lambda: timed(self._enforce)))
        return [
            Measure(
                "enforcement: the statement",
                COUNT,
                found,
                counted,
                "a bare count",
                goal=Goal.of_time("2"),
            ),
            Measure("enforcement: decided, with reasons", COUNT, decided),
            Measure("enforcement: a cycle, nothing to change", COUNT, cycle),
        ]

    def _situations(self) -> None:
        """Every row is made and none sent, as none is of a count."""
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
            cursor.execute(f"DECLARE situations CURSOR FOR {SITUATIONS}", self._asked)
            cursor.execute("MOVE ALL IN situations")
            same("situations", cursor.rowcount, COUNT)
            cursor.execute("CLOSE situations")

    def _count(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_COUNTED, self._asked)
            same("counted", cursor.fetchone(), (COUNT, COUNT, COUNT))

    def _decide(self) -> None:
        found = decisions.of_tenant(at=_AT, stale_after=timedelta(hours=1))
        same("decisions that differ", sum(one.differs for one in found), 0)

    def _enforce(self) -> None:
        """The gateway of this tenant does not exist: a call would be an error."""
        done = enforcement.enforce(self._ref, at=_AT, contention=Contention.TAKE_OVER)
        same("what was done at the gateway", done, ())


def _gateway() -> int:
    row = Gateway(
        name="many",
        azure_subscription_id="00000000-0000-0000-0000-000000000000",
        resource_group="rg-many",
        service="many",
        workspace_id="00000000-0000-0000-0000-000000000002",
        usage_from=START,
    )
    gateways.connect(row, (), by=BY, at=START)
    return int(row.pk)
