from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from billing import measured
from billing.documents import usage_csv
from billing.measured import Faulty
from portal.management.commands._plan import PlanCommand
from tenancy import clock, scope
from tenancy.scope import TenantRef

BY = "manage.py import_usage"
#: How many faults are told; their number is told in any case.
MOST_TOLD = 200


class Command(PlanCommand):
    help = (
        "Imports usage that the gateway's log does not carry (pictures, seconds of audio, calls of"
        " tools, tokens of training, writes to a cache) from a CSV file with the columns Start,"
        " Gateway, Subscription, Deployment, Class, Quantity. The hours and classes that it names"
        " are replaced whole: importing twice is importing once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, for one tenant."""
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="The CSV file.")

    def handle(self, **options: Any) -> None:
        """A file is one tenant's."""
        if not options["tenant"]:
            raise CommandError("--tenant: name the tenant whose usage this is.")
        super().handle(**options)

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """Show what the file would change, and take it if told to."""
        file: Path = options["file"]
        try:
            draft = usage_csv.parse(file.read_bytes())
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from None
        now = clock.now()
        with scope.of(tenant):
            try:
                return self.plan(
                    lambda: measured.replace(draft, source=file.name, by=BY, at=now), options
                )
            except Faulty as refused:
                for fault in refused.faults[:MOST_TOLD]:
                    self.stderr.write(str(fault))
                raise
