"""The small world every promise is tested in: two tenants, the people of both, a few rows of all.

Contoso is billed in USD in Berlin's time; Alice owns its Search team, Bob its Support team, Carol
approves, Dan is finance, Erin administers, Vic audits. Fabrikam is billed in EUR in India's time;
Mallory administers it and has no business in Contoso; Nadia approves there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from django.test import Client

from billing.models import (
    BillingSettings,
    CapacityDay,
    CapacityMapping,
    ClosedMonth,
    DayToRate,
    ExchangeRate,
    Meter,
    MeterMapping,
    Price,
    PriceChange,
    PriceDecision,
    PriceSheet,
    Reservation,
    ReservationDay,
    SheetLine,
    UsageFeed,
)
from billing.rules.token_classes import TokenClass
from governance.models import Action, ActionOutcome, EnforcementSettings, Quota, Suspension, Verb
from inventory.models import (
    CostCenter,
    Deployment,
    DeploymentState,
    Gateway,
    GatewayState,
    ModelAccount,
    Origin,
    Ownership,
    Part,
    Product,
    Subscription,
    Team,
    TeamMember,
)
from tenancy import audit, clock, scope, tenants, tokens
from tenancy.models import InstallationRun, Membership, Outcome, Person, Role, Run
from tenancy.scope import TenantRef
from tests import world_notices, world_requests, world_usage
from tests.world_usage import LONG_AGO

NOW = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)
START = datetime(2026, 9, 1, tzinfo=UTC)
SUSPECT_FROM = datetime(2026, 9, 15, tzinfo=UTC)


class Browser(Client):
    """A browser in which one person is signed in; `get` and `post` take the whole path."""

    def __init__(self, person: Person) -> None:
        super().__init__()
        self.person = person
        self.force_login(person)


@dataclass(frozen=True)
class Prices:
    """The public price list: the same for every tenant. ``suspect`` is dearer by a thousand."""

    meter: Meter
    price: Price
    suspect: Price


@dataclass(frozen=True)
class House:
    """One team and what it owns."""

    team: Team
    subscription: Subscription
    quota: Quota


@dataclass(frozen=True)
class Place:
    """One tenant with its rows."""

    ref: TenantRef
    gateway: Gateway
    product: Product
    deployment: Deployment
    houses: tuple[House, House]

    @property
    def home(self) -> str:
        """The address below which the tenant's pages are."""
        return f"/t/{self.ref.slug}/"


@dataclass(frozen=True)
class World:
    """Both tenants. People are reached by name, each with a browser of their own."""

    contoso: Place
    fabrikam: Place
    people: dict[str, Person]

    @property
    def search(self) -> House:
        """Alice's team."""
        return self.contoso.houses[0]

    @property
    def support(self) -> House:
        """Bob's team."""
        return self.contoso.houses[1]

    @cached_property
    def alice(self) -> Browser:
        return Browser(self.people["alice"])

    @cached_property
    def bob(self) -> Browser:
        return Browser(self.people["bob"])

    @cached_property
    def carol(self) -> Browser:
        return Browser(self.people["carol"])

    @cached_property
    def dan(self) -> Browser:
        return Browser(self.people["dan"])

    @cached_property
    def erin(self) -> Browser:
        return Browser(self.people["erin"])

    @cached_property
    def vic(self) -> Browser:
        return Browser(self.people["vic"])

    @cached_property
    def mallory(self) -> Browser:
        return Browser(self.people["mallory"])

    def token(self, name: str, *scopes: str, place: Place | None = None) -> str:
        """The text of a new API token of a person, of all scopes unless some are named."""
        at = place or (self.fabrikam if name == "mallory" else self.contoso)
        with scope.of(at.ref):
            return tokens.issue(
                self.people[name],
                name=f"{name}'s token",
                scopes=scopes or tokens.SCOPES,
                at=clock.now(),
                lasts=timedelta(hours=1),
            ).text


def build() -> World:
    """Both tenants, in whatever transaction is open."""
    names = ("alice", "bob", "carol", "dan", "erin", "vic", "mallory", "nadia")
    people = {
        name: Person.objects.create_person(f"{name}@example.org", name=name.capitalize())
        for name in names
    }
    prices = _prices()
    roles = {
        "alice": Role.TEAM_OWNER,
        "bob": Role.TEAM_OWNER,
        "carol": Role.APPROVER,
        "dan": Role.FINANCE,
        "erin": Role.ADMIN,
        "vic": Role.AUDITOR,
    }
    contoso = _place(
        tenants.create("contoso", name="Contoso", currency="USD", zone="Europe/Berlin"),
        prices,
        roles={people[name]: role for name, role in roles.items()},
        owners={"search": people["alice"], "support": people["bob"]},
    )
    fabrikam = _place(
        tenants.create("fabrikam", name="Fabrikam", currency="EUR", zone="Asia/Kolkata"),
        prices,
        roles={people["mallory"]: Role.ADMIN, people["nadia"]: Role.APPROVER},
        owners={"pune": people["mallory"], "kochi": people["mallory"]},
    )
    return World(contoso, fabrikam, people)


