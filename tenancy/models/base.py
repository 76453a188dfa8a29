"""What every tenant table has: its tenant, and a manager that stays inside the scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from django.db import models

from tenancy import scope

if TYPE_CHECKING:
    from tenancy.access import Actor


Row = TypeVar("Row", bound=models.Model, covariant=True)


class TenantManager(models.Manager[Row]):
    """Rows of the tenant in scope; without one, an error instead of everybody's rows.

    The second lock on the door: row-level security in the database is the first.
    """

    def get_queryset(self) -> models.QuerySet[Row]:
        return super().get_queryset().filter(tenant_id=scope.tenant_id())


class TenantModel(models.Model):
    """A row that belongs to one tenant.

    The table's keys are led by ``tenant_id`` and its policies forced by
    `tenancy.row_security.Guard`, in the migration that makes the table.
    """

    tenant = models.ForeignKey(
        "tenancy.Tenant",
        on_delete=models.PROTECT,
        default=scope.tenant_id,
        editable=False,
        related_name="+",
    )

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        abstract = True

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        """The rows this actor may see; of a tenant's own settings, those who see all of it."""
        rows: models.QuerySet[Self] = cls.objects.all()
        return rows if actor.sees_whole_tenant else rows.none()
