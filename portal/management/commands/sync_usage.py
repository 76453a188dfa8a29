from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError

from billing import usage
from billing.rules.windows import Lane
from portal.management.commands._step import GatewayCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(GatewayCommand):
    help = (
        "Reads the usage of gateways from their sources, up to now: what was never read, what is"
        " due, and the look-back again. With --from, the hours of a span again, whatever their"
        " state; with --lane, what of it is due."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tenants, gateways and hours."""
        super().add_arguments(parser)
        some = parser.add_mutually_exclusive_group()
        some.add_argument(
            "--from", dest="start", type=_instant, help="Such as 2026-11-01T00:00Z. See --to."
        )
        some.add_argument(
            "--lane", choices=[lane.value for lane in Lane], help="Only what of this lane is due."
        )
        parser.add_argument(
            "--to", dest="end", type=_instant, help="Before which instant. Default: now."
        )

    def handle(self, **options: Any) -> None:
        """A span has a start, and ends after it."""
        start, end = options["start"], options["end"]
        if end is not None and (start is None or end <= start):
            raise CommandError("--to: give --from too, an instant before it.")
        super().handle(**options)

    def work_gateway(self, tenant: TenantRef, gateway: str, options: dict[str, Any]) -> str:
        """Read one gateway's usage."""
        now = clock.now()
        start, lane = options["start"], options["lane"]
        changed = usage.sync(
            tenant,
            gateway,
            at=now,
            contention=Contention.TAKE_OVER,
            lane=Lane(lane) if lane else None,
            span=(start, options["end"] or now) if start else None,
        )
        return f"usage through {now:%d %b %H:%M} UTC, {changed:,} rows new or changed"


def _instant(text: str) -> datetime:
    """An instant with its offset.

    Raises:
        ValueError: it is none, or has no offset: the parser then says so.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant.astimezone(UTC)


_instant.__name__ = "instant with its offset"  # what the parser calls it
