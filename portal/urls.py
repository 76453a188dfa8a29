"""The addresses outside any tenant: signing in, health, the API. See `portal.tenant_urls`."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from portal import health
from portal.views import entrance

handler400 = "portal.problems.bad_request"
handler403 = "portal.problems.not_allowed"
handler404 = "portal.problems.not_found"
handler500 = "portal.problems.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", entrance.entrance, name="entrance"),
    path("sign-in/", entrance.sign_in, name="sign-in"),
    path("sign-out/", entrance.sign_out, name="sign-out"),
    path("t/<slug:slug>", RedirectView.as_view(url="/t/%(slug)s/")),
    path("healthz", health.live, name="live"),
    path("readyz", health.ready, name="ready"),
    path("api/v1/", include("portal.api.urls")),
]
