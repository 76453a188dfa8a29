"""Prices, what the tenant chose about them, and what usage cost."""

from billing.admin import capacity, choices, prices, usage

__all__ = ["capacity", "choices", "prices", "usage"]
