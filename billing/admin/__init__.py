"""Prices, what the tenant chose about them, and what usage cost."""

from billing.admin import choices, prices, usage

__all__ = ["choices", "prices", "usage"]
