"""API tokens: made once, shown once, stored as a digest, bound to one tenant and one person.

The text is ``apt_<tenant>_<secret>``. The tenant's slug in it only says in whose scope to look;
what counts is the digest stored there.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenancy import memberships, scope, tenants
from tenancy.access import Actor
from tenancy.models import ApiToken, Person
from tenancy.refusals import Invalid, NotFound, Refused
from tenancy.scope import TenantRef

LONGEST_LIFE = timedelta(days=366)
#: How exactly a token's last use is kept.
NOTED_EVERY = timedelta(minutes=1)
SCOPES = (
    "read:inventory",
    "write:inventory",
    "read:usage",
    "write:usage",
    "read:costs",
    "read:statements",
    "read:prices",
    "write:prices",
    "read:quotas",
    "write:quotas",
    "read:budgets",
    "write:budgets",
    "read:requests",
    "write:requests",
    "decide:requests",
    "read:policies",
    "write:policies",
    "read:notifications",
    "write:notifications",
)


@dataclass(frozen=True, slots=True)
class NewToken:
    """The token's text, to be shown once, and its row."""

    text: str
    row: ApiToken


class BadToken(Refused):
    code = "bad-token"
    status = 401
    text = "The token is unknown, expired or revoked. Ask for a new one."


def issue(
    person: Person, *, name: str, scopes: tuple[str, ...], at: datetime, lasts: timedelta
) -> NewToken:
    """A new token of a member of the tenant in scope.

    Raises:
        Invalid: an unknown scope, or a life longer than a year.
        NotFound: the person is no member.
    """
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise Invalid(field="scopes", fix=f"{unknown[0]} is none of {', '.join(SCOPES)}.")
    if not timedelta() < lasts <= LONGEST_LIFE:
        raise Invalid(field="expires_at", fix="Give a life of at most a year.")
    memberships.actor(person)
    text = f"apt_{scope.current().slug}_{secrets.token_urlsafe(32)}"
    row = ApiToken.objects.create(
        name=name,
        person=person,
        digest=_digest(text),
        prefix=text[-43:][:6],
        scopes=list(scopes),
        expires_at=at + lasts,
    )
    return NewToken(text, row)


def tenant_of(text: str) -> TenantRef:
    """The tenant in whose scope the token is to be looked up.

    Raises:
        BadToken: the text is no token, or names no active tenant.
    """
    parts = text.split("_", 2)
    if len(parts) != 3 or parts[0] != "apt":
        raise BadToken()
    try:
        return tenants.by_slug(parts[1])
    except NotFound:
        raise BadToken() from None


def actor(text: str, *, at: datetime) -> Actor:
    """Whom the token stands for, in the tenant in scope, narrowed to its scopes.

    Raises:
        BadToken: unknown here, expired, revoked, or its person is no member any more.
    """
    row = (
        ApiToken.objects.filter(
            digest=_digest(text), expires_at__gt=at, revoked_at=None, person__is_active=True
        )
        .select_related("person")
        .first()
    )
    if row is None:
        raise BadToken()
    _note_use(row, at=at)
    try:
        return memberships.actor(row.person, scopes=frozenset(row.scopes))
    except NotFound:
        raise BadToken() from None


def _note_use(row: ApiToken, *, at: datetime) -> None:
    """Not at each use: requests with one token would wait for each other's transaction to end."""
    if row.last_used_at is None or at - row.last_used_at >= NOTED_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=at)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
