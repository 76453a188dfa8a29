"""The foreign key from one tenant table to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _Link = models.ForeignKey[Any, Any]
else:
    _Link = models.ForeignKey


class TenantLink(_Link):
    """A foreign key that stays inside the tenant.

    The constraint in the database is composite, (tenant_id, …) → (tenant_id, id), and is made
    by `tenancy.row_security.Guard`; the single-column one that Django would make is left out.
    """

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **options: Any) -> None:
        options["db_constraint"] = False
        super().__init__(to, on_delete, **options)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _, args, options = super().deconstruct()
        options.pop("db_constraint", None)
        return name, "tenancy.links.TenantLink", args, options
