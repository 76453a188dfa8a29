from billing.models.capacity import CapacityDay, CapacityMapping, Reservation, ReservationDay
from billing.models.choices import BillingSettings, ExchangeRate, MeterMapping, RateOrigin
from billing.models.closing import ClosedMonth, ProposedAdjustment
from billing.models.prices import Meter, Price, PriceChange, PriceDecision, PriceType
from billing.models.reading import (
    PushedEvent,
    SourceComparison,
    UsageFeed,
    UsageWindow,
    WindowState,
)
from billing.models.series import Series
from billing.models.sheets import PriceSheet, SheetLine
from billing.models.usage import (
    ClassUsage,
    DayToRate,
    PeriodToDate,
    RatedDay,
    Usage,
    UsageDay,
)
from billing.models.visible import OfSubscription

__all__ = [
    "BillingSettings",
    "CapacityDay",
    "CapacityMapping",
    "ClassUsage",
    "ClosedMonth",
    "DayToRate",
    "ExchangeRate",
    "Meter",
    "MeterMapping",
    "OfSubscription",
    "PeriodToDate",
    "Price",
    "PriceChange",
    "PriceDecision",
    "PriceSheet",
    "PriceType",
    "ProposedAdjustment",
    "PushedEvent",
    "RateOrigin",
    "RatedDay",
    "Reservation",
    "ReservationDay",
    "Series",
    "SheetLine",
    "SourceComparison",
    "Usage",
    "UsageDay",
    "UsageFeed",
    "UsageWindow",
    "WindowState",
]
