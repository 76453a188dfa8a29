"""What every resource manager endpoint checks before it serves."""

from __future__ import annotations

import re
from collections.abc import Mapping

from simulator import entra
from simulator.setting import Tenant
from simulator.state import World
from simulator.wire import Ask, Refusal

_VERSION = re.compile(r"^20\d\d-\d\d-\d\d(-preview)?$")


def authorized(
    world: World, ask: Ask, named: Mapping[str, str], known: str | None, action: str
) -> Tenant:
    """The tenant whose resource this is and whose principal asks; anything else is refused."""
    caller = entra.caller(world, ask, entra.RESOURCE_MANAGER)
    version = ask.query.get("api-version", "")
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise Refusal(400, "MissingApiVersionParameter", message)
    if not _VERSION.match(version) or version < "2022":
        raise Refusal(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid.")
    tenant = caller.tenant
    if named["azure"].lower() != tenant.azure_subscription_id:
        raise _forbidden(tenant, ask.path, action)
    if named["group"].lower() != tenant.resource_group.lower():
        message = f"Resource group '{named['group']}' could not be found."
        raise Refusal(404, "ResourceGroupNotFound", message)
    if known is None or not ask.path.lower().startswith(known.lower()):
        message = f"The Resource '{ask.path.split('/providers/')[-1]}' was not found."
        raise Refusal(404, "ResourceNotFound", message)
    return tenant


def _forbidden(tenant: Tenant, scope: str, action: str) -> Refusal:
    message = (
        f"The client '{tenant.client_id}' with object id '{tenant.object_id}' does not have "
        f"authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. "
        "If access was recently granted, please refresh your credentials."
    )
    return Refusal(403, "AuthorizationFailed", message)
