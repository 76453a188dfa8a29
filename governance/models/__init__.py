from governance.models.enforcement import (
    Action,
    ActionOutcome,
    EnforcementSettings,
    Mode,
    Suspension,
    Verb,
)
from governance.models.quotas import Hardness, Quota

__all__ = [
    "Action",
    "ActionOutcome",
    "EnforcementSettings",
    "Hardness",
    "Mode",
    "Quota",
    "Suspension",
    "Verb",
]
