from inventory.models.gateways import (
    Deployment,
    DeploymentState,
    Gateway,
    GatewayState,
    ModelAccount,
    Origin,
    Owner,
    Ownership,
    Product,
    Subscription,
    UsageSource,
)
from inventory.models.teams import CostCenter, Part, Team, TeamMember, teams_of

__all__ = [
    "CostCenter",
    "Deployment",
    "DeploymentState",
    "Gateway",
    "GatewayState",
    "ModelAccount",
    "Origin",
    "Owner",
    "Ownership",
    "Part",
    "Product",
    "Subscription",
    "Team",
    "TeamMember",
    "UsageSource",
    "teams_of",
]
