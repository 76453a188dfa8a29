"""The worked example of docs/prices.md is what the product computes, figure by figure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from billing.prices import estimates
from billing.prices.estimates import Estimate
from billing.prices.throughput import Way
from billing.rules.offers import DeploymentType
from portal import crossing, estimating, figures
from portal.estimating import Choice
from tenancy import scope
from tenancy.money import Money
from tests.prices import real_list
from tests.world import NOW, World

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "prices.md"
LOAD = {
    "calls": "1,000,000",
    "input_tokens": "1,500",
    "cached_tokens": "500",
    "output_tokens": "400",
    "active_hours": "730",
    "peak_factor": "1",
}


def table(name: str) -> list[list[str]]:
    """The rows of the table that follows a mark, without its head."""
    _, _, after = DOCUMENT.read_text().partition(f"<!-- figures: {name} -->\n")
    rows = []
    for line in after.splitlines():
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows[2:]


def estimate(world: World, **changed: str) -> Estimate:
    choice = Choice(("gpt-5",), DeploymentType.GLOBAL, real_list.REGION)
    asked = estimating.question(choice, LOAD | changed, at=NOW).asked
    assert asked
    with scope.of(world.contoso.ref):
        (answer,) = estimates.estimate(asked, at=NOW, currency="USD")
    assert answer.estimate
    return answer.estimate


@pytest.fixture
def listed(world: World) -> World:
    real_list.load()
    return world


def test_by_use(listed: World) -> None:
    found = estimate(listed)
    month = found.months[0]
    shown = [
        [
            one.token_class.label,
            f"{one.tokens:,}",
            figures.per_million(one.unit_price, "USD"),
            one.meter_name,
            figures.plain(Money(part.cost, "USD")),
        ]
        for one, part in zip(found.prices, month.parts, strict=True)
    ]
    total = ["all", "", "", "", figures.plain(Money(month.cost, "USD"))]
    assert table("by use") == [*shown, total]


def test_provisioned(listed: World) -> None:
    assert table("provisioned") == [_row(way) for way in estimate(listed).provisioned.ways]


def _row(way: Way) -> list[str]:
    return [
        way.price.label,
        f"{way.price.amount}".rstrip("0").rstrip(".")
        if way.price.term is None
        else f"{way.price.amount:.0f}",
        str(way.units[0]),
        figures.plain(Money(way.months[0], "USD")),
        *_met(way),
    ]


def _met(way: Way) -> Iterator[str]:
    met = way.break_even
    yield f"{met.calls:,}" if met else "never"
    yield str(met.units) if met else ""
    yield crossing.percent(met.used) if met else ""


def test_what_the_text_says_of_other_hours(listed: World) -> None:
    ways = estimate(listed, active_hours="220", peak_factor="2").provisioned.ways
    assert {way.units[0] for way in ways} == {150}
    assert all(way.break_even is None for way in ways)
    assert "22.6 PTUs" in DOCUMENT.read_text()
    each = estimate(listed).provisioned.each
    assert crossing.percent(each * 10_000) == "22.6 %"