def _prices() -> Prices:
    run = InstallationRun.objects.create(
        step="sync_prices",
        outcome=Outcome.SUCCEEDED,
        started_at=START,
        beat_at=START,
        finished_at=START,
    )
    meter = Meter.objects.create(
        azure_id="0b0e5d1f-0000-4000-8000-000000000001",
        meter_name="gpt 5.2 chat Inp glbl Tokens",
        product_name="Azure OpenAI",
        sku_name="gpt 5.2 chat Inp glbl",
        service_name="Foundry Models",
        region="swedencentral",
        unit_of_measure="1M",
    )
    price = Price.objects.create(
        meter=meter,
        effective_from=START,
        currency="USD",
        listed_price=Decimal("1.75"),
        unit_of_measure="1M",
        unit_price=Decimal("0.00000175"),
        run=run,
    )
    suspect = Price.objects.create(
        meter=meter,
        effective_from=SUSPECT_FROM,
        currency="USD",
        listed_price=Decimal(1750),
        unit_of_measure="1M",
        unit_price=Decimal("0.00175"),
        doubts=[{"rule": "jump", "says": "1,000 times the price of before."}],
        run=run,
    )
    PriceChange.objects.create(run=run, kind=PriceChange.Kind.NEW_METER, meter=meter, price=price)
    PriceChange.objects.create(
        run=run, kind=PriceChange.Kind.NEW_PRICE, meter=meter, price=suspect, before=price
    )
    return Prices(meter, price, suspect)


def _place(
    ref: TenantRef, prices: Prices, *, roles: dict[Person, Role], owners: dict[str, Person]
) -> Place:
    with scope.of(ref):
        for person, role in roles.items():
            Membership.objects.create(person=person, role=role)
        gateway = _gateway(ref)
        product = Product.objects.create(
            gateway=gateway, name="gold", display_name=f"Gold of {ref.slug}", seen_at=NOW
        )
        Quota.objects.create(
            product=product,
            limit=Decimal(20),
            effective_from=START,
            set_by="erin@example.org",
            recorded_at=START,
        )
        deployment = Deployment.objects.create(
            gateway=gateway,
            host=f"ai-{ref.slug}.openai.azure.com",
            name="gpt-5.2-chat",
            model="gpt-5.2-chat",
            version="2025-12-11",
            sku="GlobalStandard",
            region="swedencentral",
            origin=Origin.INVENTORY,
            seen_at=NOW,
        )
        DeploymentState.objects.create(
            deployment=deployment, from_instant=START, sku="GlobalStandard", capacity=100
        )
        _rating_choices(deployment, prices)
        _capacity(deployment, prices)
        first, second = (
            _house(slug, owner, gateway, product, deployment, prices)
            for slug, owner in owners.items()
        )
        _ledgers(gateway, deployment, next(iter(roles)))
        world_usage.reading(gateway)
        _enforced(second)
        world_notices.told(second.team, owners[second.team.slug], at=NOW)
        world_requests.requests(
            (first.team, first.subscription),
            (second.team, second.subscription),
            asks=(owners[first.team.slug], owners[second.team.slug]),
            approves=next(one for one, role in roles.items() if role is Role.APPROVER),
        )
        return Place(ref, gateway, product, deployment, (first, second))


def _gateway(ref: TenantRef) -> Gateway:
    gateway = Gateway.objects.create(
        name=f"apim-{ref.slug}",
        azure_subscription_id=f"11e0f7aa-5b7d-4c55-8a10-{ref.id:012}",
        resource_group="rg-ai",
        service=f"apim-{ref.slug}",
        workspace_id=f"d4b6a1f2-7c3e-4f90-b1a5-{ref.id:012}",
        credential=ref.slug,
        usage_from=START,
    )
    ModelAccount.objects.create(
        gateway=gateway,
        azure_subscription_id=gateway.azure_subscription_id,
        resource_group="rg-ai",
        account=f"ai-{ref.slug}",
    )
    UsageFeed.objects.create(gateway=gateway, through=NOW - timedelta(minutes=20))
    return gateway


def _rating_choices(deployment: Deployment, prices: Prices) -> None:
    ExchangeRate.objects.create(
        from_currency="USD",
        to_currency="EUR",
        rate=Decimal("0.9"),
        effective_from=START,
        source="European Central Bank, reference rate",
    )
    BillingSettings.objects.create()
    MeterMapping.objects.create(
        deployment=deployment,
        token_class=TokenClass.INPUT,
        meter=prices.meter,
        effective_from=START,
        confirmed_by="erin@example.org",
        reason="The name says it.",
    )
    PriceDecision.objects.create(
        price=prices.suspect,
        verdict=PriceDecision.Verdict.REJECTED,
        decided_by="erin@example.org",
        decided_at=NOW,
        reason="The list is wrong by a thousand.",
    )
    sheet = PriceSheet.objects.create(
        name="Pilot",
        effective_from=START,
        effective_until=START,
        source="Withdrawn on the day it was made.",
        applied_by="erin@example.org",
        applied_at=NOW,
    )
    SheetLine.objects.create(sheet=sheet, number=1, kind=SheetLine.Kind.DISCOUNT, percent=10)
    SheetLine.objects.create(sheet=sheet, number=2, kind=SheetLine.Kind.MARKUP, percent=0)
    ClosedMonth.objects.create(
        first_day=date(2026, 8, 1), closed_by="erin@example.org", closed_at=NOW
    )


