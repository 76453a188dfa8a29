"""A PostgreSQL of the benchmark's own, migrated; Django is set up to speak to it.

Without fsync, so that the disk of the machine is not what is measured: COPY and the product's own
statements both profit.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.price_list import SERVICE, Served
from portal import embedded
from portal.embedded import Durability, Postgres, Role

CHECKOUT = Path(__file__).resolve().parent.parent


@contextmanager
def running(prices: Served) -> Iterator[Postgres]:
    """The server, for as long as the block lasts; the product reads prices from the given list."""
    with tempfile.TemporaryDirectory(prefix="apportion-bench-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's account must enter
        with embedded.postgres(Path(folder), durability=Durability.VOLATILE) as server:
            _set_up(server, prices)
            yield server


def _set_up(server: Postgres, prices: Served) -> None:
    for name in [name for name in os.environ if name.startswith("APPORTION_")]:
        del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "APPORTION_SECRET_KEY": "only-for-benchmarks-0123456789-0123456789-0123456789",
        "APPORTION_DATABASE_URL": server.url(Role.APP),
        "APPORTION_DATABASE_OWNER_URL": server.url(Role.OWNER),
        "APPORTION_REDIS_URL": "redis://127.0.0.1:1/0",
        "APPORTION_HTTPS": "false",
        "APPORTION_AZURE_RETAIL_PRICES_URL": prices.server.url,
        "APPORTION_AZURE_CA_BUNDLE": str(prices.ca_bundle),
        "APPORTION_AZURE_PRICE_SERVICES": SERVICE,
        "APPORTION_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "manage.py", "migrate", "--database", "owner"]
    subprocess.run([*command, "--verbosity", "0", "--skip-checks"], cwd=CHECKOUT, check=True)
    import django  # noqa: PLC0415 - reads the settings that have just been set

    django.setup()
