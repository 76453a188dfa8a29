"""The page of usage: broken down, narrowed by a click, each sees theirs, the file has the same."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Protocol

import pytest

from inventory.models import Gateway, UsageSource
from tenancy import scope
from tests.world import World

USAGE = "/t/contoso/usage/"


class Page(Protocol):
    """An answer that was read whole."""

    @property
    def content(self) -> bytes: ...


def text(page: Page) -> str:
    """What one reads, with single spaces."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode())))


def links(page: Page) -> dict[str, str]:
    """The values of the table, and where a click on each leads."""
    cells = r'<td class="value"><a href="([^"]*)">([^<]*)</a>'
    found = re.findall(cells, page.content.decode())
    return {html.unescape(label): html.unescape(address) for address, label in found}


def test_it_is_broken_down_by_team_for_those_who_see_all(month: World) -> None:
    page = month.dan.get(USAGE)
    assert list(links(page)) == ["Search", "Support", "unallocated"]
    seen = text(page)
    assert "Usage by team" in seen
    assert "usage through 20 Nov 14:20 UTC" in seen
    assert "gateway logs (LLM log joined to gateway log)" in seen
    assert "does not tell application, as the caller says" in seen
    assert "3,000 tokens have no price" in seen


def test_a_click_narrows_and_goes_on_to_the_next_dimension(month: World) -> None:
    address = links(month.dan.get(USAGE))["Search"]
    page = month.dan.get(USAGE + address)
    seen = text(page)
    assert "Usage by application" in seen
    assert "team: search remove" in seen
    assert "Assistant of search" in links(page)
    further = month.dan.get(USAGE + links(page)["Assistant of search"])
    assert list(links(further)) == ["apim-contoso/key-search"]
    (without,) = re.findall(r'href="([^"]*)" aria-label="remove team', further.content.decode())
    assert "team=" not in without


def test_members_see_their_teams_alone(month: World) -> None:
    mine = month.alice.get(USAGE)
    assert "key-search" in text(mine)
    assert "key-support" not in text(mine)
    assert list(links(month.alice.get(f"{USAGE}?by=team"))) == ["Search"]
    assert month.alice.get(f"{USAGE}?team=support").status_code == 404
    assert month.alice.get(f"{USAGE}?team=none").status_code == 404
    assert month.alice.get(f"{USAGE}?team=search").status_code == 200


def test_the_amounts_shown_add_up(month: World) -> None:
    page = month.dan.get(f"{USAGE}?by=day").content.decode()
    cells = re.findall(r'data-label="Cost, USD"><data[^>]*>([^<]+)</data>', page)
    cents = [int(cell.replace(",", "").replace(".", "")) for cell in cells]
    assert len(cents) == 6
    assert sum(cents[:-1]) == cents[-1]
    assert 'class="bar"' in page


def test_a_value_of_no_meaning_is_shown_as_what_it_is(month: World) -> None:
    with scope.of(month.contoso.ref):
        Gateway.objects.update(usage_source=UsageSource.LLM_LOG)
    page = month.dan.get(f"{USAGE}?by=caller_application")
    assert "apim-contoso does not tell the application, as the caller says." in text(page)
    assert list(links(page)) == ["not told", "Assistant"]
    narrowed = month.dan.get(USAGE + links(page)["not told"])
    assert "application, as the caller says: not told" in text(narrowed)


def test_classes_of_tokens_are_told_without_calls(month: World) -> None:
    seen = text(month.dan.get(f"{USAGE}?by=token_class"))
    assert "Calls are not told apart by the class of their tokens" in seen
    assert "Without tokens" not in seen


def test_days_of_no_month_are_named(month: World) -> None:
    page = month.dan.get(f"{USAGE}?from=2026-11-03&through=2026-11-05")
    assert "3 Nov 2026 to 5 Nov 2026" in text(page)
    whole = month.dan.get(f"{USAGE}?from=2026-11-01&through=2026-11-30")
    assert "November 2026" in text(whole)


def test_nothing_says_why_and_what_next(month: World) -> None:
    assert "No usage in 1 Feb 2026" in text(
        month.dan.get(f"{USAGE}?from=2026-02-01&through=2026-02-01")
    )
    narrowed = month.dan.get(f"{USAGE}?model=nothing-like-it")
    assert "Nothing was used that fits" in text(narrowed)


@pytest.mark.parametrize(
    ("asked", "fix"),
    [
        ("by=nothing", "Choose one of the list"),
        ("from=2026-11-05", "Give a day such as"),
        ("from=2026-11-05&through=2026-11-01", "not before the first"),
        ("from=2024-11-05&through=2026-11-01", "at most 366 days"),
        ("from=x&through=2026-11-01", "Give a day such as"),
        ("month=2026-12", "Use a month up to"),
        ("page=0", "Use a page number"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_fix(month: World, asked: str, fix: str) -> None:
    refused = month.dan.get(f"{USAGE}?{asked}")
    assert refused.status_code == 400
    assert fix in text(refused)


def test_the_file_has_the_rows_and_the_total(month: World) -> None:
    answer = month.dan.get(f"{USAGE}usage.csv?by=subscription")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "usage-by-subscription-2026-11-01-2026-11-30.csv" in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    parts, total = rows[:-1], rows[-1]
    assert {row["Kind"] for row in parts} == {"row"}
    assert total["Kind"] == "total"
    for column in ("Tokens", "UnpricedTokens", "Requests", "OutputTokens"):
        assert sum(int(row[column]) for row in parts) == int(total[column]) > 0
    assert "apim-contoso/key-search" in {row["Subscription"] for row in parts}
    alices = month.alice.get(f"{USAGE}usage.csv?by=team").content.decode("utf-8-sig")
    assert {row["Team"] for row in csv.DictReader(io.StringIO(alices))} == {"search", ""}
    assert month.alice.get(f"{USAGE}usage.csv?team=support").status_code == 404
