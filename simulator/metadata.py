"""What a gateway's token metric says beside its numbers: dimensions, and what callers say.

A policy such as ``llm-emit-token-metric`` names its dimensions itself, and API Management allows
only a few: so every tenant has its own list, and a name may be filled from any source.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Source(enum.Enum):
    """What of a call fills a dimension; the values are the names that a control order uses."""

    SUBSCRIPTION = "subscription"
    PRODUCT = "product"
    API = "api"
    OPERATION = "operation"
    GATEWAY = "gateway"
    LOCATION = "region"
    BACKEND = "backend"
    DEPLOYMENT = "deployment"
    MODEL = "model"
    APPLICATION = "application"
    USE_CASE = "use_case"
    AGENT = "agent"
    ENVIRONMENT = "environment"
    TENANT = "tenant"
    USER_GROUP = "user_group"
    COST_CENTER = "cost_center"


@dataclass(frozen=True, slots=True)
class Dimension:
    """A property of the metric and what fills it."""

    name: str
    source: Source


#: What API Management fills without being told how.
BUILT_IN = (
    Dimension("Subscription ID", Source.SUBSCRIPTION),
    Dimension("Product ID", Source.PRODUCT),
    Dimension("API ID", Source.API),
    Dimension("Operation ID", Source.OPERATION),
    Dimension("Gateway ID", Source.GATEWAY),
    Dimension("Location", Source.LOCATION),
    Dimension("Backend ID", Source.BACKEND),
)
#: What a policy reads from the address and the answer.
MODELS = (Dimension("Deployment", Source.DEPLOYMENT), Dimension("Model", Source.MODEL))
#: What a policy reads from the request's headers.
CALLERS = (
    Dimension("Application", Source.APPLICATION),
    Dimension("Use Case", Source.USE_CASE),
    Dimension("Agent", Source.AGENT),
    Dimension("Environment", Source.ENVIRONMENT),
    Dimension("Tenant", Source.TENANT),
    Dimension("User Group", Source.USER_GROUP),
    Dimension("Cost Center", Source.COST_CENTER),
)
#: The metadata that a caller may send, by key.
KEYS = tuple(dimension.source.value for dimension in CALLERS)


def of_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The metadata in a request's headers, such as ``x-use-case``; names in lower case."""
    found = {key: headers.get(f"x-{key.replace('_', '-')}", "").strip() for key in KEYS}
    return {key: value for key, value in found.items() if value}
