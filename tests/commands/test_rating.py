"""Rating by hand: a dry run says what it would change; a closed month says that it is."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from billing import closing, marking
from billing.models import DayToRate, PriceSheet, RatedDay, SheetLine
from tenancy import scope
from tests.world import NOW, START, World


def run(*typed: str) -> str:
    said = io.StringIO()
    call_command(*typed, stdout=said, stderr=said)
    return said.getvalue()


def halve(world: World) -> None:
    """Half price on everything; not rated yet."""
    with scope.of(world.contoso.ref):
        sheet = PriceSheet.objects.create(
            name="Half",
            effective_from=START,
            source="a test",
            applied_by="dan@example.org",
            applied_at=NOW,
        )
        SheetLine.objects.create(sheet=sheet, number=1, kind="discount", percent=Decimal(50))
        marking.mark_days(since=START)


def spent(world: World) -> Decimal:
    with scope.of(world.contoso.ref):
        return sum((row.cost or Decimal(0) for row in RatedDay.objects.all()), Decimal(0))


def test_a_dry_run_says_what_rating_then_changes(committed_world: World) -> None:
    halve(committed_world)
    before = spent(committed_world)

    planned = run("rate", "--tenant=contoso", "--dry-run")

    assert "dry run; nothing changed" in planned
    assert "Search" in planned
    assert "-1.75" in planned.replace("−", "-")
    assert spent(committed_world) == before
    done = run("rate", "--tenant=contoso")
    assert "cost 3.5" in done
    assert spent(committed_world) < before


def test_a_month_is_closed_by_hand(committed_world: World) -> None:
    with scope.of(committed_world.contoso.ref):
        DayToRate.objects.all().delete()

    said = run("close_month", "--tenant=contoso", "--month=2026-09")

    assert "2026-09 closed" in said
    assert "manage.py close_month" in said
    with scope.of(committed_world.contoso.ref):
        assert date(2026, 9, 1) in closing.closed()


@pytest.mark.parametrize(
    ("month", "says"),
    [("2099-01", "not over before"), ("soon", "--month: 'soon' is not a month")],
)
def test_a_month_that_cannot_be_closed_says_why(
    committed_world: World, month: str, says: str
) -> None:
    said = io.StringIO()
    with pytest.raises(CommandError) as stopped:
        call_command("close_month", "--tenant=contoso", f"--month={month}", stderr=said)

    assert says in f"{stopped.value}{said.getvalue()}"
