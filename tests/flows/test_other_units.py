"""What is not sold by the token, or not logged by the gateway: from its source to the statement."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing import statements
from billing.documents import csv as statement_csv
from billing.models import ClassUsage, Meter, MeterMapping, RatedDay, Usage
from billing.prices import mapping
from billing.rules.token_classes import TokenClass
from billing.statements import StatementView
from inventory import teams
from inventory.models import Deployment
from tenancy import audit, periods, scope
from tenancy.models import AuditRecord
from tests.azure import AT
from tests.flows.steps import Steps, everything

NOVEMBER = periods.month_of_day(date(2026, 11, 1), "Europe/Berlin")
HEAD = "Start,Gateway,Subscription,Deployment,Class,Quantity"
HOUR = "2026-11-05T09:00:00Z"
#: Class, deployment, quantity; the meter that prices it, how many units its unit holds, and what
#: that comes to by hand at the list's price.
OTHERS = [
    # 300 pictures at 4.84 USD a hundred
    ("images", "pictures", 300, "Image-Dall-E-3 Std LowRes-regnl EP Images", 1, "14.52"),
    # 5,400 seconds at 0.4356 USD an hour
    ("audio_seconds", "scribe", 5_400, "Speech-to-Text-Batch-Whisper-regnl Unit", 3600, "0.6534"),
    # 2,500 calls at 3.025 USD a thousand
    ("calls", "gpt-5-mini", 2_500, "file-search-tool-calls-rgnl Calls", 1, "7.5625"),
    # 400,000 tokens at 0.0025 USD a thousand
    ("training", "returns-tuned", 400_000, "gpt 4.1 mini dev ft training glbl Tokens", 1, "1"),
]


def lines(*rows: tuple[object, ...], start: str = HOUR) -> str:
    """A file: class, deployment and quantity of a row, all of subscription1 in one hour."""
    body = [
        f"{start},apim-contoso,subscription1,{deployment},{of},{quantity}"
        for of, deployment, quantity in rows
    ]
    return "\n".join([HEAD, *body, ""])


@pytest.fixture
def command(contoso: Steps, tmp_path: Path) -> Callable[..., str]:
    """Gives a file to the command; what it said."""

    def run(text: str, **options: Any) -> str:
        file = tmp_path / "usage.csv"
        file.write_text(text, encoding="utf-8")
        said = io.StringIO()
        call_command(
            "import_usage", str(file), tenant="contoso", stdout=said, stderr=said, **options
        )
        return said.getvalue()

    return run


@pytest.fixture
def told(contoso: Steps, command: Callable[..., str]) -> StatementView:
    """November's statement of the team of subscription1, with everything imported and mapped."""
    for name, model in (("pictures", "dall-e-3"), ("scribe", "whisper")):
        wanted = {"account": contoso.simulated.account.name, "name": name}
        more = {"model": model, "version": "001", "sku": "Standard"}
        contoso.azure.control.put("/deployments", json=wanted | more).raise_for_status()
    contoso.inventory()
    command(lines(*[(of, name, quantity) for of, name, quantity, *_ in OTHERS]), apply=True)
    with scope.of(contoso.ref):
        for of, name, _quantity, meter, units, _cost in OTHERS:
            mapping.confirm(
                Deployment.objects.get(name=name),
                TokenClass(of),
                Meter.objects.get(meter_name=meter, region="swedencentral"),
                units_per_price=units,
                by="dan",
                at=AT,
                reason="as on the invoice",
            )
    contoso.rate()
    with scope.of(contoso.ref):
        (team,) = [
            team
            for team in teams.all_of_tenant()
            if "subscription1"
            in {row.name for row in teams.subscriptions_of(team, on=date(2026, 11, 5))}
        ]
        return statements.draft(team, NOVEMBER)


def test_each_unit_is_priced_exactly_and_stands_on_the_statement(told: StatementView) -> None:
    found = {(line.token_class, line.deployment): line for line in told.lines}
    for of, name, quantity, meter, _units, cost in OTHERS:
        line = found[of, name]
        assert (line.quantity, line.meter, line.exact.amount) == (quantity, meter, Decimal(cost))
    rows = csv.DictReader(io.StringIO(statement_csv.render(told).decode("utf-8-sig")))
    units = {row["TokenClass"]: row["Unit"] for row in rows if row["Kind"] == "line"}
    assert {name: units[name] for name, *_ in OTHERS} == {
        "images": "Images",
        "audio_seconds": "Seconds",
        "calls": "Calls",
        "training": "Tokens",
    }


def test_batch_is_charged_at_its_own_price(contoso: Steps, told: StatementView) -> None:
    batch = [line for line in told.lines if line.deployment == "nightly-summaries"]
    assert {line.token_class for line in batch} == {"input", "output"}
    prices = {line.token_class: line.unit_price for line in batch}
    # 0.125 and 1.00 USD a million: half of what the same model costs at once
    assert prices == {"input": Decimal("0.000000125"), "output": Decimal("0.000001")}
    for line in batch:
        assert line.unit_price is not None
        assert line.exact.amount == line.quantity * line.unit_price


def test_embeddings_are_charged_by_their_input(contoso: Steps) -> None:
    with scope.of(contoso.ref):
        rated = RatedDay.objects.filter(deployment__name="catalogue-vectors")
        assert {row.token_class for row in rated} == {"input"}
        for row in rated.select_related("price__meter"):
            assert row.price is not None
            assert "embedding" in row.price.meter.meter_name.lower()
            assert row.cost == row.quantity * row.price.unit_price


