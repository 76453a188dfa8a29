"""Whose approval a request needs: a table of cases, and what no policy and no trick may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.models import Demand as Stored
from governance.models import RequestKind
from governance.models import Whose as StoredWhose
from governance.rules.routing import (
    ANY_APPROVER,
    BASE_DAYS,
    Condition,
    Demand,
    Earlier,
    Facts,
    Need,
    Owner,
    Policy,
    Target,
    Whose,
    meets,
    needs,
    times,
    weigh,
)

NOW = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)
FINOPS, SECURITY = 1, 2
SEARCH, SUPPORT = 11, 12
GOLD, SILVER = 21, 22
KEY = Target("subscription 31", "currency", "month")
OTHER_KEY = Target("subscription 32", "currency", "month")

#: The policies of the table, by name.
POLICIES = {
    "small": Policy(1, Demand.AUTOMATIC, kinds=frozenset({"increase", "temporary"})),
    "any": Policy(2, Demand.ONE, FINOPS),
    "from 500": Policy(3, Demand.TWO, FINOPS, amount_from=Decimal(500)),
    "from 50 %": Policy(4, Demand.OWNER_FIRST, FINOPS, percent_from=Decimal(50)),
    "production": Policy(5, Demand.ONE, SECURITY, environment="Production"),
    "gold": Policy(6, Demand.ONE, SECURITY, product=GOLD),
    "search": Policy(7, Demand.TWO, None, team=SEARCH),
    "a month": Policy(8, Demand.TWO, FINOPS, days_from=30),
    "will pass": Policy(9, Demand.OWNER_FIRST, FINOPS, forecast_from=Decimal(120)),
    "new ones": Policy(10, Demand.ONE, SECURITY, kinds=frozenset({"subscription"})),
}
#: 100 more a month for a limit of 1000 in test, of which 80 % are expected to be used.
USUAL = Facts(
    kind="increase",
    team=SUPPORT,
    at=NOW,
    amount=Decimal(100),
    change=Decimal(100),
    base=Decimal(1000),
    forecast=Decimal(80),
    days=None,
    target=KEY,
    products=frozenset({SILVER}),
    environments=frozenset({"test"}),
    owner=Owner.MAY,
)
WEEK = replace(USUAL, kind="temporary", days=7)
LESS = replace(USUAL, kind="decrease", amount=Decimal(0), change=Decimal(-100))
AGAIN = replace(USUAL, kind="reactivation", amount=Decimal(0), change=Decimal(0))
NEW = replace(
    USUAL, kind="subscription", target=None, base=None, change=Decimal(100), forecast=None
)
SMALLER = replace(USUAL, kind="tier", amount=Decimal(-300), change=Decimal(-300))


def _before(days: int, much: str, **changed: object) -> Earlier:
    """Something of the usual kind, so many days ago."""
    usual = Earlier(
        at=NOW - timedelta(days=days),
        team=SUPPORT,
        target=KEY,
        amount=Decimal(much),
        change=Decimal(much),
    )
    return replace(usual, **changed)  # type: ignore[arg-type]  # names of its fields


def _told(found: tuple[Need, ...]) -> str:
    """Needs in the words of the table: ``owner, 2 finops``."""
    names = {FINOPS: "finops", SECURITY: "security", None: "any"}
    return ", ".join(
        "owner" if need.whose is Whose.OWNER else f"{need.people} {names[need.group]}"
        for need in found
    )


@pytest.mark.parametrize(
    ("policies", "facts", "told"),
    [
        # What nobody thought of is for one approver; what only an automatic one meets is for none.
        ("", USUAL, "1 any"),
        ("from 500, production", USUAL, "1 any"),
        ("small", USUAL, "0 any"),
        ("small", LESS, "1 any"),
        ("small, any", USUAL, "1 finops"),
        ("small, from 500", USUAL, "0 any"),
        ("small, from 500", replace(USUAL, amount=Decimal(500)), "2 finops"),
        # One group is asked once, by the most that any policy says; others stand beside it.
        ("any, from 500", replace(USUAL, amount=Decimal(500)), "2 finops"),
        ("any, production", replace(USUAL, environments=frozenset({"PRODUCTION "})),
         "1 finops, 1 security"),
        ("production, any", replace(USUAL, environments=frozenset({"production", "test"})),
         "1 security, 1 finops"),
        ("any, search", replace(USUAL, team=SEARCH), "1 finops, 2 any"),
        ("any, gold", replace(USUAL, products=frozenset({SILVER, GOLD})), "1 finops, 1 security"),
        ("any, gold", USUAL, "1 finops"),
        # The owner comes first, whatever the order; without one two of the group decide.
        ("any, from 50 %", replace(USUAL, change=Decimal(500)), "owner, 1 finops"),
        ("any, from 50 %", replace(USUAL, change=Decimal(500), owner=Owner.NONE), "2 finops"),
        ("any, from 50 %", replace(USUAL, change=Decimal(500), owner=Owner.OWNS_TEAM), "2 finops"),
        ("from 500, from 50 %", replace(USUAL, amount=Decimal(500), change=Decimal(500)),
         "owner, 2 finops"),
        # Just below is below, at is at.
        ("any, from 500", replace(USUAL, amount=Decimal("499.9999")), "1 finops"),
        ("any, from 50 %", replace(USUAL, change=Decimal("499.9999")), "1 finops"),
        ("any, will pass", replace(USUAL, forecast=Decimal("119.99")), "1 finops"),
        ("any, will pass", replace(USUAL, forecast=Decimal(120)), "owner, 1 finops"),
        # What is not known counts as reached.
        ("any, from 500", replace(USUAL, amount=None), "2 finops"),
        ("any, from 50 %", replace(USUAL, base=None), "owner, 1 finops"),
        ("any, from 50 %", replace(USUAL, base=Decimal(0)), "owner, 1 finops"),
        ("any, will pass", replace(USUAL, forecast=None), "owner, 1 finops"),
        ("any, production", replace(USUAL, environments=frozenset({""})), "1 finops, 1 security"),
        # For how long: for good is longer than any.
        ("any, a month", USUAL, "2 finops"),
        ("any, a month", WEEK, "1 finops"),
        ("any, a month", replace(WEEK, days=29), "1 finops"),
        ("any, a month", replace(WEEK, days=30), "2 finops"),
        ("any, a month", replace(WEEK, before=(_before(3, "9", temporary_days=23),)), "2 finops"),
        ("any, a month", replace(WEEK, before=(_before(3, "9", temporary_days=22),)), "1 finops"),
        ("any, a month", replace(WEEK, before=(_before(31, "9", temporary_days=99),)), "1 finops"),
        ("any, a month",
         replace(WEEK, before=(_before(3, "9", temporary_days=99, target=OTHER_KEY),)),
         "1 finops"),
        # Less asks for nothing that could be much.
        ("any, from 500, from 50 %, a month, will pass", replace(LESS, base=None), "1 finops"),
        ("any, from 500, from 50 %, a month, will pass", replace(SMALLER, base=None), "1 finops"),
        ("from 500", replace(LESS, before=(_before(3, "900"),)), "1 any"),
        ("any, production", replace(LESS, environments=frozenset({"production"})),
         "1 finops, 1 security"),
        # Another tier and a new subscription count by what they allow more; unknown is much.
        ("any, from 500", replace(SMALLER, amount=Decimal(500)), "2 finops"),
        ("any, from 500", replace(SMALLER, amount=None), "2 finops"),
        ("any, from 500", NEW, "1 finops"),
        ("any, from 500", replace(NEW, amount=None), "2 finops"),
        ("any, from 500", replace(NEW, before=(_before(3, "400", target=OTHER_KEY),)), "2 finops"),
        ("any, from 50 %", NEW, "owner, 1 finops"),
        ("any, new ones", NEW, "1 finops, 1 security"),
        ("any, new ones", USUAL, "1 finops"),
        # Being served again is no more; what it will use counts.
        ("any, from 500, from 50 %, a month", AGAIN, "1 finops"),
        ("any, will pass", replace(AGAIN, forecast=Decimal(130)), "owner, 1 finops"),
        # What was asked for in the window counts with it: of the team, or of the limit.
        ("any, from 500", replace(USUAL, before=(_before(29, "400"),)), "2 finops"),
        ("any, from 500", replace(USUAL, before=(_before(30, "400"),)), "2 finops"),
        ("any, from 500", replace(USUAL, before=(_before(31, "400"),)), "1 finops"),
        ("any, from 500", replace(USUAL, before=(_before(9, "400", team=SEARCH),)), "1 finops"),
        ("any, from 500", replace(USUAL, before=(_before(9, "0", amount=None),)), "2 finops"),
        ("any, from 50 %", replace(USUAL, before=(_before(9, "400"),)), "owner, 1 finops"),
        ("any, from 50 %", replace(USUAL, before=(_before(9, "400", target=OTHER_KEY),)),
         "1 finops"),
        ("any, from 50 %", replace(USUAL, before=(_before(9, "400", team=SEARCH),)),
         "owner, 1 finops"),
    ],
)  # fmt: skip
def test_each_case(policies: str, facts: Facts, told: str) -> None:
    named = [POLICIES[name] for name in policies.split(", ") if name]
    assert _told(needs([one for one in named if meets(one, facts)], facts.owner)) == told


def test_the_rule_knows_every_demand_and_kind_that_is_stored() -> None:
    assert {one.value for one in Demand} == set(Stored.values)
    assert {one.value for one in Whose} == set(StoredWhose.values)
    more = {kind for kind in RequestKind.values if replace(USUAL, kind=kind).for_more}
    assert more == {"increase", "temporary", "tier", "subscription"}


def test_the_limit_before_the_window_is_without_what_came_in_within_it() -> None:
    """1000 now: 200 came in 45 days ago, 300 ten days ago, of which the base knows already."""
    long_ago = _before(50, "200", granted=Decimal(200), granted_at=NOW - timedelta(days=45))
    of_late = _before(11, "300", granted=Decimal(300), granted_at=NOW - timedelta(days=10))
    facts = replace(USUAL, base=Decimal(700), before=(replace(long_ago, in_base=True), of_late))
    assert facts.base_before(BASE_DAYS) == 700
    assert facts.base_before(60) == 500
    assert facts.base_before(7) == 1000
    assert facts.percent(7) == 10
    assert facts.percent(60) == 120
    assert replace(facts, forecast=Decimal(100)).forecast_percent(60) == 140


def test_a_policy_tells_what_it_looked_at() -> None:
    policy = replace(POLICIES["from 500"], kinds=frozenset({"increase"}), team=SEARCH)
    told = weigh(policy, replace(USUAL, before=(_before(9, "50"),)))
    assert [(one.condition, one.met) for one in told] == [
        (Condition.KIND, True),
        (Condition.TEAM, False),
        (Condition.AMOUNT, False),
    ]
    assert (told[2].found, told[2].wanted) == (150, 500)


def test_owners_may_decide_only_where_every_policy_lets_them() -> None:
    lets, forbids = replace(POLICIES["any"], own_teams=True), POLICIES["from 500"]
    assert needs([lets], Owner.MAY)[0].own_teams
    assert not needs([lets, forbids], Owner.MAY)[0].own_teams
    assert not needs([forbids, lets], Owner.MAY)[0].own_teams


def test_an_owner_who_owns_the_team_is_asked_by_those_policies_that_let_them() -> None:
    lets = replace(POLICIES["from 50 %"], own_teams=True)
    assert _told(needs([lets], Owner.OWNS_TEAM)) == "owner, 1 finops"
    assert _told(needs([lets, POLICIES["from 50 %"]], Owner.OWNS_TEAM)) == "owner, 2 finops"


def test_a_need_names_the_first_policy_that_asks_for_so_many_and_says_why_it_is_two() -> None:
    (joined,) = needs([POLICIES["any"], POLICIES["from 500"], POLICIES["a month"]], Owner.MAY)
    assert (joined.policy, joined.for_owner) == (POLICIES["from 500"].id, False)
    (instead,) = needs([POLICIES["any"], POLICIES["from 50 %"]], Owner.NONE)
    assert instead.for_owner


def test_the_shortest_times_count() -> None:
    slow = replace(POLICIES["any"], remind_after=timedelta(hours=48))
    quick = replace(
        POLICIES["from 500"],
        escalate_after=timedelta(hours=4),
        expires_after=timedelta(days=3),
    )
    told = times([slow, quick])
    assert told.remind_after == timedelta(hours=24)
    assert (told.escalate_after, told.expires_after) == (timedelta(hours=4), timedelta(days=3))
    assert times([]).expires_after == timedelta(days=30)


# --- what must hold of all policies and all requests ---

#: Who there is to approve: people by name, the groups they are in, who owns the asking team.
GROUPS = {FINOPS: {"fay", "gus", "hal"}, SECURITY: {"hal", "ida"}, None: {"fay", "gus", "hal",
          "ida", "joe"}}  # fmt: skip
TEAM_OWNERS = {"gus"}
CENTER_OWNER = "zoe"
EVERYBODY = sorted({*GROUPS[None], CENTER_OWNER})

money = st.decimals(0, 2000, places=4, allow_nan=False, allow_infinity=False)
positive = st.decimals("0.0001", 2000, places=4, allow_nan=False, allow_infinity=False)
percents = st.decimals(0, 400, places=2, allow_nan=False, allow_infinity=False)
groups = st.sampled_from([FINOPS, SECURITY, None])
owners = st.sampled_from(Owner)
kinds = st.sampled_from(["increase", "temporary", "decrease", "tier", "subscription",
                         "reactivation"])  # fmt: skip


@st.composite
def policies(draw: st.DrawFn, *, demands: tuple[Demand, ...] = tuple(Demand)) -> Policy:
    return Policy(
        id=draw(st.integers(1, 99)),
        demand=draw(st.sampled_from(demands)),
        group=draw(groups),
        own_teams=draw(st.booleans()),
        kinds=frozenset(draw(st.lists(kinds, max_size=2))),
        team=draw(st.sampled_from([None, SEARCH, SUPPORT])),
        environment=draw(st.sampled_from(["", "production", "test"])),
        amount_from=draw(st.none() | money),
        percent_from=draw(st.none() | percents),
        days_from=draw(st.none() | st.integers(1, 90)),
        forecast_from=draw(st.none() | percents),
        window_days=draw(st.integers(1, 90)),
    )


@st.composite
def earlier(draw: st.DrawFn) -> Earlier:
    change = draw(money)
    sent = NOW - timedelta(days=draw(st.integers(0, 120)))
    granted = draw(st.booleans())
    return Earlier(
        at=sent,
        team=draw(st.sampled_from([SEARCH, SUPPORT])),
        target=draw(st.sampled_from([KEY, OTHER_KEY, None])),
        amount=draw(st.none() | st.just(change)),
        change=change,
        temporary_days=draw(st.integers(0, 40)),
        granted=change if granted else Decimal(0),
        granted_at=sent if granted else None,
        in_base=sent < NOW - timedelta(days=BASE_DAYS),
    )


@st.composite
def facts(draw: st.DrawFn, *, of: st.SearchStrategy[str] = kinds) -> Facts:
    kind = draw(of)
    amount = draw(st.none() | positive)
    return Facts(
        kind=kind,
        team=draw(st.sampled_from([SEARCH, SUPPORT])),
        at=NOW,
        amount=amount,
        change=draw(positive) if kind in ("increase", "temporary") else amount,
        base=draw(st.none() | money),
        forecast=draw(st.none() | percents),
        days=draw(st.integers(1, 90)) if kind == "temporary" else None,
        target=None if kind == "subscription" else KEY,
        environments=frozenset(draw(st.sampled_from(["", "production", "test"])) for _ in "ab"),
        owner=draw(owners),
        before=tuple(draw(st.lists(earlier(), max_size=5))),
    )


def _satisfy(found: tuple[Need, ...], people: frozenset[str]) -> bool:
    """Whether these people's approvals are all that is needed; a center's owner's is its own."""
    approvers = people - {CENTER_OWNER}
    for need in found:
        if need.whose is Whose.OWNER:
            if CENTER_OWNER not in people:
                return False
            continue
        may = GROUPS[need.group] - (set() if need.own_teams else TEAM_OWNERS)
        if len(approvers & may) < need.people:
            return False
    return True


