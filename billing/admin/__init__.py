"""Prices, what the tenant chose about them, and what usage cost."""

from billing.admin import attribution, capacity, choices, prices, sheets, usage

__all__ = ["attribution", "capacity", "choices", "prices", "sheets", "usage"]
