"""Requests, limits, the guards of enforcement, and what it did."""

from governance.admin import alerts, budgets, enforcement, notifications, policies, quotas, requests

__all__ = ["alerts", "budgets", "enforcement", "notifications", "policies", "quotas", "requests"]
