"""Addresses of Azure resources and what Azure answers about them, as frozen values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn  # Any: a row of whatever the query asks for

from connectors.failures import BadQuery, Permanent, Service

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_RESOURCE_GROUP = re.compile(r"[\w().-]{0,89}[\w()-]")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,255}")


class SubscriptionState(StrEnum):
    """The states that the product may give an APIM subscription."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetailPrice:
    """One row of Azure's public price list; prices per ``unit_of_measure``, as published."""

    meter_id: str
    sku_id: str
    product_id: str
    meter_name: str
    sku_name: str
    product_name: str
    service_name: str
    region: str
    arm_sku_name: str
    unit_of_measure: str
    currency: str
    retail_price: Decimal
    unit_price: Decimal
    tier_minimum_units: Decimal
    effective_start: datetime
    price_type: str
    reservation_term: str
    is_primary_region: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ApimProduct:
    """A product with the token limits its policy states as plain numbers, None where it does not.

    Where several limits stand in one policy, the tightest is given.
    """

    name: str
    display_name: str
    state: str
    tokens_per_minute: int | None
    token_quota: int | None
    token_quota_period: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApimSubscription:
    """An APIM subscription, without its keys. ``product`` is None when it is not scoped to one."""

    name: str
    display_name: str
    product: str | None
    scope: str
    state: str
    state_comment: str
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class ObservedSubscription:
    """A subscription and the version tag that a write must name."""

    subscription: ApimSubscription
    etag: str


@dataclass(frozen=True, slots=True)
class StateChange:
    """What a write left behind: the new version tag, and Azure's id of the request."""

    etag: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class CreatedSubscription:
    """A subscription that was made, or was there already just as asked for.

    ``request_id`` is Azure's id of the request that made it, None where it was there.
    """

    observed: ObservedSubscription
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that no log, error page or test report shows: its texts hide it."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The value itself, for the one call that sends it and the one page that shows it."""
        return self._value

    def hidden_in(self, text: str) -> str:
        """``text`` without the value, should somebody have repeated it."""
        return text.replace(self._value, "***") if self._value else text

    def __str__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        """Refuse to be written down: neither a task's arguments nor a cache may hold it."""
        raise TypeError("A secret cannot be pickled.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDeployment:
    """A model deployment as the account itself describes it.

    ``capacity`` is in the SKU's own unit, throughput units where it is provisioned.
    ``base_model`` and ``base_version`` are what a fine-tuned model was made from; empty for any
    other. ``created_at`` is aware UTC.
    """

    account: str
    endpoint_host: str
    name: str
    model: str
    version: str
    sku: str
    region: str
    capacity: int | None
    state: str
    created_at: datetime | None = None
    base_model: str = ""
    base_version: str = ""


@dataclass(frozen=True, slots=True)
class QueryTable:
    """The one table that a query answered."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def require(
        self, names: Sequence[str], *, whole: Sequence[str] = ()
    ) -> tuple[dict[str, Any], ...]:
        """The rows as mappings of exactly ``names``; a missing column is a BadQuery naming it.

        So is a value of ``whole`` that is no whole number of at least 0.
        """
        if missing := [name for name in names if name not in self.columns]:
            says = (
                f"Log Analytics answered without the column {', '.join(missing)}; "
                f"it gave {', '.join(self.columns) or 'none'}."
            )
            raise BadQuery(says, service=Service.LOG_ANALYTICS)
        for name in whole:
            self._check_whole(name)
        places = [(name, self.columns.index(name)) for name in names]
        return tuple({name: row[place] for name, place in places} for row in self.rows)

    def _check_whole(self, name: str) -> None:
        place = self.columns.index(name)
        for row in self.rows:
            value = row[place]
            if type(value) is not int or value < 0:
                says = f"Log Analytics answered {value!r} as {name}, which is no count."
                raise BadQuery(says, service=Service.LOG_ANALYTICS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApimService:
    """The address of an API Management service."""

    subscription_id: str
    resource_group: str
    service: str

    def __post_init__(self) -> None:
        """Refuse what would address something else."""
        _check_parent(self.subscription_id, self.resource_group)
        segment("API Management service", self.service)


@dataclass(frozen=True, slots=True, kw_only=True)
class CognitiveAccount:
    """The address of an Azure AI account."""

    subscription_id: str
    resource_group: str
    account: str

    def __post_init__(self) -> None:
        """Refuse what would address something else."""
        _check_parent(self.subscription_id, self.resource_group)
        segment("AI account", self.account)


def segment(what: str, value: str) -> str:
    """``value`` when it is one safe segment of a resource address, else Permanent."""
    return _fits(_NAME, what, value)


def guid(what: str, value: str, *, service: Service = Service.RESOURCE_MANAGER) -> str:
    """``value`` when it is a GUID, else Permanent."""
    return _fits(_GUID, what, value, service)


def _check_parent(subscription_id: str, resource_group: str) -> None:
    guid("Azure subscription id", subscription_id)
    _fits(_RESOURCE_GROUP, "resource group", resource_group)


def _fits(
    pattern: re.Pattern[str],
    what: str,
    value: str,
    service: Service = Service.RESOURCE_MANAGER,
) -> str:
    if pattern.fullmatch(value) is None or ".." in value or not value.isascii():
        raise Permanent(f"{value!r} is not a valid {what}.", service=service)
    return value
