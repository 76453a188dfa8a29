"""Price sheets by hand: the effect first, every fault, and the file that comes back."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing.documents import price_sheet_csv
from billing.models import PriceSheet
from tenancy import scope
from tests.world import NOW, World

TENTH = "Kind,ProductFilter,Percent\ndiscount,Azure OpenAI*,10\n"


@pytest.fixture(autouse=True)
def _in_november(clock_at: Any) -> None:
    clock_at(NOW)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sheet.csv"
    path.write_text(TENTH)
    return path


def run(*typed: object) -> str:
    said = io.StringIO()
    call_command("price_sheet", "--tenant=contoso", *map(str, typed), stdout=said, stderr=said)
    return said.getvalue()


def apply(file: Path, *more: str) -> str:
    named = ("--name=Contract", "--source=Enrollment 77", "--from=2026-11-01")
    return run(f"--import={file}", *named, *more)


def held(world: World) -> PriceSheet | None:
    with scope.of(world.contoso.ref):
        return PriceSheet.objects.filter(name="Contract").first()


def test_an_import_shows_its_effect_and_applies_only_when_told(world: World, file: Path) -> None:
    planned = apply(file)
    assert "nothing changed yet" in planned
    assert "−0.35" in planned
    assert "1.75 USD → 1.575 USD per 1M; list 1.75 USD" in planned
    assert held(world) is None
    assert "applied" in apply(file, "--apply")
    sheet = held(world)
    assert sheet is not None
    assert sheet.applied_by == "manage.py price_sheet"
    assert "No amount of an open month changes" in apply(file, "--apply")


def test_every_fault_is_told(world: World, file: Path) -> None:
    file.write_text(TENTH + "gift,,5\ndiscount,,500\n")
    with pytest.raises(CommandError, match="2 cells cannot be taken") as refused:
        apply(file, "--apply")
    assert "row 3, Kind" in str(refused.value)
    assert "row 4, Percent" in str(refused.value)
    assert held(world) is None


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("--from=soon",), "--from: Give a day"),
        (("--from=2026-11-01", "--until=2026-10-01"), "--until: Give an end after"),
        (("--from=2026-11-01", "--name="), "--name: Give 1 to 120"),
    ],
)
def test_a_wrong_option_is_named(
    world: World, file: Path, typed: tuple[str, ...], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        run(f"--import={file}", "--name=Contract", "--source=x", *typed)


def test_a_file_that_is_not_there_says_so(world: World, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        apply(tmp_path / "nowhere.csv")


def test_an_export_is_what_an_import_reads(world: World, file: Path, tmp_path: Path) -> None:
    apply(file, "--apply")
    sheet = held(world)
    assert sheet is not None
    written = tmp_path / "again.csv"
    assert "1 lines" in run(f"--export={sheet.pk}", f"--to={written}")
    read, given = (price_sheet_csv.parse(one.read_bytes()) for one in (written, file))
    assert read.lines == given.lines
    assert "discount,,Azure OpenAI*" in run(f"--export={sheet.pk}")


def test_an_end_shows_its_effect_first(world: World, file: Path) -> None:
    apply(file, "--apply")
    sheet = held(world)
    assert sheet is not None
    end = (f"--end={sheet.pk}", "--until=2026-11-02", "--reason=Renegotiated.")
    assert "+0.35" in run(*end)
    assert "applied" in run(*end, "--apply")
    again = held(world)
    assert again is not None
    assert f"{again.effective_until:%Y-%m-%d}" == "2026-11-02"


def test_the_sheets_are_listed(world: World) -> None:
    assert "Pilot" in run()


def test_a_sheet_of_another_tenant_is_none(world: World) -> None:
    with scope.of(world.fabrikam.ref):
        theirs = PriceSheet.objects.get(name="Pilot").pk
    with pytest.raises(CommandError, match="no such price sheet"):
        run(f"--export={theirs}")
