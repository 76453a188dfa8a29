from billing.models.prices import BillingSettings, ExchangeRate, Meter, MeterMapping, Price
from billing.models.usage import (
    DayToRate,
    OfSubscription,
    PeriodToDate,
    RatedDay,
    Usage,
    UsageFeed,
)

__all__ = [
    "BillingSettings",
    "DayToRate",
    "ExchangeRate",
    "Meter",
    "MeterMapping",
    "OfSubscription",
    "PeriodToDate",
    "Price",
    "RatedDay",
    "Usage",
    "UsageFeed",
]
