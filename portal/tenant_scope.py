"""Each request of a tenant's address runs in that tenant's scope, in one transaction.

``/t/<tenant>/…`` is served by `portal.tenant_urls` with the prefix as script name, so that
every ``reverse`` inside, the admin's included, stays with the tenant. The tenant is never taken
from the caller's word: the signed-in person must be its member, else there is no such page.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import get_script_prefix, set_script_prefix

from tenancy import memberships, scope, tenants
from tenancy.access import Actor
from tenancy.models import Person
from tenancy.refusals import NotFound

ADDRESS = re.compile(r"^/t/(?P<slug>[a-z0-9-]+)(?P<rest>/.*)$")


class TenantRequest(HttpRequest):
    """A request inside a tenant's address: it has an actor."""

    actor: Actor


class TenantScopeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        match = ADDRESS.match(request.path_info)
        if match is None:
            return self.get_response(request)
        if not isinstance(request.user, Person):
            return redirect_to_login(request.get_full_path())
        return self._inside(request, request.user, match["slug"], match["rest"])

    def _inside(
        self, request: HttpRequest, person: Person, slug: str, rest: str
    ) -> HttpResponseBase:
        before = get_script_prefix()
        try:
            with scope.of(_tenant(slug)):
                request.actor = _actor(person)  # type: ignore[attr-defined]  # TenantRequest's
                request.path_info = rest
                request.urlconf = "portal.tenant_urls"
                set_script_prefix(f"/t/{slug}/")
                response = self.get_response(request)
                if response.status_code >= 400:
                    transaction.set_rollback(True)
                return response
        finally:
            set_script_prefix(before)


def _tenant(slug: str) -> scope.TenantRef:
    try:
        return tenants.by_slug(slug)
    except NotFound:
        raise Http404 from None


def _actor(person: Person) -> Actor:
    try:
        return memberships.actor(person)
    except NotFound:
        raise Http404 from None
