"""Who wants to know is written to when a load changes a price in use: once, and tried again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from billing import preferences
from billing.models import MeterMapping, Price, PriceChange
from billing.prices import notices
from billing.prices.notices import NotSent
from tenancy import runs, scope
from tenancy.models import InstallationRun, Run
from tenancy.runs import Contention
from tests import mail
from tests.mail import Mailbox
from tests.world import NOW, Place, World

DAN = "dan@example.org"


@pytest.fixture
def box(settings: Any) -> Iterator[Mailbox]:
    """A mail server that the settings name."""
    with mail.server() as opened:
        url = f"smtp://127.0.0.1:{opened.port}"
        settings.APPORTION = settings.APPORTION.model_copy(update={"email_url": url})
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", opened.port
        yield opened


@pytest.fixture
def told(committed_world: World, box: Mailbox) -> World:
    """Contoso wants to know, Fabrikam does not."""
    with scope.of(committed_world.contoso.ref):
        preferences.set_price_news([DAN, "", DAN, "erin@example.org"], by="dan", at=NOW)
    return committed_world


def send(place: Place) -> int:
    return notices.send(place.ref, contention=Contention.TAKE_OVER)


def load(price: str) -> None:
    """A newer load that changes the world's one meter."""
    run = InstallationRun.objects.create(
        step="sync_prices", outcome="succeeded", started_at=NOW, beat_at=NOW, finished_at=NOW
    )
    old = Price.objects.filter(doubts=[]).latest("id")
    new = Price.objects.create(
        meter=old.meter,
        effective_from=NOW,
        currency="USD",
        listed_price=Decimal(price),
        unit_of_measure="1M",
        unit_price=Decimal(price) / 1_000_000,
        run=run,
    )
    PriceChange.objects.create(
        run=run,
        kind=PriceChange.Kind.NEW_PRICE,
        meter=old.meter,
        price=new,
        before=old,
        detail={"ratio": "1.2"},
    )


def told_loads(place: Place) -> list[tuple[str, int | None]]:
    with scope.of(place.ref):
        found = Run.objects.filter(step=notices.STEP).order_by("id")
        return [(run.outcome, run.detail.get("load")) for run in found]


def test_a_load_is_told_once_to_those_who_want_to_know(told: World, box: Mailbox) -> None:
    assert send(told.contoso) == 2

    assert box.envelopes == [[DAN, "erin@example.org"]]
    message = box.messages[0]
    assert message["Subject"] == "Contoso: 2 changes of prices in use, 1 held back"
    for kind in ("plain", "html"):
        text = box.part(kind)
        assert "gpt 5.2 chat Inp glbl Tokens" in text
        assert "1750 USD per 1M" in text
        assert "1,000 times the price of before." in text

    assert send(told.contoso) == 0
    assert (send(told.fabrikam), len(box.messages)) == (0, 1)
    load("2.1")
    assert send(told.contoso) == 2
    assert "1.75 USD -> 2.1 USD per 1M from 20 November 2026 (× 1.2)" in box.part("plain")
    assert "1750" not in box.part("plain")
    numbers = [number for _, number in told_loads(told.contoso)]
    assert numbers == sorted(set(numbers), key=lambda number: number or 0)


def test_a_mail_that_did_not_go_is_tried_again_with_what_came_since(
    told: World, box: Mailbox
) -> None:
    box.refusing = True
    with pytest.raises(NotSent, match="try again later"):
        send(told.contoso)
    load("2.1")
    box.refusing = False

    assert send(told.contoso) == 2

    assert [outcome for outcome, _ in told_loads(told.contoso)] == ["failed", "succeeded"]
    assert "2.1 USD per 1M" in box.part("plain")
    assert send(told.contoso) == 0


def test_what_no_mapping_uses_is_no_news(told: World, box: Mailbox) -> None:
    with scope.of(told.contoso.ref):
        MeterMapping.objects.all().delete()

    assert (send(told.contoso), send(told.contoso), box.messages) == (0, 0, [])
    assert len(told_loads(told.contoso)) == 1


def test_without_a_mail_server_nothing_is_recorded(committed_world: World, settings: Any) -> None:
    with scope.of(committed_world.contoso.ref):
        preferences.set_price_news([DAN], by="dan", at=NOW)

    assert send(committed_world.contoso) == 0

    assert told_loads(committed_world.contoso) == []


def test_a_server_that_is_not_there_is_said_so(told: World, box: Mailbox, settings: Any) -> None:
    settings.EMAIL_PORT = 1

    with pytest.raises(NotSent, match="refused"):
        send(told.contoso)

    with scope.of(told.contoso.ref):
        last = runs.latest(notices.STEP)
    assert last is not None
    assert (last.outcome, last.error_code) == ("failed", "mail-not-sent")


MANY = [f"a{number}@example.org" for number in range(21)]


@pytest.mark.parametrize(
    "given", [["no address"], ["a@b"], ["dan@example.org\nBcc: x@example.org"], MANY]
)
def test_what_is_no_address_is_refused(world: World, given: list[str]) -> None:
    with scope.of(world.contoso.ref):
        with pytest.raises(ValidationError):
            preferences.set_price_news(given, by="dan", at=NOW)
        assert preferences.price_news_to() == ()
