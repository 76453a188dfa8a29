#!/usr/bin/env python
"""Runs a management command of the portal."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    # Imported here so that a missing environment is named before Django's own import error.
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        from portal.problems import exit_line

        sys.exit(exit_line(error))


if __name__ == "__main__":
    main()
