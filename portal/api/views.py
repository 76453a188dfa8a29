"""What every resource's view has: the tenant's scope round the whole request."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.api import authentication
from portal.api.authentication import REALM, MissingScope
from portal.api.throttling import TokenThrottle
from tenancy import clock, scope, tenants
from tenancy.access import Actor
from tenancy.periods import Period
from tenancy.tokens import BadToken

_WHY: dict[type[Exception], str] = {
    BadToken: 'error="invalid_token"',
    MissingScope: 'error="insufficient_scope"',
}


class ScopedView(APIView):
    """Serves one tenant's rows, in one transaction; anything refused is rolled back.

    The tenant comes from the token and nothing else. DRF authenticates inside the view, so the
    scope is opened round it, in `dispatch`.
    """

    #: The scope a token needs to read; None where any token will do.
    needs: ClassVar[str | None] = None
    #: The scope it needs to change something; a view that allows no method to, has none.
    writes: ClassVar[str | None] = None
    http_method_names = ["get", "head"]
    throttle_classes = [TokenThrottle]

    @method_decorator(conditional_page)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        tenant = authentication.tenant_of(request)
        if tenant is None:
            return _marked(super().dispatch(request, *args, **kwargs))
        with scope.of(tenant):
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            return _marked(response)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if why := _WHY.get(type(exc)):
            response["WWW-Authenticate"] = f"{REALM}, {why}"
        return response

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return cast(Actor, self.request.user)

    def this_month(self) -> Period:
        """The billing period in force now."""
        return tenants.billing().month_at(clock.now())


def _marked(response: HttpResponseBase) -> HttpResponseBase:
    """Said of every answer: it is the caller's own, and is to be asked for again."""
    patch_cache_control(response, private=True, no_cache=True)
    patch_vary_headers(response, ("Authorization", "Accept"))
    return response
