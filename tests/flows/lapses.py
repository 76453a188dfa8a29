"""What becomes of leases and runs whose worker is not heard of any more."""

from __future__ import annotations

import psycopg

from portal.embedded import Role
from tests import bed

_LEASES = "UPDATE billing_usagewindow SET leased_until = now() - interval '1 second'"
_RUNS = "UPDATE tenancy_run SET beat_at = beat_at - interval '1 hour' WHERE outcome = 'running'"


def leases_run_out() -> None:
    """All leases are nobody's, as if their workers had been silent for too long."""
    _changed(f"{_LEASES} WHERE lease IS NOT NULL")


def all_is_silent() -> None:
    """The same, and no run under way has been heard of: its worker was killed."""
    _changed(f"{_LEASES} WHERE lease IS NOT NULL", _RUNS)


def unread(tenant_id: int, since: str) -> None:
    """Usage from an instant on was never read."""
    _changed(
        f"DELETE FROM billing_usage WHERE tenant_id = {tenant_id} AND bucket_start >= '{since}'",
        "UPDATE billing_usagewindow SET state = 'pending', read_at = NULL, through = NULL,"
        f" reads = 0, due_at = start WHERE tenant_id = {tenant_id} AND start >= '{since}'",
        f"UPDATE billing_usagefeed SET through = '{since}' WHERE tenant_id = {tenant_id}",
    )


def _changed(*statements: str) -> None:
    with psycopg.connect(bed.url(Role.SUPERUSER)) as connection:
        for statement in statements:
            connection.execute(statement.encode())
