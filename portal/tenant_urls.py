"""The addresses below ``/t/<tenant>/``, served inside that tenant's scope."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
