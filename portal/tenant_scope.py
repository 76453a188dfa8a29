"""Each request of a tenant's address runs in that tenant's scope, in one transaction.

``/t/<tenant>/…`` is served by `portal.tenant_urls` with the prefix as script name, so that
every ``reverse`` inside, the admin's included, stays with the tenant. The tenant is never taken
from the caller's word: the signed-in person must be its member, else there is no such page.

A view that calls outside may not hold a transaction while it waits: it is marked with
`outside_transaction` and runs in no scope. Its verbs open one for each of their steps, and it
shows what came of them inside `entered`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import Resolver404, get_script_prefix, resolve, set_script_prefix

from tenancy import memberships, scope, tenants
from tenancy.access import Actor
from tenancy.models import Person
from tenancy.refusals import NotFound

ADDRESS = re.compile(r"^/t/(?P<slug>[a-z0-9-]+)(?P<rest>/.*)$")
_URLS = "portal.tenant_urls"


class TenantRequest(HttpRequest):
    """A request inside a tenant's address: it has an actor."""

    actor: Actor


View = Callable[..., HttpResponseBase]


def outside_transaction(view: View) -> View:
    """Mark a view that calls outside: it is served in no scope and in no transaction."""
    view.outside_transaction = True  # type: ignore[attr-defined]  # read by `_runs_outside`
    return view


@contextmanager
def entered(request: HttpRequest) -> Iterator[None]:
    """The scope of the request's tenant, where a view that runs outside it has to show something.

    Inside it, or where the request is no tenant's, nothing is opened.
    """
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None or scope.is_open():
        yield
        return
    with scope.of(actor.tenant):
        yield


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
        tenant = _tenant(slug)
        try:
            if _runs_outside(rest):
                with scope.of(tenant):
                    _address(request, person, slug, rest)
                return self.get_response(request)
            with scope.of(tenant):
                _address(request, person, slug, rest)
                response = self.get_response(request)
                if response.status_code >= 400:
                    transaction.set_rollback(True)
                return response
        finally:
            set_script_prefix(before)


def _address(request: HttpRequest, person: Person, slug: str, rest: str) -> None:
    """Make the request one of the tenant in scope."""
    request.actor = _actor(person)  # type: ignore[attr-defined]  # TenantRequest's
    request.path_info = rest
    request.urlconf = _URLS
    set_script_prefix(f"/t/{slug}/")


def _runs_outside(rest: str) -> bool:
    try:
        view = resolve(rest, _URLS).func
    except Resolver404:
        return False
    return bool(getattr(view, "outside_transaction", False))


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
