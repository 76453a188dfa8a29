"""Tenants and what keeps them apart, and the words every room shares.

`scope` (whose rows), `access` (who may see which), `tenants`, `memberships`, `tokens`,
`audit`, `runs` (the sync ledger), `refusals`; pure: `money`, `periods`; `clock` is the one
place that reads the time; `row_security` holds the migration operations; `joins` how the database
plans statements of many tables.
"""
