"""What the story came to: as text for the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from governance.suspensions import Held
from portal.demo.setting import PLANS, Plan
from portal.demo.story import Called, Tale, TenantTale
from tenancy import money
from tenancy.money import Money


def holds(tale: Tale) -> bool:
    """Whether the story came out: a key suspended and refused, another served, statements made."""
    return (
        tale.refused is not None
        and tale.refused.answer.key_refused
        and tale.served is not None
        and tale.served.answer.status == 200
        and all(draft.lines for tenant in tale.tenants for draft in tenant.statements)
    )


def text(tale: Tale, *, web_url: str, password: str) -> str:
    """The story's end, as one reads it in a terminal."""
    lines = ["", "What happened", *_indented(_happened(tale)), "", "Statements so far this month"]
    lines += _indented(line for tenant in tale.tenants for line in _statements(tenant))
    lines += ["", f"Open {web_url} and sign in; the password of everybody is {password}"]
    lines += _indented(_people())
    return "\n".join(lines)


def as_json(tale: Tale, *, web_url: str) -> dict[str, Any]:
    """The same as plain values; amounts are decimal strings."""
    return {
        "holds": holds(tale),
        "seconds": round(tale.seconds, 1),
        "web_url": web_url,
        "prices_loaded": tale.prices,
        "tenants": [_tenant_json(tenant) for tenant in tale.tenants],
        "refused_call": _call_json(tale.refused),
        "served_call": _call_json(tale.served),
        "sign_ins": [
            {"tenant": plan.slug, "email": one.email, "role": one.role.value, "team": one.team}
            for plan in PLANS
            for one in plan.people
        ],
    }


def _happened(tale: Tale) -> Iterator[str]:
    for tenant in tale.tenants:
        for standing in tenant.suspended:
            yield from _suspended(tenant, standing)
        yield from _asked(tenant)
        if tenant.unpriced_tokens:
            yield (
                f"{tenant.unpriced_tokens:,} tokens of {tenant.name} have no price: they are "
                "shown as unpriced and in no amount."
            )
    if tale.refused and tale.served:
        yield (
            f"A call with the key of {tale.refused.subscription} now gets HTTP "
            f"{tale.refused.answer.status}: “{tale.refused.answer.message}”"
        )
        yield (
            f"A call with the key of {tale.served.subscription} gets HTTP "
            f"{tale.served.answer.status}, {tale.served.answer.completion_tokens} tokens."
        )
    else:
        yield "No subscription is over its quota this month. `make reset` starts the story afresh."


def _asked(tenant: TenantTale) -> Iterator[str]:
    for request in tenant.requests:
        amount = _shown(Money(request.amount or Decimal(0), tenant.currency))
        yield (
            f"{request.requested_by.name} asks for {amount} more a month for "
            f"{request.subscription}: request {request.number} is {request.get_state_display()}."
        )


def _suspended(tenant: TenantTale, standing: Held) -> Iterator[str]:
    evidence = standing.evidence
    spent = _shown(Money(Decimal(evidence["cost"]), tenant.currency))
    limit = _shown(Money(Decimal(evidence["limit"]), tenant.currency))
    yield (
        f"{standing.subscription} of {tenant.name} is suspended since "
        f"{_local(standing.since, tenant.zone)}: {standing.reason}."
    )
    yield f"  It spent {spent} of {limit} (estimated, {evidence['period']}, {tenant.zone})."
    if crossed := evidence.get("crossed_in_hour_of"):
        at = datetime.fromisoformat(crossed)
        yield f"  The quota was crossed in the hour of {_local(at, tenant.zone)}."


def _statements(tenant: TenantTale) -> Iterator[str]:
    for draft in tenant.statements:
        yield (
            f"{tenant.name}, {draft.team}: {_shown(draft.total)} {draft.basis}, "
            f"{len(draft.lines)} lines"
        )


def _people() -> Iterator[str]:
    for plan in PLANS:
        for one in plan.people:
            yield f"{one.email:<24} {_does(plan, one.role.label, one.team)}"


def _does(plan: Plan, role: str, team: str) -> str:
    names = {one.slug: one.name for one in plan.teams}
    return f"{role} of {names[team]}, {plan.slug}" if team else f"{role}, {plan.slug}"


def _tenant_json(tenant: TenantTale) -> dict[str, Any]:
    return {
        "tenant": tenant.ref.slug,
        "currency": tenant.currency,
        "time_zone": tenant.zone,
        "usage_through": tenant.usage_through.isoformat() if tenant.usage_through else None,
        "spent": {name: f"{amount:f}" for name, amount in tenant.spent},
        "unpriced_tokens": tenant.unpriced_tokens,
        "suspended": [
            {
                "subscription": standing.subscription,
                "since": standing.since.isoformat(),
                "reason": standing.reason,
                "evidence": standing.evidence,
            }
            for standing in tenant.suspended
        ],
        "statements": [
            {
                "team": draft.team_slug,
                "period": draft.period.key,
                "total": f"{draft.total.amount:f}",
                "currency": draft.currency,
                "basis": draft.basis.value,
                "lines": len(draft.lines),
            }
            for draft in tenant.statements
        ],
    }


def _call_json(called: Called | None) -> dict[str, Any] | None:
    if called is None:
        return None
    answer = called.answer
    return {
        "subscription": called.subscription,
        "status": answer.status,
        "message": answer.message,
    }


def _shown(amount: Money) -> str:
    return f"{money.rounded(amount).amount:f} {amount.currency}"


def _local(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%d %b %H:%M} {zone}"


def _indented(lines: Iterator[str]) -> list[str]:
    return [f"  {line}" for line in lines]
