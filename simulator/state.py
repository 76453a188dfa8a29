"""Everything that can change while the simulator runs, and how it outlives a restart."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from simulator import traffic
from simulator.clock import Clock, Pace, iso, parse
from simulator.faults import Faults
from simulator.logs import TABLES, Logs, Origin
from simulator.metadata import Dimension, Source
from simulator.price_list import PriceList
from simulator.setting import TENANTS, Account, Deployment, Size, Tenant, Work

_JOURNAL = 20_000
_FORMAT = 4


@dataclass(slots=True)
class Knobs:
    """What a test may set; the start values are Azure's or harmless."""

    token_seconds: float = 3600.0
    propagation_seconds: float = 0.0
    ingestion_seconds: float = 0.0
    row_cap: int = 500_000
    partial_over_minutes: float = 0.0
    failed_attempts: int = 0
    metrics_delay_seconds: float = 0.0
    price_page: int = 1000
    price_order: int = 0
    list_page: int = 2
    list_rates: dict[str, float] = field(default_factory=lambda: {"EUR": 0.8625, "INR": 83.5})


@dataclass(slots=True)
class Held:
    """An APIM subscription as the service holds it now."""

    service: str
    name: str
    display_name: str
    product: str
    key: str
    created: str
    state: str = "active"
    comment: str | None = None
    version: int = 1
    changes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """What tells it from all others; Azure compares names without case."""
        return f"{self.service}/{self.name}".lower()

    def served_state(self, now: datetime) -> str:
        """The state that the gateway knows of: a change reaches it after the propagation delay."""
        known = [state for at, state in self.changes if parse(at) <= now]
        return known[-1] if known else "active"


@dataclass(frozen=True, slots=True)
class Start:
    """With what the simulator was started; a reset goes back to it."""

    size: Size
    now: datetime | None
    pace: Pace
    seed: str = "apportion"


