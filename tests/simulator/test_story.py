"""The money that the workshop tells of, on any day of a month."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from simulator import traffic
from simulator.logs import Call
from simulator.setting import CONTOSO, FABRIKAM, Size, Tenant

QUOTAS = {"platinum": 15.0, "gold": 10.0, "silver": 5.0}
DAYS = [
    "2026-11-01T06:00:00+01:00",
    "2026-11-02T00:30:00+01:00",
    "2026-11-15T12:00:00+01:00",
    "2026-11-20T14:20:00Z",
    "2026-11-30T23:30:00+01:00",
    "2026-10-25T23:30:00+01:00",
    "2027-03-01T08:00:00+01:00",
]


@pytest.fixture(params=DAYS)
def now(request: pytest.FixtureRequest) -> datetime:
    return datetime.fromisoformat(request.param).astimezone(UTC)


def _calls(tenant: Tenant, now: datetime) -> list[Call]:
    return list(traffic.history(tenant, now=now, seed="apportion", size=Size.WORKSHOP))


def _priced(tenant: Tenant, calls: list[Call]) -> Iterator[tuple[Call, float]]:
    for call in calls:
        deployment = tenant.account.deployment(call.deployment)
        if deployment and call.rows.value == "both" and call.prompt and call.completion:
            yield call, deployment.cost(call.prompt, call.completion)


def _spent(tenant: Tenant, calls: list[Call]) -> dict[str, list[float]]:
    """Per subscription: the two earlier local months, then the running one."""
    zone = ZoneInfo(tenant.time_zone)
    months = sorted({call.at.astimezone(zone).strftime("%Y-%m") for call in calls})
    assert len(months) == 3
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for call, usd in _priced(tenant, calls):
        sums[call.subscription][months.index(call.at.astimezone(zone).strftime("%Y-%m"))] += usd
    return sums


def test_exactly_one_team_has_passed_its_quota_and_only_this_month(now: datetime) -> None:
    spent = _spent(CONTOSO, _calls(CONTOSO, now))
    shares = {
        s.name: [usd / QUOTAS[s.product] for usd in spent[s.name]] for s in CONTOSO.subscriptions
    }
    assert 1.05 <= shares["subscription4"][2] <= 1.20
    assert 0.30 <= shares["subscription1"][2] <= 0.50
    assert 0.60 <= shares["subscription2"][2] <= 0.70
    assert 0.20 <= shares["subscription3"][2] <= 0.30
    assert all(share < 1 for name in shares for share in shares[name][:2])


def test_it_is_passed_in_the_later_part_of_the_elapsed_month(now: datetime) -> None:
    calls = [c for c in _calls(CONTOSO, now) if c.subscription == "subscription4"]
    month = traffic.months(CONTOSO, now)[2]
    running, reached = [c for c in calls if c.at >= month.start], 0.0
    for call, usd in sorted(_priced(CONTOSO, running), key=lambda pair: pair[0].at):
        reached += usd
        if reached > 5.0:
            elapsed = (call.at - month.start) / (month.end - month.start)
            assert 0.65 <= elapsed <= 0.95
            return
    pytest.fail("5 USD were never passed")


def test_the_other_tenant_stays_within_twenty_euros(now: datetime) -> None:
    spent = _spent(FABRIKAM, _calls(FABRIKAM, now))
    assert len(spent) == 4  # three teams and the all-access key
    assert all(0 <= usd < 20 for months in spent.values() for usd in months)


def test_no_team_has_more_tokens_in_a_month_than_its_gateway_allows() -> None:
    now = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)
    for tenant in (CONTOSO, FABRIKAM):
        tokens: dict[tuple[str, str], int] = defaultdict(int)
        for call in _calls(tenant, now):
            tokens[call.subscription, call.at.strftime("%Y-%m")] += (call.prompt or 0) + (
                call.completion or 0
            )
        assert max(tokens.values()) <= 1_000_000


def test_history_lies_in_the_past_and_is_the_same_every_time(now: datetime) -> None:
    calls = _calls(CONTOSO, now)
    assert calls == _calls(CONTOSO, now)
    assert max(call.at for call in calls) < now
    assert len({call.correlation for call in calls}) == len(calls)


def test_the_mess_of_real_logs_is_there() -> None:
    calls = _calls(CONTOSO, datetime(2026, 11, 20, 14, 20, tzinfo=UTC))
    share = len([c for c in calls if c.status == 429]) / len(calls)
    assert 0.005 < share < 0.02
    assert any(c.status == 403 for c in calls)
    assert any(c.cache == "hit" for c in calls)
    assert any(c.subscription == "" and c.prompt for c in calls)
    assert any(c.streamed and not c.prompt for c in calls)
    assert any(c.api.endswith(";rev=1") for c in calls)
    assert {c.model for c in calls} >= {
        "gpt-5.2-chat",
        "gpt-5.2-chat-2025-12-11",
        "gpt-5.2-preview",
    }
    assert CONTOSO.account.deployment("gpt-5.2-preview") is None


def test_office_hours_are_busier_than_nights_and_weekends() -> None:
    zone = ZoneInfo(CONTOSO.time_zone)
    local = [
        c.at.astimezone(zone) for c in _calls(CONTOSO, datetime(2026, 11, 20, 14, 20, tzinfo=UTC))
    ]
    assert len([t for t in local if 9 <= t.hour < 17]) > 2 * len([t for t in local if t.hour < 6])
    assert len([t for t in local if t.weekday() == 1]) > 1.5 * len(
        [t for t in local if t.weekday() == 6]
    )
