"""Every address of the API that needs a token, with what it needs: kept whole by a test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """One operation, asked about Alice's team."""

    name: str
    path: str
    scope: str | None


EVERY = (
    Address("index", "/api/v1/", None),
    Address("teams", "/api/v1/teams/", "read:inventory"),
    Address("team", "/api/v1/teams/search/", "read:inventory"),
    Address("subscriptions", "/api/v1/subscriptions/", "read:inventory"),
    Address("subscription", "/api/v1/subscriptions/apim-contoso/key-search/", "read:inventory"),
    Address(
        "ownership",
        "/api/v1/subscriptions/apim-contoso/key-search/ownership/",
        "read:inventory",
    ),
    Address("limits-of", "/api/v1/subscriptions/apim-contoso/key-search/limits/", "read:quotas"),
    Address("limits", "/api/v1/limits/", "read:quotas"),
    Address("quotas", "/api/v1/quotas/", "read:quotas"),
    Address(
        "usage",
        "/api/v1/usage/?from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00Z",
        "read:usage",
    ),
    Address(
        "further-usage",
        "/api/v1/further-usage/?from=2026-09-01T00:00:00Z&to=2026-10-01T00:00:00Z",
        "read:usage",
    ),
    Address("unallocated", "/api/v1/usage/unallocated/", "read:usage"),
    Address("usage-windows", "/api/v1/usage/windows/", "read:usage"),
    Address("usage-comparisons", "/api/v1/usage/comparisons/", "read:usage"),
    Address("usage-breakdown", "/api/v1/usage/breakdown/?by=team&month=2026-11", "read:costs"),
    Address("costs", "/api/v1/costs/?month=2026-11", "read:costs"),
    Address("statements", "/api/v1/statements/?month=2026-11", "read:statements"),
    Address("statement", "/api/v1/teams/search/statements/2026-11/", "read:statements"),
    Address("capacity", "/api/v1/capacity/?month=2026-09", "read:prices"),
    Address("reservations", "/api/v1/reservations/", "read:prices"),
    Address("exchange-rates", "/api/v1/exchange-rates/", "read:prices"),
    Address("mappings", "/api/v1/mappings/", "read:prices"),
    Address("mapping-proposals", "/api/v1/mapping-proposals/", "read:prices"),
    Address("unpriced", "/api/v1/unpriced/", "read:prices"),
    Address("price-sheets", "/api/v1/price-sheets/", "read:prices"),
    Address(
        "estimates",
        "/api/v1/estimates/?model=gpt-5.2-chat&region=swedencentral&calls=1000&input_tokens=100"
        "&output_tokens=0",
        "read:prices",
    ),
    Address("rerating", "/api/v1/rerating/", "read:prices"),
    Address("price-changes", "/api/v1/price-changes/", "read:prices"),
    Address("meters", "/api/v1/meters/", "read:prices"),
    Address("meter", "/api/v1/meters/0b0e5d1f-0000-4000-8000-000000000001/", "read:prices"),
    Address("suspect-prices", "/api/v1/suspect-prices/", "read:prices"),
    Address("proposed-adjustments", "/api/v1/proposed-adjustments/", "read:prices"),
    Address("budgets", "/api/v1/budgets/", "read:budgets"),
    Address("budget-history", "/api/v1/budgets/history/", "read:budgets"),
    Address("alerts", "/api/v1/alerts/", "read:budgets"),
    Address("requests", "/api/v1/requests/", "read:requests"),
    Address("request", "/api/v1/requests/1/", "read:requests"),
    Address("request-timeline", "/api/v1/requests/1/timeline/", "read:requests"),
    Address("policies", "/api/v1/policies/", "read:policies"),
    Address("approver-groups", "/api/v1/approver-groups/", "read:policies"),
    Address("delegations", "/api/v1/delegations/", "read:policies"),
    Address("notifications", "/api/v1/notifications/", "read:notifications"),
    Address("notification-preferences", "/api/v1/notification-preferences/", "read:notifications"),
    Address("notification-endpoints", "/api/v1/notification-endpoints/", "read:notifications"),
    Address("deliveries", "/api/v1/deliveries/", "read:notifications"),
)
#: Those whose keys only the database knows, and those that are written to: in tests of their own.
BY_ID = (
    "suspect-price",
    "decide-suspect",
    "price-sheet",
    "price-sheet-lines",
    "end-price-sheet",
    "usage-events",
    "read-usage-again",
    "read-notifications",
    "change-endpoint",
    "act-on-endpoint",
    "policy",
    "replay-policy",
    "try-policies",
    "act-on-policy",
    "change-approver-group",
    "end-delegation",
    "what-if",
    "change-request",
    "submit-request",
    "amend-request",
    "comment-request",
    "answer-request",
    "withdraw-request",
    "approve-request",
    "reject-request",
    "ask-request",
    "end-request",
    "apply-again",
)
PUBLIC = ("schema", "documentation")
SCOPED = tuple(address for address in EVERY if address.scope)
OF_ALICES_TEAM = tuple(
    address
    for address in EVERY
    if address.name in {"team", "subscription", "ownership", "limits-of", "statement"}
)
#: Lists narrowed to one team by parameter.
BY_TEAM = (
    "/api/v1/subscriptions/?team={team}",
    "/api/v1/subscriptions/?environment=production&team={team}",
    "/api/v1/usage/?from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00Z&team={team}",
    "/api/v1/further-usage/?from=2026-09-01T00:00:00Z&to=2026-10-01T00:00:00Z&team={team}",
    "/api/v1/costs/?month=2026-11&team={team}",
    "/api/v1/statements/?team={team}",
    "/api/v1/usage/breakdown/?by=model&month=2026-11&team={team}",
    "/api/v1/budgets/history/?team={team}",
    "/api/v1/requests/?team={team}",
)
