import json
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.demo import story, summary
from portal.management.commands._step import FAILURES
from portal.problems import exit_line


class Command(BaseCommand):
    help = "Makes the demonstration's tenants and runs the main job against the simulator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the portal is, and where to keep the summary."""
        parser.add_argument("--web-url", required=True)
        parser.add_argument("--state", type=Path, required=True)
        parser.add_argument(
            "--must-hold", action="store_true", help="Fail if nobody is over quota this month."
        )

    def handle(self, **options: Any) -> None:
        """Tell the story, print and store its summary."""
        control = settings.APPORTION.simulator_control_url
        if not control:
            raise CommandError("APPORTION_SIMULATOR_CONTROL_URL is not set: `make demo` sets it.")
        password = _password(options["state"])
        try:
            tale = story.tell(control, password=password, say=self._say)
        except FAILURES as error:
            raise CommandError(exit_line(error)) from None
        self._say(summary.text(tale, web_url=options["web_url"], password=password))
        file = options["state"] / "demo-summary.json"
        said = summary.as_json(tale, web_url=options["web_url"])
        file.write_text(json.dumps(said, indent=2) + "\n")
        self._say(f"\nThe same as JSON: {file}")
        if options["must_hold"] and not summary.holds(tale):
            raise CommandError("The story did not come out as it should: see above.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _password(state: Path) -> str:
    """Made once for this state folder, since the people keep it."""
    file = state / "demo-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(f"demo-{secrets.token_hex(4)}")
    return file.read_text().strip()