def _capacity(deployment: Deployment, prices: Prices) -> None:
    """A month's reservation that is over: a day of it half used, and an hour beyond it."""
    CapacityMapping.objects.create(
        deployment=deployment,
        sku="GlobalProvisionedManaged",
        meter=prices.meter,
        effective_from=START,
        confirmed_by="erin@example.org",
        reason="The name says it.",
    )
    reservation = Reservation.objects.create(
        name="Pilot",
        units=50,
        scope="global",
        region="swedencentral",
        term="1 Month",
        starts_at=START,
        ends_at=START + timedelta(days=30),
        unit_price=Decimal(260),
        currency="USD",
        source="The price list.",
        purchased_by="erin@example.org",
        purchased_at=START,
    )
    rate, line = ExchangeRate.objects.get(), SheetLine.objects.get(number=1)
    day = {"day": LONG_AGO.date(), "deployment": deployment, "kind": "provisioned"}
    CapacityDay.objects.create(**day, reservation=reservation, unit_minutes=36_000, cost=0)
    CapacityDay.objects.create(
        **day,
        price=prices.price,
        sheet_line=line,
        markup_line=line,
        exchange_rate=rate,
        unit_price=1,
        price_currency="USD",
        unit_minutes=60,
        list_cost=1,
        cost=1,
    )
    for user in (deployment, None):
        ReservationDay.objects.create(
            day=LONG_AGO.date(),
            reservation=reservation,
            deployment=user,
            exchange_rate=rate,
            unit_minutes=36_000,
            amount=Decimal("216.666666666666666667"),
            cost=Decimal("216.666666666666666667"),
        )


def _house(
    slug: str,
    owner: Person,
    gateway: Gateway,
    product: Product,
    deployment: Deployment,
    prices: Prices,
) -> House:
    center = CostCenter.objects.create(code=f"CC-{slug}", name=f"Cost center of {slug}")
    team = Team.objects.create(slug=slug, name=slug.capitalize(), cost_center=center)
    TeamMember.objects.create(team=team, person=owner, part=Part.OWNER)
    subscription = Subscription.objects.create(
        gateway=gateway,
        name=f"key-{slug}",
        display_name=f"Key of {slug}",
        product=product,
        state=GatewayState.ACTIVE,
        origin=Origin.INVENTORY,
        seen_at=NOW,
    )
    Ownership.objects.create(
        subscription=subscription,
        team=team,
        cost_center=center,
        environment="production",
        application=f"Assistant of {slug}",
        from_day=START.date(),
        recorded_at=START,
        recorded_by="erin@example.org",
    )
    quota = Quota.objects.create(
        subscription=subscription,
        limit=Decimal(5),
        effective_from=START,
        set_by="erin@example.org",
        reason="First limit.",
        recorded_at=START,
    )
    world_usage.consumption(subscription, deployment, prices.price)
    return House(team, subscription, quota)


def _ledgers(gateway: Gateway, deployment: Deployment, person: Person) -> None:
    DayToRate.objects.create(day=NOW.date(), deployment=deployment)
    Run.objects.create(
        step="sync_usage",
        subject=gateway.name,
        outcome=Outcome.SUCCEEDED,
        started_at=NOW,
        beat_at=NOW,
        finished_at=NOW,
    )
    audit.record("gateway.connect", gateway.name, by="erin@example.org", at=NOW, after={"a": 1})
    tokens.issue(
        person, name="nightly export", scopes=("read:costs",), at=NOW, lasts=timedelta(days=30)
    )


def _enforced(house: House) -> None:
    """Enforcement on, and the second team's key suspended once and served again."""
    EnforcementSettings.objects.create()
    evidence = {"spend": "5.10", "limit": "5"}
    Action.objects.create(
        subscription=house.subscription,
        verb=Verb.SUSPEND,
        quota=house.quota,
        reason="Spend reached the limit.",
        evidence=evidence,
        outcome=ActionOutcome.DONE,
        intended_at=NOW,
        finished_at=NOW,
    )
    Suspension.objects.create(
        subscription=house.subscription,
        reason="Spend reached the limit.",
        evidence=evidence,
        since=NOW - timedelta(days=40),
        lifted_at=NOW - timedelta(days=19),
        lifted_because="A new month began.",
    )
