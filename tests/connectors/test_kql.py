"""Only instants, intervals, whole numbers and plain names enter a query."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies

from connectors import kql
from connectors.failures import BadQuery
from inventory.rules.dimensions import faults_of_names

START = datetime(2026, 11, 20, 14, tzinfo=UTC)
END = datetime(2026, 11, 20, 20, 45, 0, 5, tzinfo=timezone(timedelta(hours=5, minutes=45)))
HALF_HOUR = timedelta(minutes=30)


def test_holes_become_literals_in_utc() -> None:
    template = (
        "T | where TimeGenerated between ({start} .. {end}) | take {most} | by bin(t, {bucket})"
    )
    assert kql.render(template, start=START, end=END, bucket=HALF_HOUR, numbers={"most": 7}) == (
        "T | where TimeGenerated between (datetime(2026-11-20T14:00:00Z) .. "
        "datetime(2026-11-20T15:00:00.000005Z)) | take 7 | by bin(t, 30m)"
    )


def test_braces_that_are_no_holes_stay() -> None:
    text = 'print dynamic({"a": 1})'
    assert kql.render(text, start=START, end=END, bucket=HALF_HOUR) == text


@pytest.mark.parametrize("hole", ["{subscription}", "{start_}", "{__class__}"])
def test_any_other_hole_is_refused(hole: str) -> None:
    with pytest.raises(BadQuery, match="nothing may fill"):
        kql.render(f"T | where a == {hole}", start=START, end=END, bucket=HALF_HOUR)


def test_a_naive_instant_is_refused() -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(BadQuery, match="no time zone"):
        kql.render("T", start=naive, end=END, bucket=HALF_HOUR)


@pytest.mark.parametrize("seconds", [0, -60, 90, 59])
def test_an_interval_is_whole_minutes(seconds: int) -> None:
    with pytest.raises(BadQuery, match="whole number of minutes"):
        kql.interval(timedelta(seconds=seconds))


@pytest.mark.parametrize("value", ["1 | take 5", 1.5, True])
def test_a_number_is_whole(value: object) -> None:
    with pytest.raises(BadQuery, match="whole number"):
        kql.render("{n}", start=START, end=END, bucket=HALF_HOUR, numbers={"n": value})  # type: ignore[dict-item] # the point


#: Names as they come from elsewhere: none may end its literal.
HOSTILE = (
    "'; drop",
    '" | take 1e9 //',
    '"] | union *',
    "a\\",
    'a\\" | take 5',
    "a\nb",
    "a\r",
    "a\n",
    "",
    " a",
    "{start}",
    "a;b",
    "a|b",
    "a/*",
    "a\x00",
    "a\u2028b",
    "\u202ea",
    "Ä",
    "ａ",
    "//",
    '@"a"',
    "h'a'",
    "```",
    "a" * 64,
)
GOLDEN = """AppMetrics
| extend App = tostring(Properties["App name"])
| where Service == "apim-contoso" and TimeGenerated >= datetime(2026-11-20T14:00:00Z)"""
TEMPLATE = """AppMetrics
| extend App = tostring(Properties[{application}])
| where Service == {service} and TimeGenerated >= {start}"""


def told(**texts: str) -> str:
    return kql.render(TEMPLATE, start=START, end=END, bucket=HALF_HOUR, texts=texts)


def test_plain_names_become_literals_and_nothing_else_changes() -> None:
    assert told(application="App name", service="apim-contoso") == GOLDEN


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_enters_no_query(name: str) -> None:
    with pytest.raises(BadQuery, match="The value of 'application' is not plain"):
        told(application=name, service="apim-contoso")
    with pytest.raises(BadQuery, match="The value of 'service' is not plain"):
        told(application="App name", service=name)


@pytest.mark.parametrize("value", [7, None, b"a"])
def test_a_text_is_a_text(value: object) -> None:
    with pytest.raises(BadQuery, match="not plain"):
        told(application=value, service="apim-contoso")  # type: ignore[arg-type] # the point


@given(strategies.text())
def test_what_enters_is_what_a_gateway_may_name_and_nothing_in_it_ends_a_literal(name: str) -> None:
    allowed = faults_of_names({"application": name}) == []
    try:
        literal = kql.text("application", name)
    except BadQuery:
        assert not allowed
    else:
        assert allowed
        assert literal == f'"{name}"'
        assert not set(name) & set("\"'\\\r\n{}|;/`@")


@given(strategies.from_regex(kql.TEXT, fullmatch=True))
def test_what_a_gateway_may_name_enters_as_it_is(name: str) -> None:
    assert faults_of_names({"application": name}) == []
    assert told(application=name, service="a").count(f'Properties["{name}"]') == 1


def test_a_text_for_an_instant_does_not_replace_it() -> None:
    query = kql.render("{start}", start=START, end=END, bucket=HALF_HOUR, texts={"start": "never"})
    assert query == "datetime(2026-11-20T14:00:00Z)"
