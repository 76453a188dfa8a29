"""The addresses below ``/t/<tenant>/``, served inside that tenant's scope."""

from django.contrib import admin
from django.urls import path

handler400 = "portal.problems.bad_request"
handler403 = "portal.problems.not_allowed"
handler404 = "portal.problems.not_found"
handler500 = "portal.problems.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
]
