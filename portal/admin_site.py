"""The admin of one tenant: who may enter is said by the membership, not by a flag on the person."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest

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
