"""From when on the tenant in scope keeps its usage by the hour: see `billing.retention`.

Days before that are rated and stand; nothing is read, stored or rated of them again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from billing.models import BillingSettings
from tenancy import periods, tenants
from tenancy.refusals import Refused

#: Before all usage: where nothing was let go, hours are kept from here on.
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class LetGo(Refused):
    code = "usage-let-go"
    status = 409
    field = "from"
    text = (
        "Usage by the hour is kept from {day} on, and what came before stands as it was rated."
        " Choose a later start."
    )


def first_day() -> date | None:
    """The first local day of which every hour is kept; None: nothing was let go yet."""
    found: date | None = BillingSettings.objects.values_list("usage_kept_from", flat=True).first()
    return found


def since() -> datetime:
    """The instant at which the first day that is kept begins, UTC; long ago where none was let
    go."""
    day = first_day()
    return periods.midnight(day, tenants.billing().zone) if day else BEGINNING


def first_hour() -> datetime:
    """The UTC hour that `since` lies in: earlier ones are not read any more."""
    return since().replace(minute=0, second=0, microsecond=0)


def require(start: datetime) -> None:
    """Let nobody write usage of hours that were let go.

    Call after `marking.begin`, which retention waits for.

    Raises:
        LetGo: ``start`` lies in one of them.
    """
    if start < first_hour():
        raise LetGo(day=first_day())
