"""Limits, the guards of enforcement, and what it did."""

from governance.admin import enforcement, notifications, quotas

__all__ = ["enforcement", "notifications", "quotas"]
