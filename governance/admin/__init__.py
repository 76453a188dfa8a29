"""Limits, the guards of enforcement, and what it did."""

from governance.admin import enforcement, quotas

__all__ = ["enforcement", "quotas"]
