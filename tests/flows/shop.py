"""A short price list of a service of its own: what it holds, what is held of it, and what came."""

from __future__ import annotations

from typing import Any

from tests.azure import Azure
from tests.flows.steps import rows

LIST = "/api/retail/prices"
SERVICE = "Loopback Models"
COUNT = 12
LATER = "2026-07-01T00:00:00Z"
#: Meters of one family, whose names can be read.
FAMILY = "Azure OpenAI"


def put(azure: Azure, meter: int | str, price: str, **more: Any) -> None:
    """One item of the service."""
    name = f"Model {meter} inp Gl 1M Tokens" if isinstance(meter, int) else meter
    wanted = {
        "meterName": name,
        "productName": "Loopback",
        "serviceName": SERVICE,
        "armRegionName": "swedencentral",
        "retailPrice": float(price),
        "effectiveStartDate": "2026-01-01T00:00:00Z",
    }
    azure.control.put("/prices", json=wanted | more).raise_for_status()


def take_off(azure: Azure, meter: int | str) -> None:
    """Take a meter off the list."""
    name = f"Model {meter} inp Gl 1M Tokens" if isinstance(meter, int) else meter
    wanted = {"meterName": name, "serviceName": SERVICE}
    azure.control.request("DELETE", "/prices", json=wanted).raise_for_status()


def restate(azure: Azure, meter: int, price: str, **more: Any) -> None:
    """Another price of the same start in the place of the one listed."""
    take_off(azure, meter)
    put(azure, meter, price, **more)


def prices() -> list[tuple[Any, ...]]:
    """Every price that is held, in order."""
    return rows(
        "SELECT meter.azure_id, meter.meter_name, price.effective_from, price.unit_price,"
        "       price.run_id"
        "  FROM billing_price price JOIN billing_meter meter ON meter.id = price.meter_id"
        " ORDER BY 2, 3, 5, price.tier_minimum_units, price.reservation_term, price.currency"
    )


def in_force() -> dict[str, str]:
    """By meter's name, the believed price of the list per its unit, as text."""
    found = rows(
        "SELECT DISTINCT ON (meter.id) meter.meter_name, trim_scale(price.listed_price)::text"
        "  FROM billing_price price JOIN billing_meter meter ON meter.id = price.meter_id"
        " WHERE price.doubts = '[]' AND price.currency = 'USD' AND price.tier_minimum_units = 0"
        "   AND price.price_type = 'Consumption'"
        " ORDER BY meter.id, price.effective_from DESC, price.run_id DESC"
    )
    return dict(found)


def changes() -> list[tuple[Any, ...]]:
    """Kind, meter's name and detail of every change of the newest load that brought any."""
    return rows(
        "SELECT change.kind, meter.meter_name, change.detail"
        "  FROM billing_pricechange change JOIN billing_meter meter ON meter.id = change.meter_id"
        " WHERE change.run_id = (SELECT max(run_id) FROM billing_pricechange)"
        " ORDER BY 1, 2, change.id"
    )


def doubts() -> dict[str, set[str]]:
    """By meter's name, the rules that its prices break."""
    found = rows(
        "SELECT meter.meter_name, doubt ->> 'rule'"
        "  FROM billing_price price JOIN billing_meter meter ON meter.id = price.meter_id,"
        "       jsonb_array_elements(price.doubts) doubt"
    )
    broken: dict[str, set[str]] = {}
    for name, rule in found:
        broken.setdefault(name, set()).add(rule)
    return broken


def ledger() -> tuple[Any, ...]:
    """Outcome, error and details of the newest load."""
    query = "SELECT outcome, error, detail FROM tenancy_installationrun ORDER BY id DESC LIMIT 1"
    return rows(query)[0]
