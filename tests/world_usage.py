"""What was used in the small world: rows of every table that holds usage, for both tenants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import connection

from billing import series
from billing.models import (
    ClassUsage,
    ExchangeRate,
    PeriodToDate,
    Price,
    ProposedAdjustment,
    PushedEvent,
    RatedDay,
    Series,
    SheetLine,
    SourceComparison,
    Usage,
    UsageDay,
    UsageWindow,
    WindowState,
)
from billing.rules.histograms import BINS
from billing.rules.token_classes import TokenClass
from billing.series import Key
from inventory.models import Deployment, Gateway, Subscription, UsageSource
from inventory.rules.dimensions import Dimension
from tenancy import tenants

BUCKET = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 9, 3, 9, 0, tzinfo=UTC)
FIRST_DAY = date(2026, 11, 1)


def consumption(subscription: Subscription, deployment: Deployment, price: Price) -> None:
    """A million input tokens, rated: the same figures in the usage, the day and the period."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_usage_months(%s, %s)", [BUCKET, BUCKET])
    told = told_of(subscription, deployment, application="Assistant", region="Sweden Central")
    Usage.objects.create(
        series=told,
        gateway=subscription.gateway,
        bucket_start=BUCKET,
        subscription=subscription,
        deployment=deployment,
        input_tokens=1_000_000,
        requests=100,
        successful_requests=100,
    )
    currency = tenants.billing().currency
    rate = None if currency == "USD" else ExchangeRate.objects.get(to_currency=currency)
    cost = Decimal("1.75") * (rate.rate if rate else 1)
    RatedDay.objects.create(
        series=told,
        day=BUCKET.date(),
        subscription=subscription,
        deployment=deployment,
        token_class=TokenClass.INPUT,
        price=price,
        exchange_rate=rate,
        unit_price=price.unit_price,
        price_currency="USD",
        quantity=1_000_000,
        list_cost=Decimal("1.75"),
        cost=cost,
    )
    # In August nobody owned it: no team's page shows this day, charged at a sheet's price.
    discount = SheetLine.objects.get(sheet__name="Pilot", number=1)
    RatedDay.objects.create(
        series=told,
        day=date(2026, 8, 15),
        subscription=subscription,
        deployment=deployment,
        token_class=TokenClass.INPUT,
        price=price,
        sheet_line=discount,
        markup_line=SheetLine.objects.get(sheet__name="Pilot", number=2),
        exchange_rate=rate,
        unit_price=Decimal("0.000001575"),
        price_currency="USD",
        quantity=1_000,
        list_cost=Decimal("0.00175"),
        cost=Decimal("0.001575") * (rate.rate if rate else 1),
    )
    ClassUsage.objects.create(
        series=told,
        gateway=deployment.gateway,
        bucket_start=LONG_AGO,
        subscription=subscription,
        deployment=deployment,
        token_class=TokenClass.CACHE_WRITE,
        quantity=500,
    )
    ProposedAdjustment.objects.create(
        first_day=date(2026, 9, 1),
        subscription=subscription,
        deployment=deployment,
        token_class=TokenClass.INPUT,
        quantity_before=1_000,
        quantity_after=2_000,
        cost_before=Decimal("0.00175"),
        cost_after=Decimal("0.0035"),
    )
    PeriodToDate.objects.create(
        subscription=subscription,
        first_day=FIRST_DAY,
        cost=cost,
        tokens=1_000_000,
        unpriced_tokens=0,
    )
    _day(told)


def told_of(subscription: Subscription, deployment: Deployment, **told: str) -> Series:
    """The series of these dimensions, made if it is new."""
    key = Key(subscription.pk, deployment.pk, tuple(told.get(one.value, "") for one in Dimension))
    return Series.objects.get(pk=series.ids(deployment.gateway_id, [key])[key])


def reading(gateway: Gateway) -> None:
    """How the hour of the usage was read, an event that another gateway pushed, a comparison."""
    UsageWindow.objects.create(
        gateway=gateway,
        start=BUCKET,
        end=BUCKET + timedelta(hours=1),
        state=WindowState.COMPLETE,
        source=UsageSource.LLM_LOG,
        through=BUCKET + timedelta(hours=1),
        read_at=BUCKET + timedelta(hours=2),
        reads=1,
        rows_read=1,
        calls_read=100,
        calls_stored=100,
        tokens_read=1_000_000,
        tokens_stored=1_000_000,
    )
    PushedEvent.objects.create(
        gateway=gateway,
        source="urn:router",
        event_id="event-1",
        at=BUCKET,
        received_at=BUCKET,
        quantities={"input": 10},
        digest="0" * 64,
    )
    SourceComparison.objects.create(
        gateway=gateway,
        day=BUCKET.date(),
        compared_at=BUCKET + timedelta(days=1),
        source=UsageSource.LLM_LOG,
        calls_source=100,
        calls_stored=100,
        tokens_source=1_000_000,
        tokens_stored=1_000_000,
    )


def _day(told: Series) -> None:
    UsageDay.objects.create(
        day=BUCKET.date(),
        series=told,
        subscription=told.subscription,
        deployment=told.deployment,
        requests=100,
        successful_requests=100,
        latency=[0] * BINS,
        prompts=[0] * BINS,
    )
