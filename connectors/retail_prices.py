"""Azure's public price list, page after page. It has no SDK and asks for no credentials."""

import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from http import HTTPStatus
from typing import TypeVar

import httpx

from connectors.failures import Partial, Permanent, Service, Transient
from connectors.records import RetailPrice
from connectors.settings import AzureEndpoints
from connectors.translation import answered, retail_prices, translated
from connectors.transport import (
    READS,
    is_trust,
    origin,
    pause,
    repeatable_status,
    retry_after,
    trust,
)

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,&()/+_-]{0,99}")
T = TypeVar("T")

_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFilter:
    """Which part of the list: any of the services, in any of the regions (none: all regions)."""

    services: tuple[str, ...]
    regions: tuple[str, ...] = ()
    currency: str = "USD"

    def expression(self) -> str:
        """The filter in the list's own words."""
        parts = (_any("serviceName", self.services), _any("armRegionName", self.regions))
        return " and ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class _Page:
    items: tuple[RetailPrice, ...]
    link: str | None
    digest: str


def pages(endpoints: AzureEndpoints, *, filter: PriceFilter) -> Iterator[tuple[RetailPrice, ...]]:
    """The prices of ``filter``, a page at a time, until the list ends.

    Links are followed on the list's own host only. A page without a link that is not shorter than
    the ones before may not be the last: the next is asked for by its offset. A page that came
    before is asked for again, and is Partial when it comes again.
    """
    url = _first(endpoints, filter)
    links, digests, largest, read = {url}, set[str](), 0, 0
    with _client(endpoints) as client:
        for _ in range(endpoints.most_pages):
            page = _fresh(client, endpoints, url, filter, digests)
            if page.items:
                yield page.items
            digests.add(page.digest)
            read, largest = read + len(page.items), max(largest, len(page.items))
            if page.link is None and len(page.items) < max(largest, 1):
                return
            url = page.link or _at_offset(endpoints, filter, read)
            _check_link(endpoints, url, links)
            links.add(url)
    raise _wrong(f"The price list did not end after {endpoints.most_pages} pages.")


def _fresh(
    client: httpx.Client,
    endpoints: AzureEndpoints,
    url: str,
    wanted: PriceFilter,
    digests: set[str],
) -> _Page:
    for _ in range(max(1, endpoints.tries)):
        page = _page(_get(client, endpoints, url), endpoints, wanted)
        if page.digest not in digests or not page.items:
            return page
    says = "The price list gives the same page twice: another one may be missing."
    raise Partial(says, service=Service.RETAIL_PRICES)


def _get(client: httpx.Client, endpoints: AzureEndpoints, url: str) -> str:
    place = retail_prices(endpoints)
    attempt = 0
    while True:
        attempt += 1
        with translated(place):
            try:
                response = client.get(url, headers={"x-ms-client-request-id": str(uuid.uuid4())})
            except httpx.TransportError as error:
                wait = None if is_trust(error) else pause(endpoints, attempt, None)
                if wait is None:
                    raise
            else:
                if response.status_code == HTTPStatus.OK:
                    return response.text
                wait = _wait(endpoints, response, attempt)
                if wait is None:
                    raise answered(response.status_code, response.headers, response.text, place)
        time.sleep(wait)


def _wait(endpoints: AzureEndpoints, response: httpx.Response, attempt: int) -> float | None:
    if not repeatable_status("GET", response.status_code, READS):
        return None
    return pause(endpoints, attempt, retry_after(response.headers))


def _client(endpoints: AzureEndpoints) -> httpx.Client:
    timeout = httpx.Timeout(endpoints.read_timeout, connect=endpoints.connect_timeout)
    trusted = trust(endpoints, Service.RETAIL_PRICES)
    return httpx.Client(timeout=timeout, verify=trusted or True)


def _first(endpoints: AzureEndpoints, wanted: PriceFilter) -> str:
    if _CURRENCY.fullmatch(wanted.currency) is None:
        raise _wrong(f"{wanted.currency!r} is not a currency code.")
    asked = {"currencyCode": f"'{wanted.currency}'"}
    if expression := wanted.expression():
        asked["$filter"] = expression
    return str(httpx.URL(endpoints.retail_prices).copy_merge_params(asked))


