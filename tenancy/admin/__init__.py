"""People, tokens, the tenant's profile and its ledgers."""

from tenancy.admin import ledger, people, profile

__all__ = ["ledger", "people", "profile"]
