"""The addresses below ``/t/<tenant>/``, served inside that tenant's scope."""

from django.contrib import admin
from django.urls import path

from portal.views import home, rerating, statements, status, subscription, team

handler400 = "portal.problems.bad_request"
handler403 = "portal.problems.not_allowed"
handler404 = "portal.problems.not_found"
handler500 = "portal.problems.server_error"

urlpatterns = [
    path("", home.home, name="home"),
    path("teams/<slug:slug>/", team.team, name="team"),
    path("teams/<slug:slug>/statements/", statements.statement_list, name="statements"),
    path(
        "teams/<slug:slug>/statements/<slug:month>/statement.csv",
        statements.statement_csv,
        name="statement-csv",
    ),
    path("teams/<slug:slug>/statements/<slug:month>/", statements.statement, name="statement"),
    path(
        "subscriptions/<slug:gateway>/<str:name>/", subscription.subscription, name="subscription"
    ),
    path("prices/rerating/", rerating.rerating, name="rerating"),
    path("status/", status.status, name="status"),
    path("admin/", admin.site.urls),
]
