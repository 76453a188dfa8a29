"""Estimates over the list as the API gives it, loaded by the product itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.prices import estimates
from billing.prices.estimates import Asked
from billing.prices.throughput import Given
from billing.rules.estimating import Load, Peak
from billing.rules.offers import DeploymentType
from tenancy import scope
from tests.azure import AT
from tests.flows.steps import Steps

LOAD = Load(1_000_000, 1_500, 500, 400, date(2026, 12, 1), months=1)


def test_a_load_on_the_loaded_list(contoso: Steps) -> None:
    asked = Asked(
        ("gpt-5",),
        DeploymentType.GLOBAL,
        "swedencentral",
        LOAD,
        Peak(730, Decimal(1)),
        Given(),
    )
    with scope.of(contoso.ref):
        (answer,) = estimates.estimate(asked, at=AT, currency="USD")

    assert answer.estimate, answer.refused
    assert answer.estimate.months[0].cost == Decimal("5937.5")
    hourly, month, year = (way.price.amount for way in answer.estimate.provisioned.ways)
    assert (hourly, month, year) == (Decimal(1), Decimal(260), Decimal(2652))
