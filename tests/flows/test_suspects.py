"""A suspect price counts where a person accepts it, from its start, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing import effects, price_terms
from billing.models import DayToRate, Price, PriceDecision
from billing.prices import suspects
from billing.prices.suspects import NotSuspect, State, Verdict
from tenancy import scope
from tenancy.models import AuditRecord
from tenancy.refusals import Invalid, NotFound
from tests.world import NOW, SUSPECT_FROM, Place, World
from tests.world_usage import BUCKET


@pytest.fixture
def suspect(world: World) -> Price:
    """The one suspect price there is: a thousand times the price of before."""
    return Price.objects.exclude(doubts=[]).get()


def decide(place: Place, price: Price, verdict: Verdict) -> PriceDecision:
    with scope.of(place.ref):
        return suspects.decide(
            price.pk, verdict, by="dan@example.org", at=NOW, reason="I asked Azure."
        )


def unit_price(place: Place, price: Price) -> Decimal | None:
    with scope.of(place.ref):
        return price_terms.at([price.meter_id], BUCKET)[price.meter_id].unit_price


def marked(place: Place) -> set[tuple[str, str]]:
    with scope.of(place.ref):
        found = DayToRate.objects.values_list("day", "deployment__name")
        return {(day.isoformat(), name) for day, name in found}


def test_accepting_puts_it_in_force_in_that_tenant_alone(world: World, suspect: Price) -> None:
    before = unit_price(world.fabrikam, suspect), marked(world.fabrikam)

    decide(world.contoso, suspect, Verdict.ACCEPTED)

    assert unit_price(world.contoso, suspect) == Decimal("0.00175")
    assert marked(world.contoso) >= {("2026-11-03", "gpt-5.2-chat")}
    assert (unit_price(world.fabrikam, suspect), marked(world.fabrikam)) == before
    with scope.of(world.fabrikam.ref):
        assert suspects.one(suspect.pk).state is State.REJECTED


def test_a_plan_shows_what_accepting_would_cost(world: World, suspect: Price) -> None:
    with scope.of(world.contoso.ref):
        effect = effects.of(
            lambda: suspects.decide(
                suspect.pk, Verdict.ACCEPTED, by="dan@example.org", at=NOW, reason="so"
            ),
            at=NOW,
        )
        assert suspects.one(suspect.pk).state is State.REJECTED
    assert (effect.open.before, effect.open.after) == (Decimal("3.5"), Decimal(3500))
    assert {slug for slug, _name, _sides in effect.teams} == {"search", "support"}


def test_the_same_again_changes_nothing_and_the_other_way_replaces(
    world: World, suspect: Price
) -> None:
    with scope.of(world.contoso.ref):
        records = AuditRecord.objects.count()
    assert decide(world.contoso, suspect, Verdict.REJECTED).decided_by == "erin@example.org"
    with scope.of(world.contoso.ref):
        assert AuditRecord.objects.count() == records

    decide(world.contoso, suspect, Verdict.ACCEPTED)
    decide(world.contoso, suspect, Verdict.REJECTED)

    assert unit_price(world.contoso, suspect) == Decimal("0.00000175")
    with scope.of(world.contoso.ref):
        last = AuditRecord.objects.order_by("-number").first()
        assert PriceDecision.objects.count() == 1
    assert last is not None
    assert (last.action, last.before, last.after["verdict"]) == (  # type: ignore[index]  # a dict
        "price.decide",
        {"verdict": "accepted", "by": "dan@example.org"},
        "rejected",
    )


def test_what_stands_beside_a_suspect(world: World, suspect: Price) -> None:
    with scope.of(world.contoso.ref):
        PriceDecision.objects.all().delete()
        one = suspects.one(suspect.pk)
        assert suspects.waiting() == 1
    assert one.former is not None
    assert one.former.listed_price == Decimal("1.75")
    assert (one.used, one.state, one.doubts[0].rule) == (True, State.WAITING, "jump")


def test_only_what_is_held_back_can_be_decided(world: World, suspect: Price) -> None:
    plain = Price.objects.get(doubts=[])
    with pytest.raises(NotSuspect):
        decide(world.contoso, plain, Verdict.REJECTED)
    with scope.of(world.contoso.ref):
        with pytest.raises(NotFound):
            suspects.decide(9_999_999, Verdict.ACCEPTED, by="dan", at=NOW, reason="so")
        with pytest.raises(Invalid):
            suspects.decide(suspect.pk, Verdict.ACCEPTED, by="dan", at=NOW, reason=" ")


def test_a_suspect_that_a_newer_load_states_anew_is_history(world: World, suspect: Price) -> None:
    run = type(suspect.run).objects.create(
        step="sync_prices", outcome="succeeded", started_at=NOW, beat_at=NOW, finished_at=NOW
    )
    Price.objects.create(
        meter=suspect.meter,
        effective_from=SUSPECT_FROM,
        currency="USD",
        listed_price=Decimal(2),
        unit_of_measure="1M",
        unit_price=Decimal("0.000002"),
        run=run,
    )

    with pytest.raises(NotSuspect):
        decide(world.contoso, suspect, Verdict.ACCEPTED)
    with scope.of(world.contoso.ref):
        assert list(suspects.listed()) == []
    assert unit_price(world.contoso, suspect) == Decimal("0.000002")


def test_days_before_its_start_are_not_rated_again(world: World, suspect: Price) -> None:
    with scope.of(world.contoso.ref):
        DayToRate.objects.all().delete()

    decide(world.contoso, suspect, Verdict.ACCEPTED)

    # There is usage on 3 September too, before the price begins.
    assert marked(world.contoso) == {("2026-11-03", "gpt-5.2-chat")}
    assert datetime(2026, 9, 3, tzinfo=UTC) < SUSPECT_FROM


def test_the_command_shows_the_effect_and_decides_only_when_told(
    world: World, suspect: Price
) -> None:
    asked = ["suspect_price", "--tenant", "contoso", "--reason", "I asked Azure."]
    with pytest.raises(CommandError, match="need --tenant and --reason"):
        call_command("suspect_price", "--accept", str(suspect.pk))
    out = StringIO()

    call_command(*asked, "--accept", str(suspect.pk), stdout=out)
    assert "3,500.00" in out.getvalue()
    assert unit_price(world.contoso, suspect) == Decimal("0.00000175")

    call_command(*asked, "--accept", str(suspect.pk), "--apply", stdout=out)
    assert unit_price(world.contoso, suspect) == Decimal("0.00175")

    listed = StringIO()
    call_command("suspect_price", "--tenant", "fabrikam", stdout=listed)
    assert "1.75 → 1750 USD per 1M" in listed.getvalue()
    assert "rejected, used here" in listed.getvalue()
