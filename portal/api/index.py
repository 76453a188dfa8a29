from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from portal.api import examples
from portal.api.queries import Query
from portal.api.resources import RESOURCES
from portal.api.schema import operation, version
from portal.api.views import ScopedView
from tenancy import tenants


class TenantItem(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField(help_text="ISO 4217: what the tenant is billed in.")
    time_zone = serializers.CharField(help_text="IANA zone of its days and billing periods.")


class TokenItem(serializers.Serializer[Any]):
    person = serializers.EmailField(help_text="Whom the token stands for.")
    role = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())


class IndexItem(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.CharField()
    tenant = TenantItem()
    token = TokenItem()
    links = serializers.DictField(child=serializers.URLField())


class Index(ScopedView):
    @operation(
        "getIndex",
        tag="index",
        summary="Where a token belongs, and what there is",
        answer=IndexItem,
        example=examples.one(examples.INDEX),
    )
    def get(self, request: Request) -> Response:
        Query.of(request)
        billing, actor = tenants.billing(), self.actor
        return Response(
            {
                "name": "Apportion",
                "version": version(),
                "tenant": {
                    "slug": actor.tenant.slug,
                    "name": billing.name,
                    "currency": billing.currency,
                    "time_zone": billing.zone,
                },
                "token": {
                    "person": actor.email,
                    "role": actor.role,
                    "scopes": sorted(actor.scopes or ()),
                },
                "links": {
                    name: reverse(f"api:{name}", request=request)
                    for name in (*RESOURCES, "schema", "documentation")
                },
            }
        )
