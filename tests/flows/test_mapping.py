"""Which meter prices what: proposed, confirmed by a person or the rule, and what waits for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billing import effects, preferences
from billing.models import (
    ClassUsage,
    ClosedMonth,
    DayToRate,
    Meter,
    MeterMapping,
    Price,
    RatedDay,
)
from billing.prices import mapping, meters, proposals, unpriced
from billing.prices.mapping import ALWAYS, Choice
from billing.prices.meters import OfAnotherUnit
from billing.prices.proposals import Proposed
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment, Origin
from tenancy import scope
from tenancy.models import AuditRecord, InstallationRun
from tenancy.runs import Contention
from tests.world import NOW, START, World
from tests.world_usage import BUCKET, told_of

OUTPUT, INPUT, CACHED = TokenClass.OUTPUT, TokenClass.INPUT, TokenClass.CACHED_INPUT
GLOBAL_OUT, GLOBAL_CACHED = "GPT 5.2 chat opt Gl 1M Tokens", "GPT 5.2 chat cd inp Gl 1M Tokens"
BY = "dan@example.org"


def listed(name: str, price: str, *, product: str = "Azure OpenAI GPT5", unit: str = "1M") -> Meter:
    """A meter of the world's region, with a price per million (or per its unit)."""
    meter = Meter.objects.create(
        azure_id=f"{Meter.objects.count():08}-0000-4000-8000-00000000000f",
        meter_name=name,
        product_name=product,
        sku_name=name,
        service_name="Foundry Models",
        region="swedencentral",
        unit_of_measure=unit,
    )
    Price.objects.create(
        meter=meter,
        effective_from=START,
        currency="USD",
        listed_price=Decimal(price),
        unit_of_measure=unit,
        unit_price=Decimal(price) / (1_000_000 if unit == "1M" else 1),
        run=InstallationRun.objects.get(),
    )
    return meter


def used(world: World, token_class: TokenClass, quantity: int, *, day: datetime = BUCKET) -> None:
    """Usage of Contoso's deployment by Alice's team that waits to be rated."""
    place = world.contoso
    ClassUsage.objects.create(
        series=told_of(world.search.subscription, place.deployment),
        gateway=place.gateway,
        bucket_start=day,
        subscription=world.search.subscription,
        deployment=place.deployment,
        token_class=token_class,
        quantity=quantity,
    )
    DayToRate.objects.get_or_create(day=day.date(), deployment=place.deployment)


def of_class(found: tuple[Proposed, ...], token_class: TokenClass) -> Proposed:
    return next(one for one in found if one.token_class is token_class)


def test_a_proposal_stands_beside_the_mapping_in_force(world: World) -> None:
    output = listed(GLOBAL_OUT, "14")
    with scope.of(world.contoso.ref):
        found = proposals.of_tenant(at=NOW, used={})

    assert [one.token_class for one in found] == [INPUT, OUTPUT]
    assert of_class(found, OUTPUT).meter == output
    assert of_class(found, OUTPUT).mapping is None
    held = of_class(found, INPUT)
    assert held.mapping is not None
    assert held.meter == held.mapping.meter
    assert not held.differs


def test_proposals_take_the_same_queries_however_many_deployments(
    world: World, django_assert_num_queries: object
) -> None:
    listed(GLOBAL_OUT, "14")
    with scope.of(world.contoso.ref):
        Deployment.objects.bulk_create(
            Deployment(
                gateway=world.contoso.gateway,
                host="ai-more.openai.azure.com",
                name=f"chat-{number}",
                model="gpt-5.2-chat",
                version="2025-12-11",
                sku="GlobalStandard",
                region=("swedencentral", "eastus")[number % 2],
                origin=Origin.INVENTORY,
                seen_at=NOW,
            )
            for number in range(30)
        )
        with django_assert_num_queries(3):  # type: ignore[operator]  # pytest-django's own fixture
            found = proposals.of_tenant(at=NOW, used={})
    assert len(found) > 60


def test_a_meter_that_the_list_no_longer_names_is_not_proposed(world: World) -> None:
    output = listed(GLOBAL_OUT, "14")
    Meter.objects.filter(azure_id=output.azure_id).update(vanished_at=NOW)
    with scope.of(world.contoso.ref):
        found = of_class(proposals.of_tenant(at=NOW, used={}), OUTPUT)
    assert not found.is_proposed
    assert "incomplete" in found.proposal.says


def test_the_first_mapping_counts_from_always_and_a_later_one_from_its_hour(world: World) -> None:
    first, second = listed(GLOBAL_OUT, "14"), listed("5.2 chat 0210 opt Gl 1M Tokens", "16")
    deployment = world.contoso.deployment
    with scope.of(world.contoso.ref):
        mapping.confirm(deployment, OUTPUT, first, by=BY, at=NOW, reason="It says so.")
        mapping.confirm(deployment, OUTPUT, second, by=BY, at=NOW, reason="As agreed.")
        held = [one for one in mapping.history(deployment) if one.mapping.token_class == OUTPUT]
        last = AuditRecord.objects.order_by("-number")[0]

    hour = NOW.replace(minute=0)
    assert [(one.mapping.meter, one.since, one.until) for one in held] == [
        (second, hour, None),
        (first, ALWAYS, hour),
    ]
    assert (last.actor, last.action, last.reason) == (BY, "mapping.confirm", "As agreed.")