class World:
    """The simulated Azure. Changes happen under ``lock`` and are saved at once."""

    def __init__(self, start: Start, folder: Path | None) -> None:
        self.start, self.folder = start, folder
        self.lock = threading.RLock()
        self.tenants = TENANTS
        self.azure_url = ""
        self.faults, self.prices = Faults(), PriceList()
        self.journal: deque[dict[str, Any]] = deque(maxlen=_JOURNAL)  # Any: rows of JSON
        self.rates: dict[tuple[str, str], deque[tuple[datetime, int]]] = {}
        saved = _read(folder) if folder else None
        self.logs = Logs(folder / "logs.duckdb" if folder else None)
        self.signing_key = secrets.token_hex(32)
        self._history_at: datetime | None = None
        self.knobs = Knobs()
        self.held: dict[str, Held] = {}
        self.deployments: dict[str, tuple[Deployment, ...]] = {}
        self.dimensions: dict[str, tuple[Dimension, ...]] = {}
        self.clock = Clock(start=start.now, pace=start.pace)
        if saved is None:
            self.reset()
        else:
            self._restore(saved)

    def reset(self) -> None:
        """Back to the start: same time, same history, all keys active, no faults."""
        with self.lock:
            self.clock = Clock(start=self.start.now, pace=self.start.pace)
            self.knobs = Knobs()
            self.faults.clear()
            self.journal.clear()
            self.rates.clear()
            self.prices.restore([])
            self.held = {h.id: h for tenant in self.tenants for h in _subscriptions(tenant)}
            self.deployments = {t.account.name: t.account.deployments for t in self.tenants}
            self.dimensions = {t.service: t.dimensions for t in self.tenants}
            self._make_history()
            self.save()

    def tenant(self, *, service: str) -> Tenant | None:
        """The tenant that owns a gateway."""
        return next((t for t in self.tenants if t.service.lower() == service.lower()), None)

    def account(self, tenant: Tenant) -> Account:
        """The tenant's AI account with the deployments that it has now."""
        return replace(tenant.account, deployments=self.deployments[tenant.account.name])

    def deploy(self, account: Account, deployment: Deployment) -> None:
        """Add a deployment, or change the one of that name; the order stays."""
        with self.lock:
            held = self.deployments[account.name]
            known = deployment.name in {one.name for one in held}
            changed = (deployment if one.name == deployment.name else one for one in held)
            self.deployments[account.name] = tuple(changed) if known else (*held, deployment)
            self.save()

    def remove(self, account: Account, name: str) -> None:
        """Delete a deployment."""
        with self.lock:
            held = self.deployments[account.name]
            self.deployments[account.name] = tuple(one for one in held if one.name != name)
            self.save()

    def emit(self, tenant: Tenant, dimensions: tuple[Dimension, ...]) -> None:
        """Metrics of calls from now on have these dimensions."""
        with self.lock:
            self.dimensions[tenant.service] = dimensions
            self.save()

    def empty(self, workspace: str, tables: Iterable[str] = TABLES) -> None:
        """Delete all rows of a workspace's tables; ``reset`` makes the history again."""
        with self.lock:
            self.logs.empty(workspace, tables)
            self._history_at = None

    def subscriptions(self, service: str) -> list[Held]:
        """The subscriptions of a gateway, by name."""
        owned = (h for h in self.held.values() if h.service.lower() == service.lower())
        return sorted(owned, key=lambda h: h.name)

    def subscription(self, service: str, name: str) -> Held | None:
        """One subscription of a gateway, if there is one."""
        return self.held.get(f"{service}/{name}".lower())

    def change_state(self, held: Held, state: str, comment: str | None) -> None:
        """Set a state; a new version at once, at the gateway after the propagation delay."""
        with self.lock:
            effective = self.clock.now() + timedelta(seconds=self.knobs.propagation_seconds)
            held.state, held.comment, held.version = state, comment, held.version + 1
            held.changes.append((iso(effective), state))
            self.save()

    def save(self) -> None:
        """Write the small state beside the log database, whole or not at all."""
        if self.folder is None:
            return
        with self.lock:
            text = json.dumps(self._saved(), indent=1)
            draft = self.folder / f"state.json.{os.getpid()}"
            draft.write_text(text, encoding="utf-8")
            draft.replace(self.folder / "state.json")

    def close(self) -> None:
        """Save and let go of the files."""
        self.save()
        self.logs.close()

    def _make_history(self) -> None:
        if self._history_at is not None and self._history_at == self.start.now:
            self.logs.forget(Origin.LIVE)
            return
        self.logs.forget(*Origin)
        now = self.start.now or self.clock.now()
        for tenant in self.tenants:
            calls = traffic.history(tenant, now=now, seed=self.start.seed, size=self.start.size)
            self.logs.record(calls, Origin.HISTORY)
        self._history_at = now

    def _saved(self) -> dict[str, object]:
        return {
            "format": _FORMAT,
            "size": self.start.size.value,
            "clock": {
                "pace": self.clock.pace.value,
                "at": iso(self.clock.now()),
                "real": iso(datetime.now(UTC)),
            },
            "started_at": iso(self.start.now) if self.start.now else None,
            "signing_key": self.signing_key,
            "knobs": asdict(self.knobs),
            "subscriptions": [asdict(held) for held in self.held.values()],
            "prices": self.prices.changes(),
            "deployments": {
                account: [{**asdict(one), "work": one.work.value} for one in held]
                for account, held in self.deployments.items()
            },
            "dimensions": {
                service: {one.name: one.source.value for one in held}
                for service, held in self.dimensions.items()
            },
        }

    def _restore(self, saved: dict[str, Any]) -> None:  # Any: the saved JSON
        pace, at = Pace(saved["clock"]["pace"]), parse(saved["clock"]["at"])
        if pace is Pace.RUNNING:
            at += datetime.now(UTC) - parse(saved["clock"]["real"])
        started = parse(saved["started_at"]) if saved["started_at"] else None
        self.start = Start(Size(saved["size"]), started, self.start.pace, self.start.seed)
        self.clock = Clock(start=at, pace=pace)
        self.signing_key = saved["signing_key"]
        known = {f.name for f in fields(Knobs)}
        self.knobs = Knobs(**{k: v for k, v in saved["knobs"].items() if k in known})
        self.held = {h.id: h for h in map(_held, saved["subscriptions"])}
        self.prices.restore(saved["prices"])
        self.deployments = {
            account: tuple(Deployment(**{**row, "work": Work(row["work"])}) for row in rows)
            for account, rows in saved["deployments"].items()
        }
        self.dimensions = {
            service: tuple(Dimension(name, Source(source)) for name, source in held.items())
            for service, held in saved["dimensions"].items()
        }


def _read(folder: Path) -> dict[str, Any] | None:  # Any: the saved JSON
    """What an earlier run saved; what another version saved is thrown away."""
    file = folder / "state.json"
    saved: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if saved.get("format") == _FORMAT:
        return saved
    for name in ("logs.duckdb", "logs.duckdb.wal"):
        (folder / name).unlink(missing_ok=True)
    return None


def _subscriptions(tenant: Tenant) -> list[Held]:
    return [
        Held(tenant.service, s.name, s.display_name, s.product, s.key, "2026-01-15T09:30:00Z")
        for s in tenant.subscriptions
    ]


def _held(row: dict[str, Any]) -> Held:  # Any: a row of the saved JSON
    changes = [(at, state) for at, state in row.pop("changes")]
    return Held(**row, changes=changes)
