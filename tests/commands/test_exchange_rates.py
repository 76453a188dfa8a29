"""Exchange rates from a file: the effect first, all of it or nothing."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from billing.models import ExchangeRate, RatedDay, RateOrigin
from tenancy import scope
from tests.world import World


def run(*typed: str) -> str:
    said = io.StringIO()
    call_command("exchange_rates", "--tenant=fabrikam", *typed, stdout=said, stderr=said)
    return said.getvalue()


def written(folder: Path, *lines: str) -> Path:
    file = folder / "rates.csv"
    file.write_text("\n".join(["From,To,Rate,EffectiveFrom,Source", *lines]) + "\n")
    return file


def test_a_file_shows_its_effect_and_is_taken_when_told_to(
    committed_world: World, tmp_path: Path
) -> None:
    file = written(tmp_path, "USD,EUR,0.45,2026-11-01,invoice 4711")
    with scope.of(committed_world.fabrikam.ref):
        before = sum(row.cost or 0 for row in RatedDay.objects.filter(day__gte="2026-11-01"))

    planned = run(f"--import={file}")

    assert "nothing changed yet" in planned
    assert f"{before:.2f}" in planned
    with scope.of(committed_world.fabrikam.ref):
        assert ExchangeRate.objects.count() == 1
    assert "applied" in run(f"--import={file}", "--apply", "--origin=bill")
    with scope.of(committed_world.fabrikam.ref):
        row = ExchangeRate.objects.get(effective_from=datetime(2026, 11, 1, tzinfo=UTC))
        assert (row.rate, row.source) == (Decimal("0.45"), "invoice 4711")
        assert row.origin == RateOrigin.BILL
    call_command("rate", "--tenant=fabrikam", stdout=io.StringIO())
    with scope.of(committed_world.fabrikam.ref):
        after = sum(row.cost or 0 for row in RatedDay.objects.filter(day__gte="2026-11-01"))
    assert after == before / 2


def test_a_faulty_file_is_told_line_by_line_and_changes_nothing(
    committed_world: World, tmp_path: Path
) -> None:
    file = written(tmp_path, "USD,EUR,0.9,2026-10-01,", "USD,EUR,much,2026-11-01,", "US,EUR,1,x,")

    with pytest.raises(CommandError) as stopped:
        run(f"--import={file}", "--apply")

    says = str(stopped.value)
    assert "nothing was taken" in says
    assert "row 3, Rate" in says
    assert "row 4, From" in says
    assert "row 4, EffectiveFrom" in says
    with scope.of(committed_world.fabrikam.ref):
        assert ExchangeRate.objects.count() == 1