CROWDS = [
    frozenset(crowd)
    for size in range(len(EVERYBODY) + 1)
    for crowd in combinations(EVERYBODY, size)
]


def _at_least(first: tuple[Need, ...], second: tuple[Need, ...]) -> bool:
    """Whether whoever satisfies the first satisfies the second."""
    return all(_satisfy(second, crowd) for crowd in CROWDS if _satisfy(first, crowd))


def _no_less(first: tuple[Need, ...], second: tuple[Need, ...]) -> bool:
    """As `_at_least`; where no policy is met, one that is may say that the team's owners decide."""
    lets = (replace(ANY_APPROVER, own_teams=True),)
    return _at_least(first, lets if second == (ANY_APPROVER,) else second)


def _route(named: list[Policy], asked: Facts) -> tuple[Need, ...]:
    return needs([one for one in named if meets(one, asked)], asked.owner)


def test_the_order_of_needs_tells_weak_from_strong() -> None:
    """The properties below rest on it: it must be able to say no."""
    two = (replace(ANY_APPROVER, people=2),)
    assert _at_least(two, (ANY_APPROVER,))
    assert not _at_least((ANY_APPROVER,), two)
    finops, security = replace(ANY_APPROVER, group=FINOPS), replace(ANY_APPROVER, group=SECURITY)
    assert not _at_least((finops,), (security,))
    assert _at_least((finops, security), (security,))
    lets = replace(ANY_APPROVER, own_teams=True)
    assert not _at_least((lets,), (ANY_APPROVER,))