def test_the_same_mapping_again_is_neither_audited_nor_rated(world: World) -> None:
    output, deployment = listed(GLOBAL_OUT, "14"), world.contoso.deployment
    with scope.of(world.contoso.ref):
        mapping.confirm(deployment, OUTPUT, output, by=BY, at=NOW, reason="x", from_instant=START)
        DayToRate.objects.all().delete()
        before = AuditRecord.objects.count()
        mapping.confirm(deployment, OUTPUT, output, by=BY, at=NOW, reason="y", from_instant=START)
        assert AuditRecord.objects.count() == before
        assert not DayToRate.objects.exists()


def test_many_are_confirmed_together_or_not_at_all(world: World) -> None:
    output, hosting = (
        listed(GLOBAL_OUT, "14"),
        listed("gpt-4o-0806-FT-Hstng-glbl Unit", "1.7", product="Azure OpenAI", unit="1 Hour"),
    )
    deployment = world.contoso.deployment
    good = Choice(deployment=deployment, token_class=OUTPUT, meter=output, reason="x")
    bad = Choice(deployment=deployment, token_class=CACHED, meter=hosting, reason="x")
    with scope.of(world.contoso.ref):
        before = AuditRecord.objects.count()
    with pytest.raises(OfAnotherUnit), scope.of(world.contoso.ref):
        mapping.confirm_many([good, bad], by=BY, at=NOW)
    with scope.of(world.contoso.ref):
        assert AuditRecord.objects.count() == before
        mapping.confirm_many([good], by=BY, at=NOW)
        assert AuditRecord.objects.count() == before + 1


def test_seconds_are_mapped_to_a_meter_of_hours(world: World) -> None:
    whisper = listed(
        "Speech-to-Text-Batch-Whisper-glbl Unit", "0.36", product="Azure OpenAI", unit="1 Hour"
    )
    with scope.of(world.contoso.ref):
        row = mapping.confirm(
            world.contoso.deployment, TokenClass.AUDIO_SECONDS, whisper, by=BY, at=NOW, reason="x"
        )
        used(world, TokenClass.AUDIO_SECONDS, 7200)
        effect = effects.of(
            lambda: mapping.confirm(
                world.contoso.deployment,
                TokenClass.AUDIO_SECONDS,
                None,
                by=BY,
                at=NOW,
                reason="paid for",
                from_instant=ALWAYS,
            ),
            at=NOW,
        )
    assert row.units_per_price == 3600
    assert effect.open.before - effect.open.after == Decimal("0.72")


def test_the_queue_tells_what_has_no_price_and_what_it_may_hide(world: World) -> None:
    listed(GLOBAL_OUT, "14")
    listed("5.2 chat 0210 opt Gl 1M Tokens", "16")
    with scope.of(world.contoso.ref):
        used(world, OUTPUT, 2_000_000)
        used(world, OUTPUT, 1_000_000, day=BUCKET + timedelta(days=2))
        used(world, TokenClass.PAGES, 12)
        found = {gap.used.token_class: gap for gap in unpriced.queue(at=NOW)}

    output = found[OUTPUT]
    assert (output.used.quantity, output.used.first_day, output.used.last_day) == (
        3_000_000,
        date(2026, 11, 3),
        date(2026, 11, 5),
    )
    assert output.teams == ("Search",)
    assert output.low is not None
    assert output.high is not None
    assert (output.low.amount, output.high.amount) == (Decimal(42), Decimal(42))
    assert (found[TokenClass.PAGES].low, found[TokenClass.PAGES].high) == (None, None)
    assert "Nothing is proposed" in found[TokenClass.PAGES].why


def test_two_meters_that_fit_alike_make_the_estimate_a_range(world: World) -> None:
    listed(GLOBAL_OUT, "14")
    listed("5.2 chat opt Gl 1M Tokens", "20")
    with scope.of(world.contoso.ref):
        used(world, OUTPUT, 1_000_000)
        (gap,) = (one for one in unpriced.queue(at=NOW) if one.used.token_class is OUTPUT)
    assert gap.proposed.proposal.confidence <= Decimal("0.5")
    assert gap.low is not None
    assert gap.high is not None
    assert (gap.low.amount, gap.high.amount) == (Decimal(14), Decimal(20))


