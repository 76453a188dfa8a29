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
    "teams_of",
]
