"""What the product says no with: a class, a stable code, its values, and the way out.

One place (`portal.problems`) turns a refusal into a page, a JSON problem, an admin message or
a command's exit line.
"""

from __future__ import annotations

from typing import ClassVar


class Refused(Exception):
    """A person can fix this. ``text`` is filled from the keyword values given."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    text: ClassVar[str] = "This cannot be done."
    #: The field of a form or document that is at fault, where there is one.
    field: ClassVar[str | None] = None

    def __init__(self, **values: object) -> None:
        self.values = values
        super().__init__(self.text.format(**values))


class Invalid(Refused):
    """Bad input: names the field, the value and the fix."""

    code = "invalid"
    status = 400
    text = "{field}: {fix}"


class NotFound(Refused):
    """The same answer for "no such" and "not yours"."""

    code = "not-found"
    status = 404
    text = "There is no such {kind}, or it is not yours to see."


class Stale(Refused):
    """Somebody else was faster; look again."""

    code = "stale"
    status = 409
    text = "{what} changed in the meantime. Look at it again and repeat."


class NoTenant(Refused):
    """Tenant data was asked for outside any tenant's scope."""

    code = "no-tenant"
    status = 500
    text = "No tenant is set: enter one with scope.of(tenant)."
