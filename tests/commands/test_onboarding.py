"""An operator makes a tenant and connects its gateway by two commands; each fault is named."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from billing.models import UsageWindow, WindowState
from billing.stored import hour_of
from governance import suspensions
from governance.models import EnforcementSettings, Mode
from inventory import gateways
from inventory.models import Deployment, Gateway, ModelAccount, Subscription, UsageSource
from inventory.rules.dimensions import METRIC_NAMES
from simulator.setting import CONTOSO
from tenancy import audit, clock, memberships, scope, tenants
from tenancy.models import AuditRecord, Membership, Person, Role, Tenant
from tests.azure import AT, Azure
from tests.world import START, World

TENANT = {
    "name": "Adatum",
    "currency": "EUR",
    "zone": "Europe/Berlin",
    "admin_email": "Ada@example.org",
    "admin_name": "Ada",
}
GATEWAY = {
    "tenant": "contoso",
    "azure_subscription": "6f1f8a52-0000-4000-8000-00000000000a",
    "resource_group": "rg-ai",
    "service": "apim-new",
    "workspace": "6f1f8a52-0000-4000-8000-00000000000b",
    "account": ["ai-new", "6f1f8a52-0000-4000-8000-00000000000c/rg-models/ai-far"],
}


def words(options: dict[str, Any]) -> list[str]:
    """Options as they are typed; those of several values once for each."""
    return [
        f"--{name.replace('_', '-')}={value}"
        for name, values in options.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def run(command: str, *typed: str, **options: Any) -> str:
    said = io.StringIO()
    call_command(command, *typed, *words(options), stdout=said)
    return said.getvalue()


def create(slug: str = "adatum", **changes: str) -> str:
    return run("create_tenant", slug, **(TENANT | changes))


def connect(name: str = "new", **changes: Any) -> str:
    return run("connect_gateway", name, **(GATEWAY | changes))


# --- create_tenant ----------------------------------------------------------------------------


@pytest.mark.usefixtures("db")
def test_the_administrator_of_a_new_tenant_signs_in_with_the_password_shown() -> None:
    password = create().splitlines()[-1].strip()
    person = authenticate(username="ada@example.org", password=password)
    assert isinstance(person, Person)
    assert authenticate(username="ada@example.org", password=password + "x") is None
    with scope.of(tenants.by_slug("adatum")):
        assert memberships.actor(person).role is Role.ADMIN
        billing = tenants.billing()
    assert (billing.name, billing.currency, billing.zone) == ("Adatum", "EUR", "Europe/Berlin")


@pytest.mark.usefixtures("db")
def test_a_new_tenant_begins_with_a_dry_run_that_its_admin_can_change() -> None:
    create()
    with scope.of(tenants.by_slug("adatum")):
        assert suspensions.mode() is Mode.DRY_RUN
        assert EnforcementSettings.objects.count() == 1


@pytest.mark.usefixtures("db")
def test_making_a_tenant_is_audited_without_its_password() -> None:
    password = create().splitlines()[-1].strip()
    with scope.of(tenants.by_slug("adatum")):
        record = AuditRecord.objects.get(action="tenant.create")
        assert record.after == {
            "name": "Adatum",
            "currency": "EUR",
            "zone": "Europe/Berlin",
            "admin": "ada@example.org",
        }
        assert password not in str(list(AuditRecord.objects.values()))
        assert list(audit.verify()) == []


def test_somebody_known_keeps_their_password(world: World) -> None:
    erin = world.people["erin"]
    before = erin.password
    said = create(admin_email="erin@example.org", admin_name="Somebody Else")
    erin.refresh_from_db()
    assert "signs in as before" in said
    assert (erin.password, erin.name) == (before, "Erin")
    with scope.of(tenants.by_slug("adatum")):
        assert Membership.objects.get().person == erin


def test_a_taken_slug_is_refused_and_the_tenant_stays_as_it_was(world: World) -> None:
    with pytest.raises(CommandError, match="slug: 'contoso' is taken"):
        create("contoso", currency="EUR")
    with scope.of(world.contoso.ref):
        assert tenants.billing().currency == "USD"


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"slug": "Ada tum"}, r"slug: Use lower-case letters"),
        ({"currency": "EURO"}, r"--currency: .*"),
        ({"currency": "EUQ"}, r"--currency: Use an ISO 4217 code"),
        ({"zone": "Berlin"}, r"--zone: Use an IANA time zone"),
        ({"admin_email": "ada"}, r"--admin-email: Enter a valid email address"),
        ({"admin_name": "A" * 121}, r"--admin-name: .*120"),
        ({"name": ""}, r"--name: "),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_made(changes: dict[str, str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        create(**changes)
    assert not Tenant.objects.exists()
    assert not Person.objects.exists()
    assert "Tenant adatum is there" in create()


# --- connect_gateway --------------------------------------------------------------------------


def test_a_gateway_is_connected_with_its_accounts_from_the_running_month(world: World) -> None:
    said = connect()
    assert "2 accounts" in said
    assert "manage.py sync_inventory --tenant contoso --gateway new" in said
    with scope.of(world.contoso.ref):
        ref = gateways.named("new")
        assert ref.usage_from == tenants.billing().month_at(clock.now()).start
        assert {(one.resource_group, one.account) for one in ref.accounts} == {
            ("rg-ai", "ai-new"),
            ("rg-models", "ai-far"),
        }
        assert AuditRecord.objects.filter(action="gateway.connect", subject="new").exists()
    with scope.of(world.fabrikam.ref):
        assert gateways.find("new") is None


def test_usage_is_read_from_the_local_midnight_of_the_day_given(world: World) -> None:
    connect(usage_from="2026-09-02")
    with scope.of(world.contoso.ref):
        assert gateways.named("new").usage_from == datetime(2026, 9, 1, 22, tzinfo=UTC)


def test_connecting_again_changes_the_gateway_and_keeps_its_start(world: World) -> None:
    name = world.contoso.gateway.name
    connect(name, service="apim-moved")
    with scope.of(world.contoso.ref):
        assert Gateway.objects.filter(name=name).count() == 1
        ref = gateways.named(name)
        assert (ref.apim().service, ref.usage_from) == ("apim-moved", START)


def test_only_what_is_given_changes(world: World) -> None:
    connect(usage_source="metrics", metric_dimension=["application=App name", "agent=Bot"])
    with scope.of(world.contoso.ref):
        before = gateways.named("new")
    assert before.usage_source is UsageSource.METRICS
    assert before.metric_names == {**METRIC_NAMES, "application": "App name", "agent": "Bot"}

    said = run("connect_gateway", "new", tenant="contoso", metric_dimension=["agent=", "host=Host"])

    assert "of emitted token metrics (AppMetrics)" in said
    with scope.of(world.contoso.ref):
        after = gateways.named("new")
    assert after == replace(before, metric_names={**METRIC_NAMES, "host": "Host"})


def test_a_gateway_whose_usage_is_pushed_needs_no_address(world: World) -> None:
    said = run("connect_gateway", "router", tenant="contoso", usage_source="events")
    assert "0 accounts" in said
    assert "Next: have it push its usage events" in said
    with scope.of(world.contoso.ref):
        ref = gateways.named("router")
    assert (ref.usage_source, ref.service, ref.accounts) == (UsageSource.EVENTS, None, ())


def test_another_source_is_audited_and_has_the_look_back_read_again(world: World) -> None:
    name, at = world.contoso.gateway.name, clock.now()
    with scope.of(world.contoso.ref):
        held = UsageWindow.objects.get()
        late = UsageWindow.objects.create(
            gateway=world.contoso.gateway,
            start=hour_of(at) - timedelta(hours=5),
            end=hour_of(at) - timedelta(hours=4),
            state=WindowState.COMPLETE,
            source=UsageSource.LLM_LOG,
            read_at=at,
            due_at=at + timedelta(hours=1),
        )
        UsageWindow.objects.filter(pk=held.pk).update(
            start=late.start - timedelta(days=9), end=late.end - timedelta(days=9)
        )

    def due() -> tuple[datetime | None, datetime | None]:
        with scope.of(world.contoso.ref):
            rows = UsageWindow.objects.in_bulk([held.pk, late.pk])
        return rows[held.pk].due_at, rows[late.pk].due_at

    run("connect_gateway", name, tenant="contoso", inference_url="https://gateway.example")
    assert due() == (None, at + timedelta(hours=1))

    run("connect_gateway", name, tenant="contoso", usage_source="metrics")

    long_ago, recent = due()
    assert long_ago is None
    assert recent is not None
    assert recent < at + timedelta(minutes=30)
    with scope.of(world.contoso.ref):
        record = AuditRecord.objects.filter(action="gateway.connect").latest("number")
        told = [(one or {}).get("usage_source") for one in (record.before, record.after)]
        assert told == ["llm_log", "metrics"]
        assert list(audit.verify()) == []


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--usage-source=both", "invalid choice: 'both' .choose from '?llm_log'?, '?metrics"),
        ("--metric-dimension=App name", "'App name' names none. Give one such as 'application="),
    ],
)
def test_what_is_no_source_or_dimension_is_refused_with_the_fix(
    world: World, typed: str, says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        run("connect_gateway", "new", typed, **GATEWAY)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "New!"}, r"^name: Use lower-case letters"),
        ({"azure_subscription": "six"}, r"^--azure-subscription: Use the GUID"),
        ({"resource_group": "rg/../x"}, r"--resource-group: Use the name"),
        ({"account": ["a/b"]}, r"--account: 'a/b' is neither"),
        ({"workspace": "ws"}, r"--workspace: Use the GUID"),
        ({"service": "apim new"}, r"--service: Use the name"),
        ({"inference_url": "nowhere"}, r"--inference-url: Enter a valid URL"),
        ({"account": ["six/rg/ai"]}, r"--account: 'six/rg/ai' is neither a name nor"),
        ({"credential": "nobody"}, r"no-credential: The credential 'nobody' is not in"),
        ({"tenant": "nobody"}, r"not-found: There is no such tenant"),
        ({"usage_from": "2199-01-01"}, r"--usage-from: 2199-01-01 has"),
        ({"service": ""}, r"--service: Needed unless usage is pushed .usage source 'events'"),
        ({"workspace": "", "usage_source": "metrics"}, r"--workspace: Needed unless"),
        ({"account": []}, r"--account: Name an AI account behind it"),
        ({"metric_dimension": ["app=App"]}, r"--metric-dimension: There is no dimension 'app'; "),
        (
            {"metric_dimension": ['agent=a"] | take 1']},
            r"--metric-dimension: The name of 'agent' must be letters, digits",
        ),
    ],
)
def test_a_wrong_address_is_named_and_nothing_is_connected(
    world: World, changes: dict[str, Any], says: str
) -> None:
    with scope.of(world.contoso.ref):
        before = (Gateway.objects.count(), ModelAccount.objects.count())
    with pytest.raises(CommandError, match=says):
        connect(**changes)
    with scope.of(world.contoso.ref):
        assert (Gateway.objects.count(), ModelAccount.objects.count()) == before
    assert "Gateway new of contoso" in connect()


def test_an_earlier_start_is_refused_once_usage_is_read(world: World) -> None:
    earlier = "2026-08-01"
    with pytest.raises(CommandError, match="--usage-from: Usage is read already"):
        connect(world.contoso.gateway.name, usage_from=earlier)
    assert "Gateway new of contoso" in connect(usage_from=earlier)


@pytest.mark.parametrize("text", ["1.10.2026", "soon"])
def test_a_day_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match=f"--usage-from: '{text}' is not a day"):
        connect(usage_from=text)


@pytest.mark.usefixtures("committed")
def test_what_two_commands_made_is_all_that_inventory_needs(azure: Azure) -> None:
    create("contoso", currency="USD")
    connect(
        "main",
        azure_subscription=CONTOSO.azure_subscription_id,
        resource_group=CONTOSO.resource_group,
        service=CONTOSO.service,
        workspace=CONTOSO.workspace_id,
        account=[CONTOSO.account.name],
        credential="contoso",
    )
    said = run("sync_inventory", tenant="contoso", gateway="main")
    assert f"{len(CONTOSO.account.deployments)} deployments" in said
    with scope.of(tenants.by_slug("contoso")):
        assert tenants.billing().month_at(AT).start == gateways.named("main").usage_from
        assert Subscription.objects.count() >= len(CONTOSO.subscriptions)
        assert Deployment.objects.filter(model="").count() == 0


# --- enforcement_mode -------------------------------------------------------------------------


def test_the_kill_switch_is_for_all_tenants_and_audited(world: World) -> None:
    run("enforcement_mode", "on", tenant="contoso")
    run("enforcement_mode", "off")
    for place in (world.contoso, world.fabrikam):
        with scope.of(place.ref):
            assert suspensions.mode() is Mode.OFF
            last = AuditRecord.objects.order_by("-number").first()
            assert last is not None
            assert (last.action, last.after) == ("enforcement.mode", {"mode": "off"})
    run("enforcement_mode", "on", tenant="contoso")
    with scope.of(world.fabrikam.ref):
        assert suspensions.mode() is Mode.OFF
