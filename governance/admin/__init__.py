"""Requests, limits, the guards of enforcement, and what it did."""

from governance.admin import enforcement, notifications, policies, quotas, requests

__all__ = ["enforcement", "notifications", "policies", "quotas", "requests"]
