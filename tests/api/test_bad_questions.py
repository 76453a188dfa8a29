"""Whatever is asked badly is refused by the parameter's name, changes nothing, is never 500."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import Program, problem

Asking = Callable[..., Program]
WINDOW = "from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z"

BAD = (
    # Unknown, repeated, empty.
    ("teams/?ordering=password", "ordering"),
    ("teams/?page=2", "page"),
    ("teams/?format=xml", "format"),
    ("teams/search/?expand=all", "expand"),
    ("?debug=1", "debug"),
    ("costs/?month=2026-11&tenant_id=2", "tenant_id"),
    ("costs/?month=2026-11&month=2026-10", "month"),
    ("costs/?month=2026-11&team=search&team=support", "team"),
    ("subscriptions/?team=", "team"),
    ("subscriptions/?state=", "state"),
    # Pages.
    ("teams/?page_size=0", "page_size"),
    ("teams/?page_size=-1", "page_size"),
    ("teams/?page_size=501", "page_size"),
    ("teams/?page_size=1000000000", "page_size"),
    ("teams/?page_size=" + "9" * 400, "page_size"),
    ("teams/?page_size=1e2", "page_size"),
    ("teams/?page_size=NaN", "page_size"),
    ("teams/?page_size=1_0", "page_size"),
    ("teams/?page_size=%D9%A5", "page_size"),
    ("teams/?page_size=true", "page_size"),
    ("teams/?cursor=", "cursor"),
    ("teams/?cursor=" + "a" * 1001, "cursor"),
    # Instants.
    ("usage/", "from"),
    ("usage/?from=2026-11-01T00:00:00Z", "to"),
    ("usage/?from=yesterday&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=2026-11-01&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=2026-11-01T00:00:00&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=2026-11-01T00:00:00+01:00&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=2026-02-30T00:00:00Z&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=2026-11-01T23:59:60Z&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=2026-11-01T25:00:00Z&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=0001-01-01T00:00:00%2B14:00&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=9999-12-31T23:59:59-14:00&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=infinity&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=1793491200&to=2026-11-02T00:00:00Z", "from"),
    ("usage/?from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "to"),
    ("usage/?from=2026-11-02T00:00:00Z&to=2026-11-02T00:00:00Z", "to"),
    ("usage/?from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:01Z", "to"),
    # Months and days.
    ("costs/", "from_day"),
    ("costs/?from_day=2026-11-01", "to_day"),
    ("costs/?to_day=2026-11-01", "from_day"),
    ("costs/?month=2026-11&from_day=2026-11-01", "from_day"),
    ("costs/?month=2026-11&to_day=2026-11-01", "to_day"),
    ("costs/?month=2026-13", "month"),
    ("costs/?month=2026-1", "month"),
    ("costs/?month=2026", "month"),
    ("costs/?month=0000-00", "month"),
    ("costs/?month=0001-01", "month"),
    ("costs/?month=9999-12", "month"),
    ("costs/?month=%D9%A2026-11", "month"),
    ("costs/?month=-2026-11", "month"),
    ("costs/?from_day=2026-02-30&to_day=2026-03-01", "from_day"),
    ("costs/?from_day=2026-11-01T00:00:00Z&to_day=2026-11-02", "from_day"),
    ("costs/?from_day=2026-W45-1&to_day=2026-11-02", "from_day"),
    ("costs/?from_day=2026-11-02&to_day=2026-11-01", "to_day"),
    ("costs/?from_day=2025-11-01&to_day=2026-11-03", "to_day"),
    ("statements/?month=november", "month"),
    # Text.
    ("costs/?month=2026-11&team=%00", "team"),
    ("costs/?month=2026-11&deployment=a%00b", "deployment"),
    ("costs/?month=2026-11&subscription=" + "x" * 301, "subscription"),
    ("subscriptions/?state=deleted", "state"),
    (f"usage/?{WINDOW}&deployment=%00", "deployment"),
    # Formats.
    ("teams/search/statements/2026-11/?format=pdf", "format"),
    ("teams/search/statements/2026-11/?format=csv&format=json", "format"),
)
NOT_THERE = (
    "teams/none/",
    "teams/%00/",
    "teams/../costs/",
    "teams/search/statements/2026-13/",
    "teams/search/statements/0001-01/",
    "teams/search/statements/9999-12/",
    "teams/search/statements/latest/",
    "teams/search/statements/%D9%A2026-11/",
    "subscriptions/apim-contoso/none/",
    "subscriptions/apim-contoso/%00/",
    "subscriptions/apim-contoso/key-search%0A/",
    "subscriptions/apim-contoso/a/b/",
    "subscriptions/apim-fabrikam/key-field/",
    "teams/' OR 1=1 --/",
    "nowhere/",
)
#: Odd, yet well-formed: names nobody has.
STRANGE = (
    "x' OR '1'='1",
    '" | take 1e9 //',
    "{{7*7}}",
    "<script>alert(1)</script>",
    "\u202egnp",
    "😀",
    "=1+1",
    "../../etc/passwd",
    "ⅷ",
)


def test_each_bad_question_is_refused_by_name(program: Asking) -> None:
    dan = program("dan")
    before = dan.read("costs/?month=2026-11"), dan.read("usage/?" + WINDOW)
    for address, field in BAD:
        document = problem(dan.ask(address), 400)
        named = {fault["field"] for fault in document["errors"]}
        assert field in named, (address, document)
        assert document["errors"][0]["detail"], address
    assert (dan.read("costs/?month=2026-11"), dan.read("usage/?" + WINDOW)) == before


def test_all_faults_are_told_at_once(program: Asking) -> None:
    document = problem(program("dan").ask("costs/?month=never&page_size=x&colour=red"), 400)
    assert {fault["field"] for fault in document["errors"]} == {"month", "page_size", "colour"}


@pytest.mark.parametrize("address", NOT_THERE)
def test_what_does_not_exist_is_a_problem_too(program: Asking, address: str) -> None:
    problem(program("dan").ask(address), 404)


@pytest.mark.parametrize("text", STRANGE)
def test_strange_names_find_nothing_and_break_nothing(program: Asking, text: str) -> None:
    dan = program("dan")
    for parameter in ("gateway", "subscription", "deployment"):
        assert dan.all("costs/", month="2026-11", **{parameter: text}) == []
    problem(dan.ask("costs/", month="2026-11", team=text), 404)


@pytest.mark.parametrize(
    ("address", "accept"),
    [
        ("teams/", "application/xml"),
        ("teams/", "text/csv"),
        ("teams/search/statements/2026-11/", "application/pdf"),
    ],
)
def test_a_form_that_cannot_be_given_is_a_problem(
    program: Asking, address: str, accept: str
) -> None:
    problem(program("dan").ask(address, headers={"Accept": accept}), 406)


def test_a_missing_slash_is_added(program: Asking) -> None:
    answer: Any = program("dan").ask("teams?page_size=3")
    assert answer.status_code == 301
    assert answer["Location"].endswith("/api/v1/teams/?page_size=3")


@pytest.mark.parametrize("address", ["mappings/", "exchange-rates/", "price-sheets/", "requests/"])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"plan": NaN}',
        b'{"plan": "a", "plan": "b"}',
        b'{"plan": "\xff"}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_a_body_that_is_no_json_is_a_problem(program: Asking, address: str, body: bytes) -> None:
    problem(program("erin").send(address, body), 400)
