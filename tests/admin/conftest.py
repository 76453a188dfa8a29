"""The admin in a browser: the same Chromium and the same server as for the pages."""

from __future__ import annotations

from tests.pages.conftest import at_noon, chromium, committed_month, site

__all__ = ["at_noon", "chromium", "committed_month", "site"]
