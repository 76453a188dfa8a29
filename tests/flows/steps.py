"""The steps of the data's way, as beat or a person would run them, in both tenants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from billing import rating, usage
from billing.prices import catalogue, mapping
from billing.prices.catalogue import Loaded
from billing.rating import Rated
from billing.rules.windows import Lane
from billing.usage import Pace
from governance import enforcement
from governance.enforcement import Done
from governance.limits import quotas
from governance.models import EnforcementSettings, Hardness
from inventory import sync
from inventory.models import Subscription
from portal.demo import setting
from portal.embedded import Role
from simulator.setting import CONTOSO, FABRIKAM, Tenant
from tenancy import scope, tenants
from tenancy.runs import Contention
from tenancy.scope import TenantRef
from tests import bed
from tests.azure import AT, Azure

LIST = ("billing_meter", "billing_price")
GATEWAYS = {"contoso": "apim-contoso", "fabrikam": "apim-fabrikam"}
#: How much is read at once.
USUAL = Pace()
SIMULATED: dict[str, Tenant] = {"contoso": CONTOSO, "fabrikam": FABRIKAM}


@dataclass(frozen=True)
class Steps:
    """One tenant's steps. All take over, as a person's command does, unless told otherwise."""

    azure: Azure
    ref: TenantRef
    gateway: str

    @property
    def simulated(self) -> Tenant:
        """The same tenant as Azure has it."""
        return SIMULATED[self.ref.slug]

    def inventory(self, *, at: datetime = AT) -> None:
        """Read the inventory."""
        sync.sync(self.ref, self.gateway, at=at, contention=Contention.TAKE_OVER)

    def usage(
        self,
        *,
        at: datetime = AT,
        contention: Contention = Contention.TAKE_OVER,
        lane: Lane | None = None,
        span: tuple[datetime, datetime] | None = None,
        pace: Pace = USUAL,
    ) -> int:
        """Read the usage; how many rows changed."""
        return usage.sync(
            self.ref,
            self.gateway,
            at=at,
            contention=contention,
            lane=lane,
            span=span,
            pace=pace,
        )

    def map(self) -> int:
        """Map meters by the tenant's rule; how many were."""
        return mapping.sync(self.ref, at=AT, contention=Contention.TAKE_OVER)

    def rate(self, *, contention: Contention = Contention.TAKE_OVER) -> Rated:
        """Rate what changed."""
        return rating.rate(self.ref, contention=contention)

    def enforce(self, *, at: datetime = AT) -> tuple[Done, ...]:
        """One cycle of enforcement."""
        return enforcement.enforce(self.ref, at=at, contention=Contention.TAKE_OVER)

    def all(self) -> None:
        """From the inventory to the rated days."""
        self.inventory()
        self.usage()
        self.map()
        self.rate()

    def limit(
        self, subscription: str, amount: str, *, hard: bool = True, at: datetime = AT
    ) -> None:
        """Give one subscription a quota of its own from an instant on."""
        with scope.of(self.ref):
            quotas.set_limit(
                Subscription.objects.select_related("gateway").get(name=subscription),
                quotas.Wanted(Decimal(amount), hardness=Hardness.HARD if hard else Hardness.SOFT),
                from_instant=at,
                by="carol",
                at=at,
                reason="for this test",
            )

    def guard(self, **changed: Any) -> None:
        """Change the guards of enforcement."""
        with scope.of(self.ref):
            EnforcementSettings.objects.update(**changed)

    def spent(self, *, at: datetime = AT) -> dict[str, Decimal]:
        """By subscription, the cost of the running month."""
        with scope.of(self.ref):
            month = tenants.billing().month_at(at)
        wanted = (
            "SELECT subscription.name, spent.cost FROM billing_periodtodate spent"
            " JOIN inventory_subscription subscription ON subscription.id = spent.subscription_id"
            " WHERE spent.tenant_id = %s AND spent.first_day = %s"
        )
        return dict(rows(wanted, self.ref.id, month.first_day))

    def state(self, subscription: str) -> str:
        """What the gateway holds a subscription for."""
        held = self.azure.get(f"/subscriptions/{self.gateway}/{subscription}")
        return str(held["state"])


def settle(azure: Azure) -> None:
    """Both tenants of the simulated Azure, made and read, nothing enforced yet."""
    catalogue_sync()
    for told in azure.get("/setting")["tenants"]:
        ref = setting.make(told, password="secret-demo-1", at=AT)
        steps = Steps(azure, ref, told["service"]["name"])
        steps.inventory()
        setting.hand_over(ref, at=AT)
        steps.all()


def catalogue_sync() -> Loaded:
    """Load the price list."""
    return catalogue.sync(contention=Contention.TAKE_OVER)


def rows(query: str, *values: object) -> list[tuple[Any, ...]]:
    """What the database holds, seen past row security by its superuser."""
    with psycopg.connect(bed.url(Role.SUPERUSER)) as connection:
        return connection.execute(query.encode(), values).fetchall()


def everything(*without: str) -> dict[str, list[str]]:
    """Every row of every product table but of those named, as text in a fixed order.

    The public list is long and the same for all: see `price_list`.
    """
    return dict(_tables({*without, *LIST, "django_migrations", "django_content_type"}))


def price_list() -> tuple[str, ...]:
    """A digest of every meter and one of every price that is held."""
    digest = "SELECT md5(string_agg(row_to_json(shown)::text, '' ORDER BY id)) FROM {} shown"
    return tuple(rows(digest.format(table))[0][0] for table in LIST)


def _tables(without: set[str]) -> Iterator[tuple[str, list[str]]]:
    found = rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    for (name,) in found:
        if name not in without:
            shown = rows(f"SELECT row_to_json(shown)::text FROM {name} shown ORDER BY 1")
            yield name, [row for (row,) in shown]
