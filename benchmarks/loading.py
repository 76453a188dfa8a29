"""Loading the price list: the product's `catalogue.sync`, over TLS, and bare COPY."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import IO, Any

import psycopg
from django.db import connection

from benchmarks import price_list
from benchmarks.price_list import Listed, Server
from benchmarks.timing import Measure, Side, in_turns, same, timed
from billing.prices import catalogue
from billing.prices.catalogue import Loaded
from billing.rules import sanity
from billing.rules.meters import reading
from billing.rules.sanity import values
from billing.rules.units import units_in
from portal.embedded import Postgres, Role
from tenancy.runs import Contention

#: One price in a hundred changes.
EVERY = 100
_COLUMNS = (
    "meter.azure_id, meter.meter_name, meter.product_name, meter.sku_name, meter.service_name,"
    " meter.region, price.price_type, price.reservation_term, price.tier_minimum_units,"
    " price.effective_from, price.currency, price.listed_price, price.unit_of_measure,"
    " price.unit_price"
)
_ROWS = (
    f"SELECT {_COLUMNS} FROM billing_price price JOIN billing_meter meter ON meter.id = meter_id"
)
_HELD = (
    "SELECT count(*), count(DISTINCT meter_id), sum(unit_price)"
    "  FROM billing_price WHERE currency = 'USD'"
)


class Loading:
    """Loads of one invented list, of the same again, and of one that changed a little."""

    def __init__(self, server: Postgres, api: Server, count: int) -> None:
        self._superuser = psycopg.connect(server.url(Role.SUPERUSER), autocommit=True)
        self._api = api
        self._list = price_list.invented(count)
        self._changed = price_list.with_changes(self._list, every=EVERY)
        self._loaded: Loaded | None = None

    @property
    def listed(self) -> list[Listed]:
        """The list, as it is invented."""
        return self._list

    def load(self) -> float:
        """Load what is published now; the seconds it took."""
        return timed(self._load)

    def publish(self) -> None:
        """Publish the list as it is at first."""
        self._api.publish(self._list)

    def measures(self) -> list[Measure]:
        """A first load, the same again, one price in a hundred new; beside COPY of the rows."""
        count = len(self._list)
        changes = len(range(0, count, EVERY))
        self._empty()
        self.publish()
        parts = self._apart()
        with tempfile.TemporaryFile() as file:
            self._copy_out(file)
            copied, first, again, changed = in_turns(
                Side("COPY", lambda: self._copy_in(file), self._make_plain, self._check_plain),
                Side("first load", self.load, self._start_over, lambda: self._check(count)),
                Side("same list", self.load, check=lambda: self._check(0)),
                Side("1 % changed", self.load, self._change, lambda: self._check(changes)),
            )
        beside = "binary COPY, plain table"
        return [
            Measure("price list: the first load", count, first, copied, beside, parts),
            Measure("price list: the same again", count, again, copied, beside),
            Measure("price list: 1 % of prices new", count, changed, copied, beside),
        ]

    def _load(self) -> None:
        self._loaded = catalogue.sync(contention=Contention.TAKE_OVER)

    def _start_over(self) -> None:
        self._empty()
        self.publish()

    def _change(self) -> None:
        self._api.publish(self._changed)

    def _empty(self) -> None:
        self._superuser.execute(
            "TRUNCATE billing_meter, billing_price, billing_pricechange CASCADE"
        )

    def _check(self, new: int) -> None:
        assert self._loaded is not None
        found = (self._loaded.items, self._loaded.new_prices, self._loaded.left_out)
        same("items, new prices, left out", found, (len(self._list), new, 0))
        expected = _sum(self._list)
        added = 0
        if new and new < len(self._list):
            changed = self._changed[::EVERY]
            expected, added = expected + _sum(changed), len(changed)
        held = self._one(_HELD)
        same("prices", held, (len(self._list) + added, len(self._list), expected))

    def _make_plain(self) -> None:
        self._superuser.execute("DROP TABLE IF EXISTS plain")
        self._superuser.execute(f"CREATE TABLE plain AS {_ROWS} WITH NO DATA".encode())

    def _copy_out(self, file: IO[bytes]) -> None:
        wanted = f"COPY ({_ROWS}) TO STDOUT (FORMAT BINARY)"
        with self._superuser.cursor().copy(wanted.encode()) as copy:
            for block in copy:
                file.write(block)

    def _copy_in(self, file: IO[bytes]) -> float:
        file.seek(0)
        started = time.perf_counter()
        with self._superuser.cursor().copy(b"COPY plain FROM STDIN (FORMAT BINARY)") as copy:
            while block := file.read(1 << 18):
                copy.write(block)
        return time.perf_counter() - started

    def _check_plain(self) -> None:
        found = self._one("SELECT count(*), sum(unit_price) FROM plain")
        same("rows of COPY", found, (len(self._list), _sum(self._list)))

    def _one(self, query: str) -> tuple[Any, ...]:
        found = self._superuser.execute(query.encode()).fetchone()
        assert found is not None
        return found

    def _apart(self) -> tuple[tuple[str, float], ...]:
        """Where the time of a first load goes: measured once, in a run that is not compared."""
        parts = _Parts()
        values.read.cache_clear()
        with (
            parts.around(catalogue, "_read", "pages over TLS, JSON"),
            parts.around(catalogue, "_rows", "prices per unit"),
            parts.around(catalogue, "_stage", "rows into the stage"),
            parts.around(sanity, "doubts", "doubts"),
            parts.around(reading, "read", "meter names read"),
            parts.statements(),
        ):
            whole = self.load()
        return parts.told(whole)


class _Parts:
    """Seconds by part; of parts within parts, each has what the inner ones do not."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._open: list[float] = []

    @contextmanager
    def around(self, module: Any, name: str, part: str) -> Iterator[None]:
        """Time every call of a module's function, or of what it yields."""
        plain = getattr(module, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            with self.of(part):
                found = plain(*args, **kwargs)
                return iter(list(found)) if isinstance(found, Iterator) else found

        setattr(module, name, counted)
        try:
            yield
        finally:
            setattr(module, name, plain)

    @contextmanager
    def statements(self) -> Iterator[None]:
        """Time the statements in files, each by what it says it does first."""

        def counted(execute: Callable[..., Any], sql: Any, *rest: Any) -> Any:
            if not str(sql).startswith("-- "):
                return execute(sql, *rest)
            with self.of(f"SQL: {str(sql).splitlines()[0][3:].split(',')[0].lower()}"):
                return execute(sql, *rest)

        with connection.execute_wrapper(counted):
            yield

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Time the block."""
        self._open.append(0)
        started = time.perf_counter()
        try:
            yield
        finally:
            whole, inner = time.perf_counter() - started, self._open.pop()
            self._seconds[part] = self._seconds.get(part, 0) + whole - inner
            if self._open:
                self._open[-1] += whole

    def told(self, whole: float) -> tuple[tuple[str, float], ...]:
        """The parts, the longest first, and what is left."""
        parts = sorted(self._seconds.items(), key=lambda part: -part[1])
        return (*parts, ("all else", whole - sum(seconds for _name, seconds in parts)))


def _sum(listed: list[Listed]) -> Decimal:
    return sum((one.price / (units_in(one.unit) or 1) for one in listed), Decimal(0))
