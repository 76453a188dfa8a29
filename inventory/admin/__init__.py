"""Gateways and what Azure says of them; teams and what the organisation says of them."""

from inventory.admin import gateways, teams

__all__ = ["gateways", "teams"]
