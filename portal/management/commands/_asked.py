"""What the commands that make something have in common: a refusal names the option at fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from portal import problems
from portal.management.commands._step import FAILURES


@contextmanager
def refusing(options: Mapping[str, str]) -> Iterator[None]:
    """End the command with one line that says each fault at the option it was given by.

    ``options`` names those that are not called as their field is.
    """
    try:
        yield
    except (ValidationError, *FAILURES) as error:
        raise CommandError(_line(error, options)) from None


def _line(error: Exception, options: Mapping[str, str]) -> str:
    problem = problems.of(error)
    if problem is None or not problem.faults:
        return problems.exit_line(error)
    return "; ".join(
        f"{options.get(fault.field) or '--' + fault.field.replace('_', '-')}: {fault.says}"
        for fault in problem.faults
    )
