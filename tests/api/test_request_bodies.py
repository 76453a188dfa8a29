"""What is sent about requests: what is refused by name, what is kept, and what is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portal.api import request_examples as shown
from portal.api.strict_json import MOST_BYTES
from tests.api.asking import LIST, NEW, WHAT_IF, Asking, asked, done, kept, of_number
from tests.api.conftest import faults, problem
from tests.world import World

# --- bad bodies ----------------------------------------------------------------------------------

AMOUNTS: tuple[Any, ...] = (
    "NaN",
    "Infinity",
    "-0",
    "-1",
    "0",
    "1e400",
    "1e-400",
    "9" * 400,
    "9223372036854775808000",
    "0.00001",
    "1,000",
    "1.000,00",
    "\uff11\uff12",
    "\u0661",
    "",
    " 1",
    "+1",
    "0x10",
    "1_0",
    True,
    1,
    2.5,
    [],
    {},
    None,
)
BAD: tuple[tuple[dict[str, Any], str], ...] = (
    *(({"amount": amount}, "amount") for amount in AMOUNTS),
    ({"unit": "tokens", "amount": "1.5"}, "amount"),
    ({"kind": "tier", "product": "gold"}, "amount"),
    ({"kind": "tier", "product": "gold", "amount": None}, "product"),
    ({"kind": "tier", "product": "none", "amount": None}, "product"),
    ({"kind": "subscription", "subscription": None, "amount": None}, "product"),
    ({"kind": "subscription", "gateway": None, "subscription": None, "amount": None}, "gateway"),
    ({"kind": "reactivation", "amount": None}, "subscription"),
    ({"kind": "everything"}, "kind"),
    ({"kind": None}, "kind"),
    ({"kind": ["increase"]}, "kind"),
    ({"unit": "euros"}, "unit"),
    ({"every": "decade"}, "every"),
    ({"kind": "temporary"}, "last_day"),
    ({"last_day": "2026-11-25"}, "last_day"),
    *(
        ({"kind": "temporary", "last_day": day}, "last_day")
        for day in (
            "2026-11-19",
            "2027-12-31",
            "2026-02-30",
            "0001-01-01",
            "9999-12-31",
            "infinity",
            "2026-11-25T00:00:00Z",
            "soon",
            20261125,
            True,
        )
    ),
    ({"team": "support"}, "team"),
    ({"team": "none"}, "team"),
    ({"team": "\x00"}, "team"),
    ({"team": 1}, "team"),
    ({"team": None}, "team"),
    ({"gateway": None}, "gateway"),
    ({"gateway": "elsewhere"}, "subscription"),
    ({"subscription": "a\nb"}, "subscription"),
    ({"subscription": "x" * 257}, "subscription"),
    ({"reason": ""}, "reason"),
    ({"reason": " \t\n"}, "reason"),
    ({"reason": "a\x00b"}, "reason"),
    ({"reason": "\ud800"}, "reason"),
    ({"reason": "x" * 4001}, "reason"),
    ({"reason": 5}, "reason"),
    ({"reason": None}, "reason"),
    ({"expected": ["much"]}, "expected"),
    ({"display_name": "a\r\nX-Header: b"}, "display_name"),
    ({"display_name": "x" * 101}, "display_name"),
    ({"environment": "a\u2028b"}, "environment"),
    ({"submit": "true"}, "submit"),
    ({"submit": 1}, "submit"),
    ({"tenant_id": 2}, "tenant_id"),
    ({"state": "approved"}, "state"),
    ({"approved_by": "carol"}, "approved_by"),
    ({"requested_by": "bob@example.org"}, "requested_by"),
    ({"version": 7}, "version"),
)


def test_each_bad_body_is_refused_by_name_and_keeps_nothing(world: World, program: Asking) -> None:
    alice, before = program("alice"), kept(world)
    for changed, field in BAD:
        body = {**NEW, "submit": True, **changed}
        document = problem(alice.send(LIST, body), 400)
        assert field in {fault["field"] for fault in document["errors"]}, (changed, document)
        assert document["errors"][0]["detail"], changed
    assert kept(world) == before


@pytest.mark.parametrize("missing", ["kind", "team", "reason", "amount"])
def test_what_is_missing_is_named(program: Asking, missing: str) -> None:
    body = {name: NEW[name] for name in NEW if name != missing}
    assert faults(program("alice").send(LIST, body)) == [missing]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"amount": NaN}',
        b'{"amount": Infinity}',
        b'{"version": ' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
        json.dumps(NEW).encode("utf-16"),
        b'{"reason": "\xff"}',
        json.dumps(NEW).encode()[:-1] + b', "kind": "decrease"}',
    ],
)
def test_what_is_no_json_of_ours_is_refused(world: World, program: Asking, body: bytes) -> None:
    before = kept(world)
    addresses = [LIST, WHAT_IF, of_number(1, "comment"), of_number(1, "submit")]
    for address in addresses if body else addresses[:3]:  # to submit says nothing more
        problem(program("alice").send(address, body), 400)
    assert kept(world) == before


def test_a_name_given_twice_is_named(program: Asking) -> None:
    body = json.dumps(NEW).encode()[:-1] + b', "amount": "9"}'
    assert faults(program("alice").send(LIST, body)) == ["amount"]


def test_other_kinds_of_body_and_too_much_are_refused(program: Asking) -> None:
    alice = program("alice")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        problem(alice.send(LIST, "a=1", of=kind), 415)
    large = problem(alice.send(LIST, b" " * (MOST_BYTES + 1)), 413)
    assert large["code"] == "too-large"


@pytest.mark.parametrize("etag", ["*", '"1"', "garbage"])
def test_a_precondition_is_not_ignored(program: Asking, etag: str) -> None:
    alice = program("alice")
    number = asked(alice)["number"]
    body = {name: NEW[name] for name in NEW if name != "team"} | {"version": 1, "amount": "4"}
    said = of_number(number, "amend"), body
    assert faults(alice.send(*said, headers={"If-Match": etag})) == ["If-Match"]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "@SUM(A1)",
        "{{7*7}} {% load x %}",
        "<script>alert(1)</script>",
        "'; drop table x; --",
        "]]><!ENTITY xxe>&xxe;",
        "../../etc/passwd",
        "\u202egnp",
        "e\u0301 \u00e9 \u200b",
        "👩\u200d👩\u200d👧",
    ],
)
def test_odd_text_is_kept_as_it_is(program: Asking, text: str) -> None:
    alice = program("alice")
    row = asked(alice, reason=text)
    done(alice, row["number"], "comment", text=text)
    assert alice.read(row["url"])["reason"] == text
    assert alice.all(row["timeline_url"])[-1]["text"] == text


@pytest.mark.parametrize("number", ["0", "-1", "1.0", "NaN", "9" * 30, "%D9%A1", "1%00", "latest"])
def test_what_is_no_number_is_not_there(program: Asking, number: str) -> None:
    for address in (f"requests/{number}/", f"requests/{number}/timeline/"):
        problem(program("carol").ask(address), 404)
    problem(program("carol").send(f"requests/{number}/approve/", {"version": 1}), 404)


# --- as described --------------------------------------------------------------------------------


def test_the_examples_look_like_the_answers(program: Asking) -> None:
    alice = program("alice")
    row = asked(alice)
    told = alice.read(row["url"])
    assert told.keys() == shown.ONE.keys()
    assert told["consequences"].keys() == shown.ONE["consequences"].keys()
    for name, inner in told["consequences"].items():
        example = shown.ONE["consequences"][name]
        if isinstance(inner, dict) and isinstance(example, dict):
            assert inner.keys() == example.keys(), name
        if isinstance(inner, list) and inner:
            assert inner[0].keys() == example[0].keys(), name
    assert alice.all(row["timeline_url"])[0].keys() == shown.EVENT.keys()


def test_an_unchanged_request_is_not_sent_again(program: Asking) -> None:
    alice = program("alice")
    address = asked(alice)["url"]
    first = alice.ask(address)
    again = alice.ask(address, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
