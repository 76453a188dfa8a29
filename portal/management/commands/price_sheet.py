from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from billing.documents import price_sheet_csv
from billing.models import PriceSheet
from billing.prices import sheet_preview, sheets
from billing.prices.sheets import MOST_FAULTS, TooLarge, Wanted
from billing.rules.sheet_lines import Draft
from portal import instants
from portal.management.commands._asked import refusing
from portal.management.commands._plan import PlanCommand
from tenancy import clock, scope
from tenancy.scope import TenantRef

_BY = "manage.py price_sheet"
_OPTIONS = {"effective_from": "--from", "effective_until": "--until", "lines": "--import"}


class Command(PlanCommand):
    help = (
        "Lists price sheets, writes one as CSV, applies one from a CSV file, or gives one an end."
        " A change shows its effect first; --apply makes it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tenant, what to do, and what with."""
        super().add_arguments(parser)
        does = parser.add_mutually_exclusive_group()
        does.add_argument("--import", dest="file", type=Path, help="CSV file of a new sheet.")
        does.add_argument("--export", type=int, metavar="SHEET", help="Number of one to write.")
        does.add_argument("--end", type=int, metavar="SHEET", help="Number of one to end.")
        parser.add_argument("--name", default="", help="What the new sheet is called.")
        parser.add_argument("--source", default="", help="What the new sheet is taken from.")
        parser.add_argument(
            "--from", dest="start", default="", help="Its start: a day of UTC, or an instant."
        )
        parser.add_argument(
            "--until", default="", help="The day or instant before which it holds. Default: no end."
        )
        parser.add_argument("--reason", default="", help="With --end: why; kept in the audit log.")
        parser.add_argument("--to", type=Path, help="With --export: the file. Default: the screen.")

    def handle(self, **options: Any) -> None:
        """Refuse a change that does not say for whom."""
        changes = options["file"] or options["end"] is not None
        if (changes or options["export"] is not None) and not options["tenant"]:
            raise CommandError("--import, --export and --end need --tenant.")
        super().handle(**options)

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """List, write or change the sheets of one tenant."""
        with scope.of(tenant), refusing(_OPTIONS):
            if options["file"]:
                return self._import(options)
            if options["export"] is not None:
                return _export(sheets.numbered(options["export"]), options["to"])
            if options["end"] is not None:
                return self.plan(_end(options), options)
            return "".join(map(_line, sheets.of_tenant())) or "no price sheet"

    def _import(self, options: dict[str, Any]) -> str:
        draft = _read(options["file"])
        if draft.faults:
            faults = "\n".join(f"  {fault}" for fault in draft.faults[:MOST_FAULTS])
            raise CommandError(f"--import: {len(draft.faults)} cells cannot be taken\n{faults}")
        wanted = Wanted(
            name=options["name"],
            source=options["source"],
            effective_from=instants.required("effective_from", options["start"]),
            effective_until=instants.read("effective_until", options["until"]),
            lines=draft.lines,
        )
        now = clock.now()

        def change() -> object:
            return sheets.apply(wanted, by=_BY, at=now)

        told = [f"{count:,} rows left out: {why}" for why, count in draft.left_out]
        told += sheet_preview.says(change, at=max(now, wanted.effective_from))
        return "\n".join([self.plan(change, options), *(f"  {line}" for line in told)])


def _read(file: Path) -> Draft:
    try:
        with file.open("rb") as opened:
            data = opened.read(price_sheet_csv.LARGEST + 1)
    except OSError as error:
        raise CommandError(f"--import: {file}: {error.strerror}.") from None
    if len(data) > price_sheet_csv.LARGEST:
        raise TooLarge(size=file.stat().st_size, most=price_sheet_csv.LARGEST)
    return sheets.check(price_sheet_csv.parse(data))


def _export(sheet: PriceSheet, to: Path | None) -> str:
    lines = sheets.as_agreed(sheets.lines_of(sheet))
    data = price_sheet_csv.render(lines)
    if to is None:
        return f"{sheet.name}\n{data.decode('utf-8-sig')}"
    to.write_bytes(data)
    return f"{len(lines):,} lines of “{sheet.name}” written to {to}"


def _end(options: dict[str, Any]) -> Callable[[], object]:
    sheet = sheets.numbered(options["end"])
    until = instants.read("effective_until", options["until"])
    now = clock.now()
    return lambda: sheets.end(sheet, until=until, by=_BY, at=now, reason=options["reason"])


def _line(sheet: PriceSheet) -> str:
    until = f"to before {sheet.effective_until:%Y-%m-%dT%H:%MZ}" if sheet.effective_until else ""
    return f"\n  {sheet.pk}  {sheet.name}  from {sheet.effective_from:%Y-%m-%dT%H:%MZ} {until}"