def test_nothing_is_imported_before_the_effect_was_shown(
    contoso: Steps, command: Callable[..., str]
) -> None:
    before = everything()
    with scope.of(contoso.ref):
        row = MeterMapping.objects.filter(deployment__name="gpt-5-mini").first()
        assert row is not None
        meter = Meter.objects.get(meter_name=OTHERS[2][3], region="swedencentral")
        mapping.confirm(
            row.deployment, TokenClass.CALLS, meter, by="dan", at=row.effective_from, reason="so"
        )
    mapped = everything()
    assert mapped != before

    said = command(lines(("calls", "gpt-5-mini", 2_500)))

    assert "nothing changed yet" in said
    assert "+7.56" in said
    assert everything() == mapped


def test_importing_twice_is_importing_once_and_a_corrected_file_corrects(
    contoso: Steps, command: Callable[..., str]
) -> None:
    two = lines(("calls", "gpt-5-mini", 10), ("calls", "gpt-5.2-chat", 20))
    command(two, apply=True)
    once = everything()
    command(two, apply=True)
    assert everything() == once

    command(lines(("calls", "gpt-5-mini", 11), ("images", "gpt-5-mini", 0)), apply=True)

    with scope.of(contoso.ref):
        held = ClassUsage.objects.exclude(token_class__startswith="long_")
        assert [(row.deployment.name, row.quantity) for row in held] == [("gpt-5-mini", 11)]
        kept = AuditRecord.objects.filter(action="usage.import").order_by("number")
        assert [row.after["changed"] for row in kept if row.after] == [2, 2]
        assert not list(audit.verify())


def test_another_hour_or_class_is_left_alone(contoso: Steps, command: Callable[..., str]) -> None:
    command(lines(("calls", "gpt-5-mini", 10), ("images", "gpt-5-mini", 3)), apply=True)
    command(lines(("calls", "gpt-5-mini", 4), start="2026-11-05T10:00:00Z"), apply=True)

    with scope.of(contoso.ref):
        held = [(row.token_class, row.quantity) for row in ClassUsage.objects.all()]
    assert sorted(held) == [("calls", 4), ("calls", 10), ("images", 3)]


def test_every_fault_is_told_with_its_row_and_nothing_is_imported(contoso: Steps) -> None:
    before = everything()
    faulty = "\n".join(
        [
            HEAD,
            f"{HOUR},apim-contoso,subscription1,gpt-5-mini,calls,1",
            "2026-11-05T09:00:00,apim-contoso,subscription1,gpt-5-mini,calls,1",
            "2026-11-05T09:10:00Z,apim-contoso,subscription1,gpt-5-mini,calls,1",
            "2026-12-05T09:00:00Z,apim-contoso,subscription1,gpt-5-mini,calls,1",
            f"{HOUR},apim-fabrikam,subscription1,gpt-5-mini,calls,1",
            f"{HOUR},apim-contoso,nobody,nothing,calls,1",
            f"{HOUR},apim-contoso,subscription1,gpt-5-mini,input,1",
            f"{HOUR},apim-contoso,subscription1,gpt-5-mini,bananas,1.5",
            f"{HOUR},apim-contoso,subscription1,gpt-5-mini,calls,2",
            f"{HOUR},apim-contoso,subscription1",
        ]
    )
    said = io.StringIO()
    file = contoso.azure.credentials_file.with_name("faulty.csv")
    file.write_text(faulty, encoding="utf-8")
    with pytest.raises(CommandError):
        call_command(
            "import_usage", str(file), tenant="contoso", apply=True, stdout=said, stderr=said
        )

    told = said.getvalue()
    for fault in (
        "row 3, Start: '2026-11-05T09:00:00' has no time zone",
        "row 4, Start: is not the start of a bucket of 60 minutes",
        "row 5, Start: has not come yet",
        "row 6, Gateway: there is no 'apim-fabrikam'",
        "row 7, Subscription: apim-contoso has no subscription 'nobody'",
        "row 7, Deployment: apim-contoso has no deployment 'nothing'",
        "row 8, Class: input is counted by the gateway's log",
        "row 9, Class: 'bananas' is no class of usage",
        "row 9, Quantity: '1.5' is no quantity",
        "row 10: gives the same as row 2",
        "row 11: has 3 cells, not 6",
        "11 faults in the file; nothing was imported",
    ):
        assert fault in told
    assert everything() == before


def test_tokens_that_the_log_counts_are_not_taken_once_more(
    contoso: Steps, command: Callable[..., str]
) -> None:
    with scope.of(contoso.ref):
        logged = Usage.objects.filter(input_tokens__gt=0, subscription__name="subscription1")
        used = logged.select_related("deployment").earliest("bucket_start")
    start = used.bucket_start.isoformat()
    with pytest.raises(CommandError):
        command(lines(("audio_input", used.deployment.name, 5), start=start), apply=True)
    command(lines(("audio_input", "gpt-5-nano", 5), start="2026-01-05T10:00:00Z"), apply=True)
    with scope.of(contoso.ref):
        assert ClassUsage.objects.get().token_class == "audio_input"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The file is empty"),
        ("Start,Gateway\n", "The first row must name each once"),
        (f"{HEAD}\n", ""),
        (HEAD.replace(",", ";") + f"\n{HOUR};apim-contoso;subscription1;gpt-5-mini;calls;7\n", ""),
    ],
)
def test_a_file_of_another_form_is_told(
    contoso: Steps, command: Callable[..., str], text: str, says: str
) -> None:
    if says:
        with pytest.raises(CommandError):
            command(text, apply=True)
    else:
        assert "applied" in command(text, apply=True)
