"""A plan says to the last digit what the change then does, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing import closing, effects, marking
from billing.closing import NotClosable
from billing.effects import Effect
from billing.models import (
    DayToRate,
    Meter,
    MeterMapping,
    PriceSheet,
    ProposedAdjustment,
    RatedDay,
    SheetLine,
)
from billing.prices import mapping
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment
from tenancy import periods, scope
from tests.azure import AT
from tests.flows import steps
from tests.flows.steps import Steps, rows

OCTOBER = periods.month_of_day(date(2026, 10, 1), "Europe/Berlin")
CHANGE = datetime(2026, 10, 20, tzinfo=UTC)
CHAT_OUT = "GPT 5.2 chat opt Gl 1M Tokens"


def halve_from(instant: datetime) -> PriceSheet:
    """A discount of half on everything from an instant on, without saying so to anybody else."""
    sheet = PriceSheet.objects.create(
        name=f"half from {instant:%d %b}",
        effective_from=instant,
        source="a test",
        applied_by="dan",
        applied_at=AT,
    )
    SheetLine.objects.create(sheet=sheet, number=1, kind=SheetLine.Kind.DISCOUNT, percent=50)
    marking.mark_days(since=instant)
    return sheet


def dearer() -> None:
    """The small model's output at the price of the large one's."""
    mapping.confirm(
        Deployment.objects.get(name="gpt-5-mini"),
        TokenClass.OUTPUT,
        Meter.objects.get(meter_name=CHAT_OUT, region="swedencentral"),
        from_instant=CHANGE,
        by="dan",
        at=AT,
        reason="as agreed",
    )


def planned(tenant: Steps, change: Callable[[], object]) -> Effect:
    with scope.of(tenant.ref):
        return effects.of(change, at=AT)


def costs(tenant: Steps) -> dict[tuple[str, date], Decimal]:
    """By subscription and month, the cost of what has a price."""
    found = rows(
        "SELECT coalesce(nullif(subscription.name, ''), '(no subscription)'),"
        "       date_trunc('month', day)::date, sum(cost)"
        "  FROM billing_ratedday rated"
        "  JOIN inventory_subscription subscription ON subscription.id = rated.subscription_id"
        " WHERE rated.tenant_id = %s GROUP BY 1, 2 HAVING sum(cost) IS NOT NULL",
        tenant.ref.id,
    )
    return {(name, month): cost for name, month, cost in found}


@pytest.mark.parametrize("change", [dearer, lambda: halve_from(CHANGE)], ids=["mapping", "sheet"])
def test_a_plan_is_what_the_change_then_does(contoso: Steps, change: Callable[[], object]) -> None:
    before, all_before = costs(contoso), steps.everything()

    effect = planned(contoso, change)

    assert steps.everything() == all_before
    with scope.of(contoso.ref):
        change()
    rated = contoso.rate()
    after = costs(contoso)
    done = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    assert done
    assert {
        (part.subscription, part.first_day): part.sides.difference for part in effect.parts
    } == done
    assert effect.open.difference == sum(done.values())
    assert (effect.open.before, effect.open.after) == (rated.before, rated.after)
    assert sum(sides.difference for _slug, _name, sides in effect.teams) == sum(done.values())
    assert effect.days == rated.days


def test_a_plan_counts_neither_usage_nor_changes_that_wait_to_be_rated(contoso: Steps) -> None:
    alone = planned(contoso, dearer)
    with scope.of(contoso.ref):
        halve_from(datetime(2030, 1, 1, tzinfo=UTC))
        marking.mark_days(since=datetime(2026, 9, 1, tzinfo=UTC))

    assert planned(contoso, dearer) == alone


def test_a_change_without_effect_says_so(contoso: Steps) -> None:
    effect = planned(contoso, lambda: halve_from(datetime(2031, 1, 1, tzinfo=UTC)))

    assert effect.is_nothing
    assert effect.days == 0
    assert not effect.open.difference


def test_what_waits_to_be_rated_is_told_before_it_is(contoso: Steps) -> None:
    with scope.of(contoso.ref):
        dearer()
        effect = effects.of_marked()
    before = costs(contoso)

    contoso.rate()

    after = costs(contoso)
    assert effect.open.difference == sum(after.values()) - sum(before.values())
    assert effect.open.difference > 0


@pytest.mark.slow  # loads the whole price list again
def test_a_dry_run_sees_a_newer_price_list(contoso: Steps) -> None:
    dearer = {"meterName": CHAT_OUT, "armRegionName": "swedencentral", "retailPrice": 15.0}
    start = {"effectiveStartDate": CHANGE.isoformat()}
    contoso.azure.control.put("/prices", json=dearer | start).raise_for_status()
    steps.catalogue_sync()
    before, stood = costs(contoso), steps.everything()

    with scope.of(contoso.ref):
        effect = effects.of_marked()

    assert steps.everything() == stood
    rated = contoso.rate()
    assert rated.days == effect.days > 0
    assert effect.open.difference == sum(costs(contoso).values()) - sum(before.values()) > 0


def test_a_closed_month_stands_and_the_difference_is_proposed(contoso: Steps) -> None:
    price_the_rest(contoso)
    with scope.of(contoso.ref):
        closing.close(OCTOBER, by="dan", at=AT)
    before = costs(contoso)
    effect = planned(contoso, lambda: halve_from(CHANGE))
    with scope.of(contoso.ref):
        sheet = halve_from(CHANGE)

    rated = contoso.rate()

    after = costs(contoso)
    assert {key: cost for key, cost in after.items() if key[1] == OCTOBER.first_day} == {
        key: cost for key, cost in before.items() if key[1] == OCTOBER.first_day
    }
    proposed = adjustments(contoso)
    assert len(proposed) == rated.adjustments > 0
    assert sum(proposed.values()) == effect.closed.difference < 0
    assert effect.closed.difference == -halved(contoso, since=CHANGE)
    assert contoso.rate().days == 0
    remark(contoso)
    assert contoso.rate().adjustments == 0  # nothing new to propose
    assert adjustments(contoso) == proposed

    with scope.of(contoso.ref):
        PriceSheet.objects.filter(pk=sheet.pk).update(effective_until=sheet.effective_from)
    remark(contoso)
    contoso.rate()

    assert adjustments(contoso) == {}


def test_a_month_is_closed_only_when_it_can_be(contoso: Steps) -> None:
    running = OCTOBER.next()
    with scope.of(contoso.ref):
        with pytest.raises(NotClosable, match="not over"):
            closing.close(running, by="dan", at=AT)
        with pytest.raises(NotClosable, match="no price"):
            closing.close(OCTOBER, by="dan", at=AT)
        marking.mark_days(since=OCTOBER.start)
        with pytest.raises(NotClosable, match="wait to be rated"):
            closing.close(OCTOBER, by="dan", at=AT)
        assert closing.closed() == frozenset()


def test_usage_that_paid_capacity_covers_costs_nothing_and_is_not_unpriced(
    contoso: Steps,
) -> None:
    with scope.of(contoso.ref):
        deployment = Deployment.objects.get(name="gpt-5-mini")
        for token_class in (TokenClass.INPUT, TokenClass.OUTPUT):
            row = MeterMapping.objects.get(deployment=deployment, token_class=token_class)
            row.pk, row.meter, row.effective_from = None, None, OCTOBER.start
            row.save()
        marking.mark_days(since=OCTOBER.start, deployments=[deployment.pk])

    contoso.rate()

    with scope.of(contoso.ref):
        found = RatedDay.objects.filter(deployment=deployment, day__gte=OCTOBER.first_day)
        assert {(row.cost, row.unit_price, row.price_id) for row in found} == {
            (Decimal(0), None, None)
        }


def price_the_rest(tenant: Steps) -> None:
    """Give whatever has no price the chat's, so that months can be closed."""
    with scope.of(tenant.ref):
        meter = Meter.objects.get(meter_name=CHAT_OUT, region="swedencentral")
        gaps = RatedDay.objects.filter(cost=None).values_list("deployment_id", "token_class")
        for deployment, token_class in sorted(set(gaps)):
            mapping.confirm(
                Deployment.objects.get(pk=deployment),
                TokenClass(token_class),
                meter,
                from_instant=mapping.ALWAYS,
                by="dan",
                at=AT,
                reason="priced as the chat",
            )
    tenant.rate()


