"""How much of a team's cost tells what is required; below a quality it is only shown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from billing import closing, quality, statements
from billing.closing import Purpose
from billing.models import BillingSettings, ClosedMonth, DayToRate, RatedDay
from inventory.rules.dimensions import OVERFLOW, Dimension
from tenancy import periods, scope
from tests.flows.test_unallocated import FIRST, NOVEMBER, used
from tests.world import NOW, World

SEPTEMBER = periods.month_of_day(date(2026, 9, 1), "Europe/Berlin")


@pytest.fixture
def empty(world: World) -> World:
    """Contoso with nothing rated."""
    with scope.of(world.contoso.ref):
        RatedDay.objects.all().delete()
    return world


def of_search(world: World) -> quality.Quality:
    found = quality.of(world.search.team, NOVEMBER)
    assert found is not None
    return found


def require(**chosen: object) -> None:
    BillingSettings.objects.update(**chosen)


def test_it_is_the_share_of_the_cost(empty: World) -> None:
    held, deployment = empty.search.subscription, empty.contoso.deployment
    with scope.of(empty.contoso.ref):
        used(held, deployment, FIRST, 1, Decimal("6.2"), application="a")
        used(held, deployment, FIRST, 1_000_000, Decimal("3.8"))
        used(held, deployment, FIRST, 1_000_000, None, region="nowhere")
        found = of_search(empty)
    assert (found.share, found.by_cost, found.percent) == (Decimal("0.62"), True, "62")
    (missing,) = found.missing
    assert (missing.dimension, missing.percent) == (Dimension.APPLICATION, "38")
    assert missing.subscriptions == ("key-search",)


def test_it_is_the_share_of_the_tokens_where_nothing_has_a_price(empty: World) -> None:
    held, deployment = empty.search.subscription, empty.contoso.deployment
    with scope.of(empty.contoso.ref):
        used(held, deployment, FIRST, 3, None, application="a")
        used(held, deployment, FIRST, 1, None)
        found = of_search(empty)
    assert (found.share, found.by_cost) == (Decimal("0.75"), False)


def test_every_required_dimension_counts_and_more_is_no_answer(empty: World) -> None:
    held, deployment = empty.search.subscription, empty.contoso.deployment
    with scope.of(empty.contoso.ref):
        require(required_metadata=["application", "environment"])
        used(held, deployment, FIRST, 1, Decimal(1), application="a", environment="test")
        used(held, deployment, FIRST, 1, Decimal(1), application="a")
        used(held, deployment, FIRST, 1, Decimal(2), application=OVERFLOW, environment=OVERFLOW)
        found = of_search(empty)
        assert found.share == Decimal("0.25")
        assert [(one.dimension.value, one.percent) for one in found.missing] == [
            ("application", "50"),
            ("environment", "75"),
        ]
        require(required_metadata=[])
        assert of_search(empty).share == 1


def test_it_is_never_rounded_up_to_enough(empty: World) -> None:
    held, deployment = empty.search.subscription, empty.contoso.deployment
    with scope.of(empty.contoso.ref):
        require(chargeback_from_quality=Decimal("0.90"))
        used(held, deployment, FIRST, 1, Decimal(89999999), application="a")
        used(held, deployment, FIRST, 1, Decimal(10000001))
        found = of_search(empty)
    assert (found.percent, found.is_enough) == ("89.9", False)


def test_a_team_bears_the_quality_of_its_own_days(empty: World) -> None:
    deployment = empty.contoso.deployment
    with scope.of(empty.contoso.ref):
        used(empty.search.subscription, deployment, FIRST, 1, Decimal(1))
        used(empty.support.subscription, deployment, FIRST, 1, Decimal(1), application="a")
        worst, best = quality.of_teams(NOVEMBER)
        assert quality.of(empty.search.team, SEPTEMBER) is None
    assert (worst.team, worst.share) == (empty.search.team, Decimal(0))
    assert (best.team, best.share) == (empty.support.team, Decimal(1))


def test_below_the_gate_a_statement_is_shown_and_not_charged(empty: World) -> None:
    deployment, search, support = empty.contoso.deployment, empty.search, empty.support
    with scope.of(empty.contoso.ref):
        used(search.subscription, deployment, FIRST, 1, Decimal("0.62"), application="a")
        used(search.subscription, deployment, FIRST, 1, Decimal("0.38"))
        used(support.subscription, deployment, FIRST, 1, Decimal(1), application="a")
        assert statements.draft(search.team, NOVEMBER).showback_only == ""
        require(chargeback_from_quality=Decimal("0.90"))
        says = "showback only: metadata quality 62 % is below 90 %"
        assert statements.draft(search.team, NOVEMBER).showback_only == says
        with pytest.raises(quality.BelowQuality, match=says) as refused:
            statements.for_chargeback(search.team, NOVEMBER)
        assert refused.value.field == "team"
        assert "send application" in str(refused.value)
        assert statements.for_chargeback(support.team, NOVEMBER).showback_only == ""
        require(chargeback_from_quality=Decimal("0.62"))
        assert statements.for_chargeback(search.team, NOVEMBER).total.amount == 1


def test_a_month_is_not_closed_for_chargeback_below_the_gate(empty: World) -> None:
    deployment, day = empty.contoso.deployment, date(2026, 9, 3)
    with scope.of(empty.contoso.ref):
        DayToRate.objects.all().delete()
        require(chargeback_from_quality=Decimal(1))
        used(empty.search.subscription, deployment, day, 1, Decimal(1))
        with pytest.raises(quality.BelowQuality, match="2026-09"):
            closing.close(SEPTEMBER, by="dan", at=NOW, purpose=Purpose.CHARGEBACK)
        assert not ClosedMonth.objects.filter(first_day=SEPTEMBER.first_day).exists()
        closing.close(SEPTEMBER, by="dan", at=NOW)
        assert ClosedMonth.objects.filter(first_day=SEPTEMBER.first_day).exists()


def test_a_team_that_bore_nothing_passes(empty: World) -> None:
    with scope.of(empty.contoso.ref):
        require(chargeback_from_quality=Decimal(1))
        quality.require(empty.search.team, NOVEMBER)
        quality.require_all(NOVEMBER)


@pytest.mark.parametrize("required", ["application", ["region"], [1], {"a": 1}, None])
def test_only_what_a_call_can_tell_is_required(required: object, world: World) -> None:
    with scope.of(world.contoso.ref):
        chosen = BillingSettings.objects.get()
        chosen.required_metadata = required
        with pytest.raises(ValidationError) as refused:
            chosen.clean()
    assert "required_metadata" in refused.value.message_dict
