"""Signing in and out, and the choice of a tenant."""

from __future__ import annotations

from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portal.forms import SignInForm
from tenancy import memberships, scope, tenants

sign_out = auth.LogoutView.as_view()
sign_in = auth.LoginView.as_view(
    template_name="entrance/sign_in.html",
    authentication_form=SignInForm,
    redirect_authenticated_user=True,
)


@require_safe
@login_required
def entrance(request: HttpRequest) -> HttpResponse:
    """Straight to the only tenant of the signed-in person; else the choice, or whom to ask."""
    found = memberships.tenants_of(request.user)  # type: ignore[arg-type]  # login_required
    if len(found) == 1:
        return redirect(f"/t/{found[0].slug}/")
    return render(request, "entrance/tenants.html", {"tenants": [_named(one) for one in found]})


def _named(tenant: scope.TenantRef) -> dict[str, str]:
    with scope.of(tenant):
        return {
            "address": f"/t/{tenant.slug}/",
            "slug": tenant.slug,
            "name": tenants.billing().name,
        }
