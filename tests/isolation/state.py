"""What a tenant's tables hold, in a form that can be compared."""

from __future__ import annotations

import hashlib

from django.db import connection

from tenancy import scope
from tests.isolation.registry import tables
from tests.world import Place, World


def digests(world: World, *places: Place) -> dict[str, str]:
    """A digest of every row of these tenants (both), of a token all but when it was last used."""
    found = {}
    for place in places or (world.contoso, world.fabrikam):
        with scope.of(place.ref), connection.cursor() as cursor:
            for model in tables():
                table = model._meta.db_table
                cursor.execute(
                    f"SELECT (to_jsonb(t) - 'last_used_at')::text FROM {table} t ORDER BY 1"
                )
                text = repr(cursor.fetchall())
                found[f"{place.ref.slug} {table}"] = hashlib.sha256(text.encode()).hexdigest()
    return found
