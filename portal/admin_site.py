"""The admin of one tenant: who may enter is said by the membership, not by a flag on the person."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from tenancy.administration import MembersAdmin
from tenancy.models import Role

ENTERS = frozenset({Role.APPROVER, Role.FINANCE, Role.ADMIN, Role.AUDITOR})


class TenantAdminSite(AdminSite):
    """Served below a tenant's address, inside its scope."""

    site_header = "Apportion"
    site_title = "Apportion"
    index_title = "Administration"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        actor = getattr(request, "actor", None)
        return actor is not None and actor.role in ENTERS

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take only what is guarded by membership: Django's own groups have no meaning here."""
        if admin_class is not None and issubclass(admin_class, MembersAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(
        self,
        view: Callable[..., Any],
        cacheable: bool = False,  # noqa: FBT001, FBT002 - Django's signature
    ) -> Any:
        """Refuse whoever may not enter: they are signed in, and signing in again helps nobody."""
        inner: Callable[..., Any] = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not self.has_permission(request):
                raise PermissionDenied("Your role does not enter the administration.")
            return inner(request, *args, **kwargs)

        return update_wrapper(guarded, view)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """One signs in at the front door; see `admin_view`."""
        return self.admin_view(self.index)(request)
