from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.management.commands._step import FAILURES
from portal.problems import exit_line
from tenancy import audit, clock, memberships, scope, tenants, tokens
from tenancy.tokens import NewToken


class Command(BaseCommand):
    help = "Makes an API token of a member of a tenant and prints it, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose token, for what, and how long."""
        parser.add_argument("--tenant", required=True, help="Slug of the tenant.")
        parser.add_argument("--email", required=True, help="Whom the token stands for.")
        parser.add_argument(
            "--scope",
            required=True,
            action="append",
            choices=tokens.SCOPES,
            help="What it may read; give it again for more.",
        )
        parser.add_argument(
            "--days", type=_days, default="90", help="How long it lasts, at most 366. Default: 90."
        )
        parser.add_argument("--name", default="", help="What it is for, as shown in the admin.")

    def handle(self, **options: Any) -> None:
        """Print the token, which is stored as a digest only."""
        try:
            made = _issue(options)
        except FAILURES as error:
            raise CommandError(exit_line(error)) from None
        self.stderr.write(f"Shown once. It ends at {made.row.expires_at:%Y-%m-%d %H:%M} UTC.")
        self.stdout.write(made.text)


def _days(text: str) -> timedelta:
    if not text.isdecimal() or not 1 <= int(text[:6]) <= tokens.LONGEST_LIFE.days:
        raise ArgumentTypeError(f"give 1 to {tokens.LONGEST_LIFE.days} days, not {text}")
    return timedelta(days=int(text))


def _issue(options: dict[str, Any]) -> NewToken:
    scopes = tuple(dict.fromkeys(options["scope"]))
    at = clock.now()
    with scope.of(tenants.by_slug(options["tenant"])):
        person = memberships.member(options["email"])
        made = tokens.issue(
            person,
            name=options["name"] or ", ".join(scopes),
            scopes=scopes,
            at=at,
            lasts=options["days"],
        )
        audit.record(
            "token.issue",
            f"{made.row.name} of {person.email}",
            by="manage.py issue_token",
            at=at,
            after={"scopes": scopes, "expires_at": made.row.expires_at},
        )
    return made