def test_estimates_are_in_the_tenants_currency(world: World) -> None:
    listed(GLOBAL_OUT, "14")
    place = world.fabrikam
    with scope.of(place.ref):
        ClassUsage.objects.create(
            series=told_of(place.houses[0].subscription, place.deployment),
            gateway=place.gateway,
            bucket_start=BUCKET,
            subscription=place.houses[0].subscription,
            deployment=place.deployment,
            token_class=OUTPUT,
            quantity=1_000_000,
        )
        DayToRate.objects.get_or_create(day=BUCKET.date(), deployment=place.deployment)
        (gap,) = (one for one in unpriced.queue(at=NOW) if one.used.token_class is OUTPUT)
    assert gap.high is not None
    assert (gap.high.amount, gap.high.currency) == (Decimal("12.6"), "EUR")


def test_closed_months_are_not_in_the_queue(world: World) -> None:
    with scope.of(world.contoso.ref):
        RatedDay.objects.filter(subscription=world.search.subscription).update(
            cost=None, price=None, unit_price=None
        )
        assert [gap.used.quantity for gap in unpriced.queue(at=NOW)] == [1_000_000]
        ClosedMonth.objects.create(first_day=date(2026, 11, 1), closed_by=BY, closed_at=NOW)
        assert unpriced.queue(at=NOW) == ()


def test_what_is_confirmed_leaves_the_queue_at_once(world: World) -> None:
    output = listed(GLOBAL_OUT, "14")
    with scope.of(world.contoso.ref):
        used(world, OUTPUT, 1_000_000)
        assert OUTPUT in {gap.used.token_class for gap in unpriced.queue(at=NOW)}
        mapping.confirm(world.contoso.deployment, OUTPUT, output, by=BY, at=NOW, reason="x")
        assert OUTPUT not in {gap.used.token_class for gap in unpriced.queue(at=NOW)}


def test_the_rule_confirms_what_is_sure_enough_and_says_so(world: World) -> None:
    listed(GLOBAL_OUT, "14")
    with scope.of(world.contoso.ref):
        used(world, CACHED, 1_000)
        assert mapping.confirm_by_rule(at=NOW) == 0
        preferences.set_rule(Decimal("0.95"), by=BY, at=NOW)
        assert mapping.confirm_by_rule(at=NOW) == 1
        row = MeterMapping.objects.get(deployment=world.contoso.deployment, token_class=OUTPUT)
        assert mapping.confirm_by_rule(at=NOW) == 0
        assert not MeterMapping.objects.filter(token_class=CACHED).exists()
    assert row.confirmed_by == "rule: confidence ≥ 0.95"
    assert row.reason.startswith("Confidence 0.98: the name says gpt-5.2-chat")
    assert row.effective_from == ALWAYS


def test_the_rule_covers_what_runs_on_paid_capacity(world: World) -> None:
    with scope.of(world.contoso.ref):
        reserved = Deployment.objects.create(
            gateway=world.contoso.gateway,
            host="ai-contoso.openai.azure.com",
            name="reserved",
            model="gpt-5.2",
            version="2025-12-11",
            sku="GlobalProvisionedManaged",
            region="swedencentral",
            origin=Origin.INVENTORY,
            seen_at=NOW,
        )
        preferences.set_rule(Decimal(1), by=BY, at=NOW)
        assert mapping.confirm_by_rule(at=NOW) == 4
        rows = MeterMapping.objects.filter(deployment=reserved)
        assert {(row.token_class, row.meter_id) for row in rows} == {
            ("input", None),
            ("cached_input", None),
            ("output", None),
            ("reasoning", None),
        }


def test_a_run_of_the_rule_is_recorded_only_where_it_maps_something(world: World) -> None:
    tenant = world.contoso.ref
    assert mapping.sync(tenant, at=NOW, contention=Contention.GIVE_WAY) == 0
    with scope.of(tenant):
        preferences.set_rule(Decimal("0.95"), by=BY, at=NOW)
    listed(GLOBAL_OUT, "14")
    assert mapping.sync(tenant, at=NOW, contention=Contention.GIVE_WAY) == 1
    assert mapping.sync(tenant, at=NOW, contention=Contention.GIVE_WAY) == 0


def test_a_search_offers_meters_of_the_region_and_the_unit(world: World) -> None:
    output = listed(GLOBAL_OUT, "14")
    listed("gpt-4o-0806-FT-Hstng-glbl Unit", "1.7", product="Azure OpenAI", unit="1 Hour")
    assert meters.search("swedencentral", "5.2 OPT gl", token_class=OUTPUT) == [output]
    assert meters.search("swedencentral", "Hstng", token_class=OUTPUT) == []
    assert meters.search("eastus", "5.2", token_class=OUTPUT) == []


def test_back_dated_changes_reach_back_to_their_instant(world: World) -> None:
    other = listed("5.2 chat 0210 inp Gl 1M Tokens", "3")
    with scope.of(world.contoso.ref):
        DayToRate.objects.all().delete()
        mapping.confirm(
            world.contoso.deployment,
            INPUT,
            other,
            by=BY,
            at=NOW,
            reason="as agreed",
            from_instant=datetime(2026, 11, 1, tzinfo=UTC),
        )
        assert list(DayToRate.objects.values_list("day", flat=True)) == [BUCKET.date()]
