"""What people are told of, and when. Closed sets, with their words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Topic(StrEnum):
    """What a notice is about: what somebody can choose to be told of or not."""

    REQUEST_MOVED = "request-moved"
    REQUEST_WAITING = "request-waiting"
    REQUEST_REMINDER = "request-reminder"
    REQUEST_ESCALATED = "request-escalated"
    QUOTA_THRESHOLD = "quota-threshold"
    QUOTA_FORECAST = "quota-forecast"
    BUDGET_THRESHOLD = "budget-threshold"
    BUDGET_FORECAST = "budget-forecast"
    SUSPENDED = "subscription-suspended"
    REACTIVATED = "subscription-reactivated"
    DELIVERY_FAILED = "delivery-failed"
    TEST = "test"


class Timing(StrEnum):
    """When a person is written to."""

    AT_ONCE = "at_once"
    DIGEST = "digest"
    OFF = "off"


TIMINGS = {Timing.AT_ONCE: "at once", Timing.DIGEST: "once a day", Timing.OFF: "no mail"}


@dataclass(frozen=True, slots=True)
class About:
    """A topic in words, and when one is written to who has chosen nothing."""

    label: str
    says: str
    timing: Timing


ABOUT: dict[Topic, About] = {
    Topic.REQUEST_MOVED: About(
        "A request of mine moved",
        "It was approved, rejected, asked about, applied, or it expired.",
        Timing.AT_ONCE,
    ),
    Topic.REQUEST_WAITING: About(
        "A request waits for me", "I am among those who may decide it.", Timing.AT_ONCE
    ),
    Topic.REQUEST_REMINDER: About(
        "A request still waits", "Nobody has decided it for a while.", Timing.DIGEST
    ),
    Topic.REQUEST_ESCALATED: About(
        "A request was escalated", "It waited too long and now waits for others.", Timing.AT_ONCE
    ),
    Topic.QUOTA_THRESHOLD: About(
        "A quota is used up in part", "Its thresholds are 50, 80, 90 and 100 %.", Timing.AT_ONCE
    ),
    Topic.QUOTA_FORECAST: About(
        "A quota will run out", "Before its period ends, at the recent pace.", Timing.DIGEST
    ),
    Topic.BUDGET_THRESHOLD: About(
        "A budget is used up in part", "Of a team or a cost center.", Timing.AT_ONCE
    ),
    Topic.BUDGET_FORECAST: About(
        "A budget will be exceeded", "Before its period ends, at the recent pace.", Timing.DIGEST
    ),
    Topic.SUSPENDED: About(
        "A subscription was suspended", "The gateway refuses its calls.", Timing.AT_ONCE
    ),
    Topic.REACTIVATED: About(
        "A subscription is served again", "Apportion lifted its suspension.", Timing.AT_ONCE
    ),
    Topic.DELIVERY_FAILED: About(
        "A webhook did not take a notice", "It was tried for a day and given up.", Timing.AT_ONCE
    ),
    Topic.TEST: About("A test", "Somebody tries an endpoint out.", Timing.AT_ONCE),
}
#: What a person can choose, and what an endpoint can: of its own failures none is told.
FOR_PEOPLE = tuple(topic for topic in Topic if topic is not Topic.TEST)
FOR_ENDPOINTS = tuple(topic for topic in FOR_PEOPLE if topic is not Topic.DELIVERY_FAILED)

TOPICS = [(topic.value, about.label) for topic, about in ABOUT.items()]
