"""Prices: `catalogue` (load, dated), `meters` (what a name says), `mapping` (which meter prices
which deployment)."""
