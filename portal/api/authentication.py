"""Who asks: the person a token stands for, in the token's tenant, narrowed to its scopes."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from tenancy import clock, tokens
from tenancy.access import Actor
from tenancy.refusals import NoTenant, Refused
from tenancy.scope import TenantRef
from tenancy.tokens import BadToken

REALM = 'Bearer realm="Apportion"'
_FORM = re.compile(r"\Aapt_[a-z0-9-]{1,62}_[A-Za-z0-9_-]{20,100}\Z")


class MissingScope(Refused):
    code = "missing-scope"
    status = 403
    text = "This token does not have the scope {scope}. Ask for one that has."


class BearerToken(BaseAuthentication):
    """``Authorization: Bearer apt_<tenant>_<secret>``, inside the scope `views` has opened."""

    def authenticate(self, request: Request) -> tuple[Actor, str] | None:
        text = bearer(request._request)
        if text is None:
            return None
        try:
            actor = tokens.actor(text, at=clock.now())
        except NoTenant:  # the text names no tenant, so that no scope was opened
            raise BadToken() from None
        request._request.actor = actor  # type: ignore[attr-defined]  # as on every tenant request
        return actor, text

    def authenticate_header(self, request: Request) -> str:
        return REALM


class HasScope(BasePermission):
    """The token has the scope that the view needs for reading, or for changing something; a view
    that names none needs a token only."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.user, Actor):
            return False
        scopes = request.user.scopes or frozenset()
        wanted = view.needs if request.method in SAFE_METHODS else view.writes or view.needs
        if wanted is not None and wanted not in scopes:
            raise MissingScope(scope=wanted)
        return True


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its base is untyped
    """How the schema describes the token."""

    target_class = BearerToken
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "apt_<tenant>_<secret>",
            "description": (
                "A token belongs to one person in one tenant. It sees what that person sees, and "
                "of that only what its scopes name. `manage.py issue_token` makes one."
            ),
        }


def bearer(request: HttpRequest) -> str | None:
    """The token's text as it was sent; None where no bearer token was."""
    kind, _, text = request.headers.get("Authorization", "").strip().partition(" ")
    return text.strip() if kind.lower() == "bearer" else None


def tenant_of(request: HttpRequest) -> TenantRef | None:
    """The tenant that the request's token names; None where it names none."""
    text = bearer(request)
    if text is None or not _FORM.match(text):
        return None
    try:
        return tokens.tenant_of(text)
    except BadToken:
        return None
