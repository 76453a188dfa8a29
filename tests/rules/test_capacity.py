"""Capacity by the minute: everything that was held or reserved is in exactly one piece."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules import capacity
from billing.rules.capacity import Commitment, Held, Kind, Piece, Pool, Term
from billing.rules.meters.meanings import Scope
from tenancy import periods
from tests import strategies

START = datetime(2026, 11, 1, tzinfo=UTC)
GLOBAL = Pool(Scope.GLOBAL, "swedencentral")
POOLS = (GLOBAL, Pool(Scope.DATA_ZONE, "swedencentral"), None)
minutes = st.integers(0, 300)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


@st.composite
def spans(draw: st.DrawFn) -> tuple[datetime, datetime]:
    first, second = sorted(draw(st.lists(minutes, min_size=2, max_size=2, unique=True)))
    return at(first), at(second)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Held], list[Commitment]]:
    """A few deployments, each in one pool, and a few reservations."""
    held = []
    for deployment in range(1, draw(st.integers(0, 5)) + 1):
        start, end = draw(spans())
        held.append(
            Held(deployment, draw(st.sampled_from(POOLS)), draw(st.integers(1, 90)), start, end)
        )
    bought = []
    for reservation in range(1, draw(st.integers(0, 4)) + 1):
        start, end = draw(spans())
        pool = draw(st.sampled_from(POOLS[:2]))
        bought.append(Commitment(reservation, pool, draw(st.integers(1, 90)), start, end))
    return held, bought


def total(found: tuple[Piece, ...]) -> int:
    return sum(piece.unit_minutes for piece in found)


@given(situations(), st.lists(minutes, max_size=6))
def test_what_was_held_and_reserved_is_in_exactly_one_piece(
    situation: tuple[list[Held], list[Commitment]], cuts: list[int]
) -> None:
    held, bought = situation
    found = capacity.pieces(held, bought, edges=[at(cut) for cut in cuts])

    for one in held:
        own = tuple(piece for piece in found if piece.deployment == one.deployment)
        assert total(own) == one.units * capacity.minutes(one.start, one.end)
        assert all(one.start <= piece.start < piece.end <= one.end for piece in own)
    for of in bought:
        own = tuple(piece for piece in found if piece.reservation == of.reservation)
        assert total(own) == of.units * capacity.minutes(of.start, of.end)
    assert all(piece.units > 0 for piece in found)
    assert not any(piece.start < at(cut) < piece.end for piece in found for cut in cuts)


@given(situations())
def test_nothing_is_left_uncovered_while_something_reserved_is_unused(
    situation: tuple[list[Held], list[Commitment]],
) -> None:
    held, bought = situation
    found = capacity.pieces(held, bought, edges=())
    pool_of = {one.deployment: one.pool for one in held}
    pool_by = {one.reservation: one.pool for one in bought}

    for piece in found:
        if piece.deployment and piece.reservation:
            assert pool_of[piece.deployment] == pool_by[piece.reservation]
    for uncovered in (piece for piece in found if piece.reservation is None):
        pool = pool_of[uncovered.deployment or 0]
        assert not [
            piece
            for piece in found
            if piece.deployment is None
            and pool_by[piece.reservation or 0] == pool
            and piece.start < uncovered.end
            and uncovered.start < piece.end
        ]


@given(situations(), st.lists(minutes, max_size=6))
def test_neither_order_nor_cutting_changes_who_got_how_much(
    situation: tuple[list[Held], list[Commitment]], cuts: list[int]
) -> None:
    held, bought = situation

    def summed(found: tuple[Piece, ...]) -> dict[tuple[int | None, int | None], int]:
        sums: dict[tuple[int | None, int | None], int] = {}
        for piece in found:
            key = (piece.deployment, piece.reservation)
            sums[key] = sums.get(key, 0) + piece.unit_minutes
        return sums

    plain = summed(capacity.pieces(held, bought, edges=()))
    cut = capacity.pieces(held[::-1], bought[::-1], edges=[at(minute) for minute in cuts])
    assert summed(cut) == plain


def test_coverage_is_in_proportion_and_a_tie_goes_to_the_lower_id() -> None:
    held = [Held(1, GLOBAL, 50, at(0), at(60)), Held(2, GLOBAL, 50, at(0), at(60))]
    found = capacity.pieces(held, [Commitment(7, GLOBAL, 25, at(0), at(60))], edges=())

    covered = {piece.deployment: piece.units for piece in found if piece.reservation}
    assert covered == {1: 13, 2: 12}


def test_an_hour_resized_in_its_middle_is_paid_by_the_minute() -> None:
    held = [Held(1, GLOBAL, 50, at(0), at(25)), Held(1, GLOBAL, 100, at(25), at(60))]
    found = capacity.pieces(held, [], edges=())

    assert total(found) == 50 * 25 + 100 * 35
    assert capacity.cost(total(found), Decimal(1)) == Decimal("79.166666666666666667")


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_on_which_clocks_change_has_its_own_length(day: date, hours: int) -> None:
    midnights = [periods.midnight(one, "Europe/Berlin") for one in (day, day + timedelta(days=1))]
    month = periods.month_of_day(day, "Europe/Berlin")
    found = capacity.pieces([Held(1, GLOBAL, 50, month.start, month.end)], [], edges=midnights)
    of_day = [piece for piece in found if piece.start == midnights[0]]
    assert total(tuple(of_day)) == hours * 60 * 50


@given(
    whole=strategies.amounts(least=Decimal(0)),
    length=st.integers(1, 530_000),
    cuts=st.lists(st.integers(-10, 540_000), max_size=40),
)
def test_the_parts_of_a_term_sum_to_its_price(whole: Decimal, length: int, cuts: list[int]) -> None:
    term = (START, at(length))
    edges = [START, *sorted(at(min(max(cut, 0), length)) for cut in cuts), term[1]]
    shares = [
        capacity.amortized(whole, term, end) - capacity.amortized(whole, term, start)
        for start, end in pairwise(edges)
    ]
    assert sum(shares) == whole
    assert all(share >= 0 for share in shares)
    for share, (start, end) in zip(shares, pairwise(edges), strict=True):
        even = Fraction(whole) * capacity.minutes(start, end) / length
        assert abs(Fraction(share) - even) <= Fraction(1, 10**18)


@given(
    whole=strategies.amounts(least=Decimal(0)),
    weights=st.dictionaries(st.integers(), st.integers(1, 10**6), min_size=1, max_size=8),
)
def test_used_and_unused_sum_to_what_is_amortized(whole: Decimal, weights: dict[int, int]) -> None:
    parts = capacity.apportioned(whole, weights)
    assert sum(parts.values()) == whole
    for key, part in parts.items():
        even = Fraction(whole) * weights[key] / sum(weights.values())
        assert abs(Fraction(part) - even) <= Fraction(1, 10**18)


@given(st.integers(0, 400), st.dictionaries(st.integers(), st.integers(0, 99), max_size=6))
def test_whole_units_are_shared_out_whole(whole: int, weights: dict[int, int]) -> None:
    covered = min(whole, sum(weights.values()))
    parts = capacity.shared(covered, weights)
    assert sum(parts.values()) == covered
    assert all(0 <= part <= weights[key] for key, part in parts.items())


@pytest.mark.parametrize(
    ("term", "start", "end"),
    [
        (Term.MONTH, "2026-01-31T10:00", "2026-02-28T10:00"),
        (Term.MONTH, "2026-12-05T00:00", "2027-01-05T00:00"),
        (Term.YEAR, "2028-02-29T00:00", "2029-02-28T00:00"),
        (Term.YEAR, "2026-11-01T00:00", "2027-11-01T00:00"),
    ],
)
def test_a_term_ends_by_the_calendar(term: Term, start: str, end: str) -> None:
    begins, ends = (datetime.fromisoformat(f"{text}+00:00") for text in (start, end))
    assert term.end(begins) == ends


@pytest.mark.parametrize(
    ("sku", "base", "kind"),
    [
        ("GlobalProvisionedManaged", "", Kind.PROVISIONED),
        ("ProvisionedManaged", "gpt-4.1", Kind.PROVISIONED),
        ("GlobalStandard", "gpt-4.1", Kind.HOSTING),
        ("GlobalStandard", "", None),
        ("DeveloperTier", "gpt-4.1", None),
        ("GlobalBatch", "", None),
    ],
)
def test_what_is_paid_by_the_hour(sku: str, base: str, kind: Kind | None) -> None:
    assert capacity.kind_of(sku, base_model=base) is kind
