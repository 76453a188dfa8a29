"""Prices, what the tenant chose about them, and what usage cost."""

from billing.admin import capacity, choices, prices, sheets, usage

__all__ = ["capacity", "choices", "prices", "sheets", "usage"]
