"""What every page of the admin has: who may see it, whose rows it shows, what it leaves behind.

One base for all tenant models. The membership says who may do what, the scope says whose rows
there are, and a change is kept in the audit log with what was before and after; Django's own
permissions and log are not used. Each app's ``admin`` package is a list of thin subclasses.
"""

from __future__ import annotations

from enum import Flag, StrEnum, auto
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet, Value
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tenancy import audit, clock, tenants
from tenancy.access import Actor
from tenancy.models import AuditRecord, Membership, Person, Role, TenantModel
from tenancy.money import Money

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    ModelForm = forms.ModelForm[Any]
else:
    ModelAdmin, ModelForm = admin.ModelAdmin, forms.ModelForm


class May(Flag):
    """What an administrator of the tenant may do with a kind of row; the others only look."""

    LOOK = 0
    ADD = auto()
    CHANGE = auto()
    DELETE = auto()


class Act(StrEnum):
    ADD = "add"
    CHANGE = "change"
    DELETE = "delete"


def actor_of(request: HttpRequest) -> Actor:
    """Who acts, by their membership.

    Raises:
        PermissionDenied: the request did not come through a tenant's address.
    """
    actor = getattr(request, "actor", None)
    if not isinstance(actor, Actor):
        raise PermissionDenied
    return actor


class TenantForm(ModelForm):
    """Checks what is unique in the tenant, although the tenant is no field of any form."""

    def _get_validation_exclusions(self) -> set[str]:
        found: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # no stub
        return found - {"tenant"}


class MembersAdmin(ModelAdmin):
    """Permissions by role: those who see the whole tenant look, an administrator may do more."""

    admins_may: ClassVar[May] = May.LOOK
    list_per_page = 50
    show_full_result_count = False
    view_on_site = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor_of(request).sees_whole_tenant

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, May.ADD)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, May.CHANGE)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, May.DELETE)

    def _may(self, request: HttpRequest, act: May) -> bool:
        return actor_of(request).role is Role.ADMIN and act in self.admins_may

    def _get_obj_does_not_exist_redirect(self, *_: object) -> NoReturn:
        """No such row, or not yours: the same answer, and not Django's redirect."""
        raise Http404

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing: `TenantModelAdmin` keeps the audit log instead of Django's."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing; see `log_addition`."""

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Nothing; see `log_addition`."""


class TenantModelAdmin(MembersAdmin):
    """The rows of one tenant model, to whom they may be shown, and a record of every change."""

    form = TenantForm
    #: Values that have no place in an audit log.
    unsaid: ClassVar[frozenset[str]] = frozenset({"tenant"})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        kind: type[TenantModel] = self.model
        rows: QuerySet[Any] = kind.visible_to(actor_of(request))
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def get_field_queryset(
        self, db: str | None, db_field: Any, request: HttpRequest
    ) -> QuerySet[Any] | None:
        """What a link may point to: rows the actor may see, and people of this tenant."""
        other = db_field.remote_field.model
        if issubclass(other, TenantModel):
            rows: QuerySet[Any] = other.visible_to(actor_of(request))
            return rows
        if other is Person:
            return Person.objects.filter(pk__in=Membership.objects.values("person"))
        return super().get_field_queryset(db, db_field, request)

    def prepare(self, request: HttpRequest, obj: Any, form: Any) -> None:
        """What a kind of row needs before it is stored: nothing, unless it says so."""

    def follow(self, obj: Any, form: Any) -> None:
        """What must follow once a row is stored: nothing, unless its kind says so."""

    def save_model(
        self,
        request: HttpRequest,
        obj: Any,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Store the row, and a record of what was before and after."""
        self.prepare(request, obj, form)
        before = self._values(self.get_queryset(request).get(pk=obj.pk)) if change else {}
        super().save_model(request, obj, form, change)
        after = self._values(obj)
        changed = {name for name in after if name not in before or before[name] != after[name]}
        if changed:
            self._record(
                Act.CHANGE if change else Act.ADD,
                request,
                obj,
                before={name: before[name] for name in changed} if change else None,
                after={name: after[name] for name in changed},
            )
        self.follow(obj, form)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remove the row, and keep a record of what it said."""
        self._record(Act.DELETE, request, obj, before=self._values(obj), after=None)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The audit log's records of one row, newest first."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None or not self.has_view_permission(request, obj):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {obj}",
            "object": obj,
            "opts": self.opts,
            "module_name": str(self.opts.verbose_name_plural),
            "records": AuditRecord.objects.filter(subject__startswith=self._subject(obj)),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/object_history.html", context)

    def _record(
        self,
        act: Act,
        request: HttpRequest,
        obj: Any,
        *,
        before: dict[str, Any] | None,
        after: dict[str, Any] | None,
    ) -> None:
        name = str(self.opts.verbose_name).replace(" ", "-")
        audit.record(
            f"{name}.{act}",
            f"{self._subject(obj)} {obj}"[:200],
            by=actor_of(request).email,
            at=clock.now(),
            before=before,
            after=after,
            reason=getattr(obj, "reason", ""),
        )

    def _subject(self, obj: Any) -> str:
        """How the audit log names the row; the number stays when the row's name changes."""
        return f"{self.opts.verbose_name} {obj.pk}:"

    def _values(self, obj: models.Model) -> dict[str, Any]:
        fields = [field for field in obj._meta.concrete_fields if field.name not in self.unsaid]
        return {field.name: field.value_from_object(obj) for field in fields}


class AmountsAdmin(TenantModelAdmin):
    """Rows with amounts in the tenant's billing currency, which their columns then name."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        currency = tenants.billing().currency
        rows = super().get_queryset(request)
        priced: QuerySet[Any] = rows.annotate(billing_currency=Value(currency))
        return priced


def amount(of: str, *, described: str) -> Any:
    """A column that shows the amount of this name with its currency."""

    @admin.display(description=described, ordering=of)
    def shown(row: Any) -> str:
        value = getattr(row, of)
        return "–" if value is None else str(Money(value.normalize(), row.billing_currency))

    return shown
