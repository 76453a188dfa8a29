"""Deciding for a hundred thousand subscriptions, of which none has to be changed at the gateway."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
from django.db import connection

from benchmarks.month import BY, END, START, ZONE
from benchmarks.timing import TURNS, Goal, Measure, Side, in_turns, same, timed
from governance import decisions, enforcement
from governance.decisions import SITUATIONS
from governance.limits import quotas
from governance.models import EnforcementSettings, Mode
from inventory import gateways
from inventory.models import Gateway, Product
from portal.embedded import Postgres, Role
from tenancy import scope, tenants
from tenancy.models import Person
from tenancy.runs import Contention

COUNT = 100_000
#: One in so many has no quota of its own, and its product's counts; one in so many has more.
BY_PRODUCT, MORE = 4, 10
_AT = END - timedelta(days=5)
_SUBSCRIPTIONS = """
INSERT INTO inventory_subscription
       (tenant_id, gateway_id, product_id, name, display_name, state, state_comment, origin,
        seen_at)
SELECT %(tenant)s, %(gateway)s, %(product)s, 'd' || number, '', 'active', '', 'inventory',
       %(start)s
  FROM generate_series(1, %(count)s) number
"""
#: Two limits each, one after the other, as after a change within the month.
_QUOTAS = """
INSERT INTO governance_quota
       (tenant_id, product_id, subscription_id, unit, span, "limit", hardness, rollover,
        thresholds, effective_from, effective_until, set_by, reason, recorded_at)
SELECT %(tenant)s, of.product_id, of.subscription_id, 'currency', 'month', 100 + half,
       CASE WHEN of.number %% 2 = 0 THEN 'hard' ELSE 'soft' END, 'none', '{50,80,90,100}',
       %(start)s::timestamptz + half * interval '10 days',
       CASE half WHEN 0 THEN %(start)s::timestamptz + interval '10 days' END, %(by)s, '',
       %(start)s
  FROM (SELECT NULL::bigint AS product_id, id AS subscription_id, id AS number
          FROM inventory_subscription WHERE tenant_id = %(tenant)s AND id %% %(by_product)s > 0
         UNION ALL
        SELECT %(product)s, NULL, 0) of,
       generate_series(0, 1) half
"""
_SPENT = """
INSERT INTO billing_periodtodate
       (tenant_id, first_day, subscription_id, cost, tokens, unpriced_tokens)
SELECT tenant_id, %(first_day)s, id, id %% 90, id, 0
  FROM inventory_subscription WHERE tenant_id = %(tenant)s
"""
_TEAM = """
WITH center AS (
    INSERT INTO inventory_costcenter (tenant_id, code, name)
    VALUES (%(tenant)s, 'many', 'Many') RETURNING id
)
INSERT INTO inventory_team (tenant_id, slug, name, cost_center_id)
SELECT %(tenant)s, 'many', 'Many', id FROM center
"""
_REQUESTS = """
INSERT INTO governance_quotarequest
       (tenant_id, number, kind, state, version, team_id, subscription_id, unit, span, amount,
        display_name, environment, application, reason, expected, requested_by_id, created_at,
        error, tries, key_digest, body_digest)
SELECT subscription.tenant_id, subscription.id, 'increase', 'applied', 1, team.id,
       subscription.id, 'currency', 'month', 5, '', '', '', '', '', %(person)s, %(start)s, '', 0,
       '', ''
  FROM inventory_subscription subscription
  JOIN inventory_team team USING (tenant_id)
 WHERE tenant_id = %(tenant)s AND subscription.id %% %(more)s = 0
"""
_OVERRIDES = """
INSERT INTO governance_override
       (tenant_id, subscription_id, unit, span, amount, effective_from, request_id, recorded_at,
        ended_by, ended_because)
SELECT tenant_id, subscription_id, unit, span, amount, created_at, id, created_at, '', ''
  FROM governance_quotarequest WHERE tenant_id = %(tenant)s
"""
#: The same tables joined as plainly as can be, and nothing but counted.
_COUNTED = """
SELECT count(*), count(coalesce(quota.id, tier.id)), count(more.id), count(spent.id)
  FROM inventory_subscription subscription
  JOIN inventory_gateway gateway
    ON gateway.tenant_id = subscription.tenant_id AND gateway.id = subscription.gateway_id
  LEFT JOIN governance_quota quota
    ON quota.tenant_id = subscription.tenant_id AND quota.subscription_id = subscription.id
   AND quota.effective_from <= %(at)s
   AND (quota.effective_until IS NULL OR quota.effective_until > %(at)s)
  LEFT JOIN governance_quota tier
    ON tier.tenant_id = subscription.tenant_id AND tier.product_id = subscription.product_id
   AND tier.effective_from <= %(at)s
   AND (tier.effective_until IS NULL OR tier.effective_until > %(at)s)
  LEFT JOIN governance_override more
    ON more.tenant_id = subscription.tenant_id AND more.subscription_id = subscription.id
   AND more.effective_from <= %(at)s
   AND (more.effective_until IS NULL OR more.effective_until > %(at)s)
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
    """A tenant of its own with as many subscriptions, each with a limit and a cost."""

    def __init__(self, server: Postgres) -> None:
        superuser = psycopg.connect(server.url(Role.SUPERUSER), autocommit=True)
        self._ref = tenants.create("many", name="Many", currency="USD", zone=ZONE)
        with scope.of(self._ref):
            gateway = _gateway()
            EnforcementSettings.objects.create(mode=Mode.ON)
            asked: dict[str, Any] = {
                "tenant": self._ref.id,
                "gateway": gateway.pk,
                "product": Product.objects.create(
                    gateway=gateway, name="many", display_name="Many", seen_at=START
                ).pk,
                "person": Person.objects.create_person("many@example.org", name="Many").pk,
                "start": START,
                "count": COUNT,
                "by": BY,
                "by_product": BY_PRODUCT,
                "more": MORE,
                "first_day": tenants.billing().month_at(_AT).first_day,
            }
            self._asked = {**asked, **quotas.parameters(at=_AT, zone=ZONE, only=None)}
        # What is applied already was asked for and approved once: not here.
        superuser.execute("SET session_replication_role = replica")
        for statement in (_SUBSCRIPTIONS, _QUOTAS, _SPENT, _TEAM, _REQUESTS, _OVERRIDES):
            superuser.execute(statement.encode(), asked)
        superuser.execute("ANALYZE")

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
            same("counted", cursor.fetchone(), (COUNT, COUNT, COUNT // MORE, COUNT))

    def _decide(self) -> None:
        found = decisions.of_tenant(at=_AT, stale_after=timedelta(hours=1))
        same("decisions that differ", sum(one.differs for one in found), 0)
        same("with a limit", sum(one.bound is not None for one in found), COUNT)

    def _enforce(self) -> None:
        """The gateway of this tenant does not exist: a call would be an error."""
        done = enforcement.enforce(self._ref, at=_AT, contention=Contention.TAKE_OVER)
        same("what was done at the gateway", done, ())


def _gateway() -> Gateway:
    row = Gateway(
        name="many",
        azure_subscription_id="00000000-0000-0000-0000-000000000000",
        resource_group="rg-many",
        service="many",
        workspace_id="00000000-0000-0000-0000-000000000002",
        usage_from=START,
    )
    gateways.connect(row, (), by=BY, at=START)
    return row
