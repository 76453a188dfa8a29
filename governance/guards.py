"""The guards of a tenant's enforcement, and its switch."""

from __future__ import annotations

from datetime import datetime

from governance.models import EnforcementSettings, Mode
from tenancy import audit, scope


def set_mode(mode: Mode, *, by: str, at: datetime) -> None:
    """Switch enforcement on, off or to a dry run for the tenant in scope."""
    row, _ = EnforcementSettings.objects.get_or_create(tenant_id=scope.tenant_id())
    if row.mode == mode:
        return
    before, row.mode = row.mode, mode
    row.save(update_fields=["mode"])
    audit.record(
        "enforcement.mode",
        "enforcement settings",
        by=by,
        at=at,
        before={"mode": before},
        after={"mode": mode.value},
    )