def _at_offset(endpoints: AzureEndpoints, wanted: PriceFilter, read: int) -> str:
    first = httpx.URL(_first(endpoints, wanted))
    return str(first.copy_add_param("$skip", str(read)))


def _check_link(endpoints: AzureEndpoints, link: str, seen: set[str]) -> None:
    if origin(link) != origin(endpoints.retail_prices):
        host = httpx.URL(link).host or "no host"
        raise _wrong(f"The price list links to another host ({host}); not followed.")
    if link in seen:
        raise _wrong("The price list links back to a page that was already read.")


def _page(text: str, endpoints: AzureEndpoints, wanted: PriceFilter) -> _Page:
    place = retail_prices(endpoints)
    try:
        body = json.loads(text, parse_float=Decimal)
    except ValueError as error:
        says = f"{place.service} broke off its answer: what came is not JSON."
        raise Transient(says, service=place.service) from error
    items = body.get("Items") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise _wrong("The price list came without 'Items'.")
    link = body.get("NextPageLink") or None
    if link is not None and not isinstance(link, str):
        raise _wrong("The price list's 'NextPageLink' is not text.")
    # As it stands in the answer: the link and the count beside it differ from page to page.
    said = text[text.index('"Items"') : text.rindex("]")]
    digest = sha256(said.encode()).hexdigest()
    return _Page(tuple(_price(item, wanted.currency) for item in items), link, digest)


def _price(item: object, currency: str) -> RetailPrice:
    if not isinstance(item, dict):
        raise _wrong("A row of the price list is not an object.")
    found = _text(item, "currencyCode")
    if found != currency:
        says = f"The price list gave {found} for meter {_text(item, 'meterId')}, not {currency}."
        raise _wrong(says)
    return RetailPrice(
        meter_id=_text(item, "meterId"),
        sku_id=_text(item, "skuId"),
        product_id=_text(item, "productId"),
        meter_name=_text(item, "meterName"),
        sku_name=_text(item, "skuName"),
        product_name=_text(item, "productName"),
        service_name=_text(item, "serviceName"),
        region=_text(item, "armRegionName"),
        arm_sku_name=_text(item, "armSkuName"),
        unit_of_measure=_text(item, "unitOfMeasure"),
        currency=found,
        retail_price=_decimal(item, "retailPrice"),
        unit_price=_decimal(item, "unitPrice"),
        tier_minimum_units=_decimal(item, "tierMinimumUnits"),
        effective_start=_instant(item, "effectiveStartDate"),
        price_type=_text(item, "type"),
        # Only reservations have a term, and only they carry the field.
        reservation_term=_text(item, "reservationTerm") if "reservationTerm" in item else "",
        is_primary_region=_value(item, "isPrimaryMeterRegion", bool),
    )


def _text(item: Mapping[str, object], field: str) -> str:
    return _value(item, field, str)


def _decimal(item: Mapping[str, object], field: str) -> Decimal:
    value = item.get(field)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _missing(item, field)
    return Decimal(value)


def _instant(item: Mapping[str, object], field: str) -> datetime:
    try:
        at = datetime.fromisoformat(_text(item, field))
    except ValueError as error:
        raise _missing(item, field) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _value(item: Mapping[str, object], field: str, kind: type[T]) -> T:
    value = item.get(field)
    if not isinstance(value, kind):
        raise _missing(item, field)
    return value


def _missing(item: Mapping[str, object], field: str) -> Permanent:
    meter = item.get("meterId") or item.get("meterName") or "?"
    return _wrong(f"The price list's row of meter {meter} has no usable '{field}'.")


def _any(field: str, values: tuple[str, ...]) -> str:
    for value in values:
        if _PLAIN.fullmatch(value) is None:
            raise _wrong(f"{value!r} cannot stand in a filter of the price list.")
    alternatives = " or ".join(f"{field} eq '{value}'" for value in values)
    return f"({alternatives})" if len(values) > 1 else alternatives


def _wrong(says: str) -> Permanent:
    return Permanent(says, service=Service.RETAIL_PRICES)