@given(
    st.lists(policies(), max_size=5),
    policies(demands=(Demand.ONE, Demand.TWO, Demand.OWNER_FIRST)),
    facts(),
)
def test_a_policy_more_never_asks_for_less(named: list[Policy], more: Policy, asked: Facts) -> None:
    """Unless it approves by itself."""
    assert _no_less(_route([*named, more], asked), _route(named, asked))


@given(st.lists(policies(), max_size=5), facts(), st.randoms())
def test_the_order_of_policies_changes_nothing_but_who_is_asked_first(
    named: list[Policy], asked: Facts, chance: object
) -> None:
    shuffled = list(named)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    first, second = _route(named, asked), _route(shuffled, asked)
    assert {(one.whose, one.group, one.people, one.own_teams) for one in first} == {
        (one.whose, one.group, one.people, one.own_teams) for one in second
    }
    assert [one.whose for one in first] == sorted(
        (one.whose for one in first), key=lambda whose: whose is not Whose.OWNER
    )


@given(st.lists(policies(), max_size=5), facts(of=st.just("temporary")), st.integers(0, 60))
def test_for_more_days_never_needs_less(named: list[Policy], asked: Facts, longer: int) -> None:
    longer_one = replace(asked, days=(asked.days or 0) + longer)
    plain = [replace(one, demand=Demand.ONE) if one.demand is Demand.AUTOMATIC else one
             for one in named]  # fmt: skip
    assert _no_less(_route(plain, longer_one), _route(plain, asked))


