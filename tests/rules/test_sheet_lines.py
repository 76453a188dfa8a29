"""Lines of price sheets: what is read, and what is told of what cannot be."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.documents import price_sheet_csv
from billing.rules import sheet_lines
from billing.rules.sheet_lines import AgreedLine, Column, Fault, Form, Kind

METER = "0b0e5d1f-0000-4000-8000-000000000001"
HEADER = ",".join(Column)
GOOD = f"exact,{METER},,,,1.75,1M,USD,"


def parse(*rows: str, header: str = HEADER) -> sheet_lines.Draft:
    return price_sheet_csv.parse("\r\n".join((header, *rows)).encode())


def faults(*rows: str) -> list[tuple[int, str]]:
    return [(fault.row, fault.column) for fault in parse(*rows).faults]


def only_fault(row: str) -> Fault:
    found = parse(GOOD, row).faults
    assert len(found) == 1, found
    assert found[0].row == 3
    return found[0]


def test_each_kind_is_read() -> None:
    read = parse(
        GOOD,
        "Discount,,Azure OpenAI*,*Batch*,swedencentral,,,,12.5",
        "MARKUP,,,,,,,,0.0001",
    )
    assert read.faults == ()
    assert read.form is Form.OWN
    assert read.lines == (
        AgreedLine(
            2, Kind.EXACT, METER, price=Decimal("1.75"), unit_of_measure="1M", currency="USD"
        ),
        AgreedLine(
            3,
            Kind.DISCOUNT,
            product_filter="Azure OpenAI*",
            meter_filter="*Batch*",
            region="swedencentral",
            percent=Decimal("12.5"),
        ),
        AgreedLine(4, Kind.MARKUP, percent=Decimal("0.0001")),
    )
    assert read.lines[0].unit_price == Decimal("0.00000175")


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffKind;Percent\r\nmarkup;5\r\n",
        "Percent,Kind\n5,markup\n",
        ' percent , KIND \r\n"5","markup"\r\n\r\n',
        "Kind;Percent\rmarkup;5".replace("\r", "\n"),
    ],
)
def test_order_case_delimiter_and_byte_order_mark_do_not_matter(data: str) -> None:
    read = price_sheet_csv.parse(data.encode())
    assert read.faults == ()
    assert read.lines == (AgreedLine(2, Kind.MARKUP, percent=Decimal(5)),)


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ("rebate,,,,,,,,5", "Kind", "discount"),
        (",,,,,,,,5", "Kind", "Missing"),
        ("discount,,,,,,,,", "Percent", "Missing"),
        ('discount,,,,,,,,"12,5"', "Percent", "comma"),
        ("discount,,,,,,,,12.34567", "Percent", "4 decimals"),
        ("discount,,,,,,,,100.0001", "Percent", "0 to 100"),
        ("discount,,,,,,,,-1", "Percent", "less than 0"),
        ("discount,,,,,,,,10%", "Percent", "percent sign"),
        ("discount,,,,,,,,1e1", "Percent", "exponent"),
        ("discount,,,,,,,,NaN", "Percent", "plain number"),
        ("discount,,,,,,,,١٠", "Percent", "plain number"),
        ("markup,,,,,,,,1000.1", "Percent", "0 to 1000"),
        (f"discount,{METER},,,,,,,5", "MeterId", "Leave it empty"),
        ("discount,,,,,1,,,5", "Price", "Leave it empty"),
        (f"exact,{METER},x*,,,1,1M,USD,", "ProductFilter", "Leave it empty"),
        (f"exact,{METER},,,,1,1M,USD,5", "Percent", "Leave it empty"),
        ("exact,,,,,1,1M,USD,", "MeterId", "Missing"),
        (f"exact,{METER},,,,,1M,USD,", "Price", "Missing"),
        (f'exact,{METER},,,,"1.234,50",1M,USD,', "Price", "comma"),
        (f"exact,{METER},,,,-0.01,1M,USD,", "Price", "less than 0"),
        (f"exact,{METER},,,,1,a lot,USD,", "UnitOfMeasure", "not known"),
        (f"exact,{METER},,,,1,,USD,", "UnitOfMeasure", "Missing"),
        (f"exact,{METER},,,,1,1M,US,", "Currency", "ISO 4217"),
        (f"exact,{METER},,,,1,3,USD,", "Price", "15 decimals"),
        (f"exact,{METER},,,,0.0000000001,1M,USD,", "Price", "15 decimals"),
        (f"exact,{METER},,,,0.0000000000001,1,USD,", "Price", "12 decimals"),
        (f"exact,{METER},,,,1000000000,1,USD,", "Price", "15 decimals"),
        (f"discount,,{'x' * 201},,,,,,5", "ProductFilter", "200"),
        ('discount,,"a\x07b",,,,,,5', "ProductFilter", "control"),
        (f"{GOOD.replace('1.75', '2')}", "MeterId", "row 2"),
        ("discount,,,,,,,,5,more", "", "more cells"),
    ],
)
def test_what_is_wrong_is_told_at_its_cell_with_the_fix(row: str, column: str, says: str) -> None:
    fault = only_fault(row)
    assert fault.column == column
    assert says in fault.says


def test_every_fault_of_every_row_is_told() -> None:
    rows = ["exact,,x,,,y,z,q,5", GOOD, "nonsense,,,,,,,,", "discount,,,,,,,,200"]
    assert faults(*rows) == [
        (2, "ProductFilter"),
        (2, "Percent"),
        (2, "MeterId"),
        (2, "Currency"),
        (2, "Price"),
        (2, "UnitOfMeasure"),
        (4, "Kind"),
        (5, "Percent"),
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        ("Kind,Percent\nmärkup,5".encode("latin-1"), "not UTF-8"),
        ("Kind,Percent\nmarkup,5".encode("utf-16"), "not UTF-8"),
        (b"Kind,Percent\nmarkup,\x00", "NUL"),
        (b'Kind,Percent\n"markup,5', "no CSV"),
        (b"a,b\n1,2", "must name the columns"),
        (b"Kind,Rebate\nmarkup,5", "no such column"),
        (b"Kind,Percent,percent\nmarkup,5,6", "more than once"),
    ],
)
def test_a_file_that_is_none_says_what_it_should_be(data: bytes, says: str) -> None:
    (fault,) = price_sheet_csv.parse(data).faults
    assert says in str(fault)


def test_a_sheet_has_at_most_so_many_lines() -> None:
    rows = ["markup,,,,,,,,5"] * (sheet_lines.MOST_LINES + 1)
    read = parse(*rows)
    assert [fault.row for fault in read.faults] == [sheet_lines.MOST_LINES + 2]
    assert parse(*rows[1:]).faults == ()


# Azure's own price sheets.

EA = (
    "MeterID,MeterName,MeterRegion,UnitOfMeasure,PartNumber,EffectiveStartDate,EffectiveEndDate,"
    "UnitPrice,BasePrice,MarketPrice,CurrencyCode,IncludedQuantity,OfferID,Term,PriceType"
)
MCA = (
    "basePrice,currency,effectiveEndDate,effectiveStartDate,marketPrice,meterId,meterName,"
    "priceType,product,term,tierMinimumUnits,unitOfMeasure,unitPrice"
)
OTHER = "1c1e5d1f-0000-4000-8000-000000000002"


def test_azures_ea_sheet_gives_its_pay_as_you_go_prices() -> None:
    def row(meter: str, price: str, term: str = "", of: str = "Consumption") -> str:
        return f"{meter},n,EU North,1M,P1,x,y,{price},2,2,EUR,0,MS-AZR-0017P,{term},{of}"

    read = parse(
        row(METER.upper(), "1.5E-01"),
        row(METER, "0.15"),
        row(OTHER, "99", "P1Y", "ReservedInstance"),
        row(OTHER, "98", of="Savings Plan"),
        row("", "1"),
        header=EA,
    )
    assert read.form is Form.AZURE
    assert read.faults == ()
    assert read.lines == (
        AgreedLine(
            2, Kind.EXACT, METER, price=Decimal("0.15"), unit_of_measure="1M", currency="EUR"
        ),
    )
    assert dict(read.left_out) == {
        "of another price type than Consumption": 2,
        "without a meter id": 1,
        "the same price given again": 1,
    }


def test_azures_mca_sheet_gives_first_tiers_and_no_terms() -> None:
    read = parse(
        f"2,USD,x,y,2,{METER},n,Consumption,p,,0.0,1K,0.002",
        f"2,USD,x,y,2,{METER},n,Consumption,p,,100,1K,0.001",
        f"2,USD,x,y,2,{OTHER},n,Consumption,p,P1Y,0,1K,0.001",
        f"2,USD,x,y,2,{OTHER},n,Consumption,p,,,1K,free",
        header=MCA,
    )
    assert [line.meter_id for line in read.lines] == [METER]
    assert [(fault.row, fault.column) for fault in read.faults] == [(5, "Price")]
    assert dict(read.left_out) == {"of a further tier": 1, "for a term, not for use": 1}


def test_two_unlike_prices_of_a_meter_in_azures_sheet_are_a_fault() -> None:
    row = "2,USD,x,y,2,{meter},n,Consumption,p,,0,1K,{price}"
    read = parse(row.format(meter=METER, price=1), row.format(meter=METER, price=2), header=MCA)
    assert [(fault.row, fault.column) for fault in read.faults] == [(3, "MeterId")]


# There and back.

texts = (
    st.text(
        st.sampled_from("aZ*'\"=+-@,;%_\\ ü\u2003")
        | st.characters(exclude_categories=("Cc", "Cs")),
        max_size=20,
    )
    .map(str.strip)
    .filter(lambda text: not any(ord(one) < 32 or ord(one) == 127 for one in text))
)


@st.composite
def drawn_lines(draw: st.DrawFn) -> tuple[AgreedLine, ...]:
    found = []
    for row in range(2, draw(st.integers(2, 12))):
        kind = draw(st.sampled_from(Kind))
        if kind is Kind.EXACT:
            line = AgreedLine(
                row,
                kind,
                f"{METER[:-4]}{row:04}",
                price=draw(st.decimals(0, 1000, places=6)),
                unit_of_measure=draw(st.sampled_from(["1K", "1M", "1 Hour", "100"])),
                currency=draw(st.sampled_from(["USD", "EUR"])),
            )
        else:
            line = AgreedLine(
                row,
                kind,
                product_filter=draw(texts),
                meter_filter=draw(texts),
                region=draw(texts),
                percent=draw(st.decimals(0, 100, places=4)),
            )
        found.append(line)
    return tuple(found)


@given(drawn_lines())
def test_what_is_written_is_read_back_the_same(lines: tuple[AgreedLine, ...]) -> None:
    read = price_sheet_csv.parse(price_sheet_csv.render(lines))
    assert read.faults == ()
    assert read.lines == lines
    assert [line.row for line in read.lines] == [line.row for line in lines]


@given(drawn_lines())
def test_no_cell_that_is_written_is_a_formula(lines: tuple[AgreedLine, ...]) -> None:
    text = price_sheet_csv.render(lines).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_document_breaks_the_reader(data: bytes) -> None:
    read = price_sheet_csv.parse(b"Kind,Percent,Price\n" + data)
    assert all(fault.says for fault in read.faults)


@given(st.decimals(0, 10**6, places=8), st.sampled_from(["1", "1K", "1M", "3", "7 Hours", "10K"]))
def test_a_unit_price_is_exact_or_there_is_none(price: Decimal, measure: str) -> None:
    from billing.rules.units import units_in  # noqa: PLC0415 - beside its use

    unit = sheet_lines.per_unit(price, measure)
    count = units_in(measure)
    assert count is not None
    if unit is not None:
        assert unit * count == price
        assert -unit.as_tuple().exponent <= sheet_lines.UNIT_PLACES  # type: ignore[operator]
