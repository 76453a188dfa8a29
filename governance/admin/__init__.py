"""Requests, limits, the guards of enforcement, and what it did."""

from governance.admin import enforcement, notifications, quotas, requests

__all__ = ["enforcement", "notifications", "quotas", "requests"]
