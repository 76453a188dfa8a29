"""An invented price list of any length, served over TLS on loopback as Azure serves its own.

Meters have the names, units and prices of the published list, each in as many invented regions as
the length asks for, so that the product reads them as it reads real ones.
"""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from simulator import certificates

SERVICE = "Foundry Models"
PAGE = 1_000
_PUBLISHED = Path(__file__).parent.parent / "simulator/data/retail-prices-2026-08-meters.ndjson.gz"
_NAMES = uuid.UUID("6a3b8a0e-2c55-5a0a-9f0e-9a1c1f0c7b3d")
_FIRST, _CHANGED = "2026-03-01T00:00:00Z", "2026-10-01T00:00:00Z"


class Listed(NamedTuple):
    """A price of the list, per its unit of measure."""

    meter_id: str
    product: str
    name: str
    region: str
    unit: str
    price: Decimal
    since: str


def invented(count: int) -> list[Listed]:
    """So many meters, region after region, each region with all names and its own level."""
    names = _published()
    return [
        Listed(
            meter_id=str(uuid.uuid5(_NAMES, str(number))),
            product=product,
            name=name,
            region=region(number // len(names)),
            unit=unit,
            price=price * (100 + number // len(names) % 5) / 100,
            since=_FIRST,
        )
        for number in range(count)
        for (product, name, unit), price in [names[number % len(names)]]
    ]


def region(number: int) -> str:
    """The name of an invented region."""
    return f"region{number:03}"


def with_changes(listed: list[Listed], *, every: int) -> list[Listed]:
    """The list with a new price, a tenth higher, for every so-many-th meter."""
    return [
        one._replace(price=one.price * 11 / 10, since=_CHANGED) if number % every == 0 else one
        for number, one in enumerate(listed)
    ]


class Server:
    """Serves whichever list was published last."""

    def __init__(self, port: int) -> None:
        self.url = f"https://localhost:{port}/api/retail/prices"
        self._pages: list[bytes] = []

    def publish(self, listed: list[Listed]) -> None:
        """Serve this list from now on."""
        self._pages = [
            _page(listed[start : start + PAGE], self._link(start + PAGE, len(listed)))
            for start in range(0, len(listed), PAGE)
        ]

    def page(self, skip: int) -> bytes:
        """The page that begins after so many prices; an empty one after the last."""
        number = skip // PAGE
        return self._pages[number] if number < len(self._pages) else _page([], None)

    def _link(self, skip: int, count: int) -> str | None:
        return f"{self.url}?$skip={skip}" if skip < count else None


@dataclass(frozen=True)
class Served:
    """Where the list is, and the certificate authority that its clients have to trust."""

    server: Server
    ca_bundle: Path


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A server for as long as the block lasts."""
    issued = certificates.issue(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.chain, issued.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as http:
        http.socket = context.wrap_socket(http.socket, server_side=True)
        _Answer.server_of_list = Server(http.server_port)
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        try:
            yield Served(_Answer.server_of_list, issued.ca_bundle)
        finally:
            http.shutdown()
            thread.join()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_list: Server

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        body = self.server_of_list.page(int(asked.get("$skip", ["0"])[0]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _published() -> list[tuple[tuple[str, str, str], Decimal]]:
    """Product, name and unit of each published meter, with its price where it is listed first."""
    found: dict[tuple[str, str, str], Decimal] = {}
    with gzip.open(_PUBLISHED, "rt") as lines:
        for line in lines:
            row: Mapping[str, str] = json.loads(line, parse_float=Decimal)
            key = (row["productName"], row["meterName"], row["unitOfMeasure"])
            found.setdefault(key, Decimal(row["retailPrice"]))
    return list(found.items())


def _page(listed: list[Listed], link: str | None) -> bytes:
    return json.dumps({"Items": [_item(one) for one in listed], "NextPageLink": link}).encode()


def _item(one: Listed) -> dict[str, object]:
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0,
        "retailPrice": float(one.price),
        "unitPrice": float(one.price),
        "armRegionName": one.region,
        "effectiveStartDate": one.since,
        "meterId": one.meter_id,
        "meterName": one.name,
        "productId": "DZH318Z0BPJG",
        "skuId": f"DZH318Z0BPJG/{one.meter_id[:4]}",
        "productName": one.product,
        "skuName": one.name,
        "serviceName": SERVICE,
        "unitOfMeasure": one.unit,
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": one.name,
    }