def adjustments(tenant: Steps) -> dict[tuple[int, int, str], Decimal]:
    """What is proposed, by what it is about."""
    with scope.of(tenant.ref):
        return {
            (row.subscription_id, row.deployment_id, row.token_class): (
                (row.cost_after or Decimal(0)) - (row.cost_before or Decimal(0))
            )
            for row in ProposedAdjustment.objects.all()
        }


def halved(tenant: Steps, *, since: datetime) -> Decimal:
    """Half of what October's usage since an instant costs, bucket by bucket, by hand."""
    (total,) = rows(
        "SELECT sum(used.input_tokens * input.unit_price + used.output_tokens * output.unit_price)"
        "  FROM billing_usage used"
        "  JOIN LATERAL (SELECT price.unit_price FROM billing_metermapping mapped"
        "        JOIN billing_price price ON price.meter_id = mapped.meter_id"
        "       WHERE mapped.deployment_id = used.deployment_id AND mapped.token_class = 'input'"
        "         AND price.effective_from <= used.bucket_start"
        "       ORDER BY price.effective_from DESC LIMIT 1) input ON true"
        "  JOIN LATERAL (SELECT price.unit_price FROM billing_metermapping mapped"
        "        JOIN billing_price price ON price.meter_id = mapped.meter_id"
        "       WHERE mapped.deployment_id = used.deployment_id AND mapped.token_class = 'output'"
        "         AND price.effective_from <= used.bucket_start"
        "       ORDER BY price.effective_from DESC LIMIT 1) output ON true"
        " WHERE used.tenant_id = %s AND used.bucket_start >= %s AND used.bucket_start < %s",
        tenant.ref.id,
        since,
        OCTOBER.end,
    )
    return Decimal(total[0]) / 2


def remark(tenant: Steps) -> None:
    """Have October rated again."""
    with scope.of(tenant.ref):
        marking.mark_days(since=OCTOBER.start, until=OCTOBER.end)
        assert DayToRate.objects.exists()
