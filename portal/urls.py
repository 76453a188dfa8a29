"""The addresses outside any tenant: signing in, health, the API. See `portal.tenant_urls`."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
