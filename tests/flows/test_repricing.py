"""What changes an amount after the fact: a price, a rate, a mapping, in the middle of a month."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import psycopg
import pytest

from billing import exchange
from billing.models import Meter, Price
from billing.prices import mapping, suspects
from billing.prices.suspects import Verdict
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment
from portal.embedded import Role
from tenancy import scope
from tests import bed
from tests.azure import AT
from tests.flows import steps
from tests.flows.steps import Steps, rows

CHAT_OUT = "GPT 5.2 chat opt Gl 1M Tokens"
CHANGE = datetime(2026, 11, 10, tzinfo=UTC)
MILLION = 1_000_000


def used(
    tenant: Steps, deployment: str, *, since: datetime, until: datetime | None = None
) -> dict[str, tuple[int, int]]:
    """By subscription, input and output tokens of a deployment in a span of time."""
    found = rows(
        "SELECT subscription.name, sum(used.input_tokens)::bigint,"
        "       sum(used.output_tokens)::bigint"
        "  FROM billing_usage used"
        "  JOIN inventory_subscription subscription ON subscription.id = used.subscription_id"
        "  JOIN inventory_deployment deployment ON deployment.id = used.deployment_id"
        " WHERE used.tenant_id = %s AND deployment.name = %s AND used.bucket_start >= %s"
        "   AND used.bucket_start < %s GROUP BY 1",
        tenant.ref.id,
        deployment,
        since,
        until or AT,
    )
    return {name: (prompt, completion) for name, prompt, completion in found}


def rated(tenant: Steps) -> dict[date, tuple[str, ...]]:
    """By local day, what its rows are as PostgreSQL wrote them last."""
    found = rows(
        "SELECT day, array_agg(xmin::text || ctid::text ORDER BY id) FROM billing_ratedday"
        " WHERE tenant_id = %s GROUP BY day",
        tenant.ref.id,
    )
    return {day: tuple(written) for day, written in found}


def touched(tenant: Steps, before: dict[date, tuple[str, ...]]) -> set[date]:
    after = rated(tenant)
    return {day for day in before.keys() | after.keys() if before.get(day) != after.get(day)}


@pytest.mark.slow  # loads the whole price list again
def test_a_price_changed_in_the_middle_of_a_month_counts_from_its_hour(contoso: Steps) -> None:
    before, spent = rated(contoso), contoso.spent()
    wanted = {"meterName": CHAT_OUT, "armRegionName": "swedencentral", "retailPrice": 15.0}
    start = {"effectiveStartDate": CHANGE.isoformat()}
    contoso.azure.control.put("/prices", json=wanted | start).raise_for_status()

    assert steps.catalogue_sync().new_prices == 1
    contoso.rate()

    after = used(contoso, "gpt-5.2-chat", since=CHANGE)
    assert after
    added = {
        name: cost - spent[name] for name, cost in contoso.spent().items() if cost != spent[name]
    }
    assert added == {
        name: Decimal(completion) * (15 - 14) / MILLION
        for name, (_prompt, completion) in after.items()
        if completion
    }
    # 00:00 UTC is 01:00 in Berlin: the day of the change has both prices.
    assert min(touched(contoso, before)) == CHANGE.date()
    two = rows(
        "SELECT count(DISTINCT price_id)::int FROM billing_ratedday rated"
        "  JOIN inventory_deployment deployment ON deployment.id = rated.deployment_id"
        " WHERE rated.tenant_id = %s AND deployment.name = 'gpt-5.2-chat'"
        "   AND token_class = 'output' AND day >= '2026-11-09'",
        contoso.ref.id,
    )
    assert two == [(2,)]
    assert contoso.rate().days == 0


@pytest.mark.slow  # loads the whole price list again
def test_a_doubted_price_waits_for_a_person_and_counts_where_it_was_accepted(
    contoso: Steps, fabrikam: Steps
) -> None:
    spent, theirs = contoso.spent(), fabrikam.spent()
    wanted = {"meterName": CHAT_OUT, "armRegionName": "swedencentral", "retailPrice": 14000.0}
    start = {"effectiveStartDate": CHANGE.isoformat()}
    contoso.azure.control.put("/prices", json=wanted | start).raise_for_status()

    assert steps.catalogue_sync().suspects == 1
    contoso.rate()

    assert contoso.spent() == spent
    _decide(contoso, Verdict.ACCEPTED)
    contoso.rate()
    after = used(contoso, "gpt-5.2-chat", since=CHANGE)
    assert contoso.spent() == {
        name: cost + Decimal(after.get(name, (0, 0))[1]) * (14000 - 14) / MILLION
        for name, cost in spent.items()
    }
    fabrikam.rate()
    assert fabrikam.spent() == theirs
    _decide(contoso, Verdict.REJECTED)
    contoso.rate()
    assert contoso.spent() == spent


def _decide(tenant: Steps, verdict: Verdict) -> None:
    with scope.of(tenant.ref):
        price = Price.objects.exclude(doubts=[]).get(
            meter__meter_name=CHAT_OUT, effective_from=CHANGE
        )
        suspects.decide(price.pk, verdict, by="dan", at=AT, reason="Azure was asked.")


def test_prices_of_a_load_that_died_before_it_could_tell_are_used_too(contoso: Steps) -> None:
    """Its prices are in force; its row in the ledger still says that it runs."""
    with psycopg.connect(bed.url(Role.SUPERUSER)) as connection:
        connection.execute(
            "WITH load AS (INSERT INTO tenancy_installationrun"
            " (step, subject, outcome, started_at, beat_at, rows_read, rows_written, error_code,"
            "  error, detail)"
            " VALUES ('sync_prices', '', 'running', now(), now(), 0, 0, '', '', '{}')"
            " RETURNING id)"
            " INSERT INTO billing_price (meter_id, effective_from, price_type, reservation_term,"
            "  tier_minimum_units, currency, listed_price, unit_of_measure, unit_price, doubts,"
            "  run_id)"
            " SELECT meter.id, '2026-11-10Z', 'Consumption', '', 0, 'USD', 20, '1M', 0.00002,"
            "  '[]', load.id"
            "   FROM billing_meter meter, load"
            "  WHERE meter.meter_name = 'GPT 5.2 chat opt Gl 1M Tokens'"
            "    AND meter.region = 'swedencentral'"
        )
    spent = contoso.spent()

    assert contoso.rate().days > 0

    after = used(contoso, "gpt-5.2-chat", since=CHANGE)
    assert contoso.spent() == {
        name: cost + Decimal(after.get(name, (0, 0))[1]) * (20 - 14) / MILLION
        for name, cost in spent.items()
    }


def test_an_exchange_rate_in_the_middle_of_a_month_counts_from_its_instant(
    fabrikam: Steps,
) -> None:
    before, spent = rated(fabrikam), fabrikam.spent()
    instant = datetime(2026, 11, 12, tzinfo=ZoneInfo("Asia/Kolkata")).astimezone(UTC)
    prices = {"chat": (Decimal("1.75"), Decimal(14)), "mini": (Decimal("0.25"), Decimal(2))}
    with scope.of(fabrikam.ref):
        exchange.set_rate(
            "USD",
            "EUR",
            Decimal("0.9"),
            from_instant=instant,
            source="the central bank",
            by="dan",
            at=AT,
        )

    fabrikam.rate()

    added = dict.fromkeys(spent, Decimal(0))
    for deployment, (prompt_price, completion_price) in prices.items():
        for name, (prompt, completion) in used(fabrikam, deployment, since=instant).items():
            dollars = (prompt * prompt_price + completion * completion_price) / MILLION
            added[name] += dollars * (Decimal("0.9") - Decimal("0.8625"))
    assert any(added.values())
    assert fabrikam.spent() == {name: cost + added[name] for name, cost in spent.items()}
    assert touched(fabrikam, before) == {day for day in before if day >= date(2026, 11, 12)}


def test_a_mapping_changed_by_hand_re_rates_its_deployment_only_from_then_on(
    contoso: Steps,
) -> None:
    before, spent = rated(contoso), contoso.spent()
    with scope.of(contoso.ref):
        mapping.confirm(
            Deployment.objects.get(name="gpt-5-mini"),
            TokenClass.OUTPUT,
            Meter.objects.get(meter_name=CHAT_OUT, region="swedencentral"),
            from_instant=CHANGE,
            by="dan",
            at=AT,
            reason="as agreed",
        )

    contoso.rate()

    expected = dict(spent)
    after = used(contoso, "gpt-5-mini", since=CHANGE)
    assert after
    for name, (_prompt, completion) in after.items():
        expected[name] += Decimal(completion) * (14 - 2) / MILLION
    assert contoso.spent() == expected
    assert min(touched(contoso, before)) >= CHANGE.date()


def test_what_had_no_price_is_rated_as_soon_as_it_has_a_mapping(contoso: Steps) -> None:
    unpriced = (
        "SELECT coalesce(sum(unpriced_tokens), 0)::int FROM billing_periodtodate"
        " WHERE tenant_id = %s"
    )
    assert rows(unpriced, contoso.ref.id)[0][0] > 0
    with scope.of(contoso.ref):
        gaps = Deployment.objects.filter(
            pk__in=[
                pk
                for (pk,) in rows(
                    "SELECT DISTINCT deployment_id FROM billing_ratedday WHERE cost IS NULL"
                )
            ]
        )
        for deployment in gaps:
            for token_class in (TokenClass.INPUT, TokenClass.OUTPUT):
                mapping.confirm(
                    deployment,
                    token_class,
                    Meter.objects.get(meter_name=CHAT_OUT, region="swedencentral"),
                    from_instant=mapping.ALWAYS,
                    by="dan",
                    at=AT,
                    reason="a preview, priced as its successor",
                )

    contoso.rate()

    assert rows(unpriced, contoso.ref.id) == [(0,)]


def test_the_same_rate_or_mapping_again_marks_nothing(contoso: Steps, fabrikam: Steps) -> None:
    with scope.of(fabrikam.ref):
        month = datetime(2026, 11, 1, tzinfo=ZoneInfo("Asia/Kolkata")).astimezone(UTC)
        exchange.set_rate(
            "USD", "EUR", Decimal("0.8625"), from_instant=month, source="x", by="dan", at=AT
        )

    assert fabrikam.rate().days == 0
    assert contoso.map() == 0
    assert contoso.rate().days == 0
