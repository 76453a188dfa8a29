from billing.models.capacity import CapacityDay, CapacityMapping, Reservation, ReservationDay
from billing.models.choices import BillingSettings, ExchangeRate, MeterMapping, RateOrigin
from billing.models.closing import ClosedMonth, ProposedAdjustment
from billing.models.prices import Meter, Price, PriceChange, PriceDecision, PriceType
from billing.models.sheets import PriceSheet, SheetLine
from billing.models.usage import (
    ClassUsage,
    DayToRate,
    OfSubscription,
    PeriodToDate,
    RatedDay,
    Usage,
    UsageFeed,
)

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
    "RateOrigin",
    "RatedDay",
    "Reservation",
    "ReservationDay",
    "SheetLine",
    "Usage",
    "UsageFeed",
]
