from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal import settings_reference


class Command(BaseCommand):
    help = "Writes docs/reference/settings.md from the settings' declaration."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to write."""
        parser.add_argument(
            "--check", action="store_true", help="Write nothing; fail if the page is not current."
        )

    def handle(self, **options: Any) -> None:
        """Write the page, or say that it is not current."""
        file, page = settings_reference.PAGE, settings_reference.page()
        current = file.exists() and file.read_text() == page
        if options["check"]:
            if not current:
                raise CommandError(f"{file.name} is not current: run manage.py settings_reference.")
        elif not current:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(page)
        self.stdout.write(f"{file.name} is current.")