@given(
    st.lists(policies(demands=(Demand.ONE, Demand.TWO, Demand.OWNER_FIRST)), max_size=5),
    facts(of=st.sampled_from(["increase", "temporary"])),
    st.lists(positive, min_size=1, max_size=4),
    st.booleans(),
)
def test_the_last_part_of_a_whole_needs_what_the_whole_needs(
    named: list[Policy], whole: Facts, cuts: list[Decimal], granted: bool
) -> None:
    """However it is cut, whether its parts were granted meanwhile or wait."""
    last = Decimal("0.0001")
    parts = [*cuts, last]
    whole = replace(whole, amount=sum(parts, Decimal(0)), change=sum(parts, Decimal(0)))
    before = tuple(
        Earlier(
            at=NOW,
            team=whole.team,
            target=KEY,
            amount=part,
            change=part,
            temporary_days=whole.days or 0,
            granted=part if granted else Decimal(0),
            granted_at=NOW if granted else None,
        )
        for part in cuts
    )
    cut = replace(whole, amount=last, change=last, before=(*whole.before, *before))
    assert _no_less(_route(named, cut), _route(named, whole))


@given(
    st.lists(policies(demands=(Demand.ONE, Demand.TWO, Demand.OWNER_FIRST)), max_size=5),
    facts(of=st.just("temporary")),
    st.integers(1, 40),
)
def test_cutting_the_days_does_not_help_either(
    named: list[Policy], whole: Facts, first: int
) -> None:
    """The same for one time after another: the second counts the days of the first."""
    days = whole.days or 1
    part = Earlier(
        at=NOW, team=whole.team, target=KEY, amount=whole.amount, change=whole.change,
        temporary_days=first,
    )  # fmt: skip
    cut = replace(whole, before=(*whole.before, part))
    asked_at_once = replace(whole, days=days + first)
    assert _no_less(_route(named, cut), _route(named, asked_at_once))
