"""The lists that the API's index leads to."""

RESOURCES = (
    "teams",
    "subscriptions",
    "usage",
    "further-usage",
    "unallocated",
    "costs",
    "statements",
    "price-changes",
    "suspect-prices",
    "meters",
    "mappings",
    "mapping-proposals",
    "unpriced",
    "price-sheets",
    "exchange-rates",
    "capacity",
    "reservations",
    "estimates",
    "rerating",
    "proposed-adjustments",
)
