"""By what usage is told apart, beside its subscription and its deployment. Pure.

The first six say which way through the gateway a call took; the rest is metadata that the caller
sent with it. Every source says which of them it can tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class Dimension(StrEnum):
    """What calls of one subscription to one deployment may differ in."""

    PRODUCT = "product"
    API = "api"
    OPERATION = "operation"
    REGION = "region"
    BACKEND = "backend"
    STREAMING = "streaming"
    APPLICATION = "application"
    USE_CASE = "use_case"
    AGENT = "agent"
    ENVIRONMENT = "environment"
    CLIENT_TENANT = "client_tenant"
    USER_GROUP = "user_group"
    COST_CENTER = "cost_center"

    @property
    def label(self) -> str:
        return _LABELS.get(self, self.value.replace("_", " "))


#: What the caller tells: of any number of values, hence bounded.
METADATA = (
    Dimension.APPLICATION,
    Dimension.USE_CASE,
    Dimension.AGENT,
    Dimension.ENVIRONMENT,
    Dimension.CLIENT_TENANT,
    Dimension.USER_GROUP,
    Dimension.COST_CENTER,
)
#: The value of a dimension beyond the number of values that are told apart.
OVERFLOW = "(more)"
#: The longest value that is kept; what is longer is cut.
LONGEST = 256

_LABELS = {Dimension.API: "API", Dimension.CLIENT_TENANT: "tenant of the caller"}

#: The names that `llm-emit-token-metric` gives its dimensions, and for metadata the ones that the
#: documentation suggests; a gateway may name others.
METRIC_NAMES: Mapping[str, str] = {
    "subscription": "Subscription ID",
    "deployment": "Deployment",
    "host": "Backend host",
    "product": "Product ID",
    "api": "API ID",
    "operation": "Operation ID",
    "region": "Location",
    "backend": "Backend ID",
    "application": "Application",
    "use_case": "Use Case",
    "agent": "Agent",
    "environment": "Environment",
    "client_tenant": "Tenant",
    "user_group": "User Group",
    "cost_center": "Cost Center",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:-]{0,62}")


def faults_of_names(names: object) -> list[str]:
    """What is wrong with a mapping of dimensions to the names that a gateway emits; in order."""
    if not isinstance(names, dict):
        return ["Give a mapping of dimensions to names, such as {'application': 'App'}."]
    faults = []
    for key, name in names.items():
        if key not in METRIC_NAMES:
            faults.append(f"There is no dimension '{key}'; there are {', '.join(METRIC_NAMES)}.")
        elif not isinstance(name, str) or _NAME.fullmatch(name) is None:
            faults.append(
                f"The name of '{key}' must be letters, digits, spaces or _.:- and at most 63 long."
            )
    return faults
