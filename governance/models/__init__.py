from governance.models.enforcement import (
    Action,
    ActionOutcome,
    EnforcementSettings,
    Mode,
    Suspension,
    Verb,
)
from governance.models.notifications import (
    OPEN,
    Channel,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointKind,
    NewsMark,
    Notice,
    Preference,
)
from governance.models.quotas import Hardness, Quota

__all__ = [
    "OPEN",
    "Action",
    "ActionOutcome",
    "Channel",
    "Delivery",
    "DeliveryState",
    "Endpoint",
    "EndpointKind",
    "EnforcementSettings",
    "Hardness",
    "Mode",
    "NewsMark",
    "Notice",
    "Preference",
    "Quota",
    "Suspension",
    "Verb",
]
