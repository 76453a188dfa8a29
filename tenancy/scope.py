"""Whose rows may be read and written: exactly one tenant's, for one transaction.

PostgreSQL enforces it: the policies of every tenant table compare ``tenant_id`` with the
transaction-local setting ``apportion.tenant``. With none set nothing is returned and nothing
can be written. ``set_config(…, true)`` only, so that transaction pooling is safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from django.db import connection, transaction

from tenancy.refusals import NoTenant


class TenantLike(Protocol):
    """Anything with a tenant's id and slug."""

    @property
    def id(self) -> int: ...
    @property
    def slug(self) -> str: ...


@dataclass(frozen=True, slots=True)
class TenantRef:
    """A tenant by id and slug, safe to hand to a worker or over a transaction's end."""

    id: int
    slug: str


_current: ContextVar[TenantRef | None] = ContextVar("tenant", default=None)


class OtherTenant(RuntimeError):
    """One tenant's scope was entered inside another's: always a bug."""


@contextmanager
def of(tenant: TenantLike) -> Iterator[TenantRef]:
    """Run the block in one transaction that sees this tenant's rows and no other's.

    Entering the same tenant's scope again nests as a savepoint.

    Raises:
        OtherTenant: another tenant's scope is open.
    """
    outer = _current.get()
    if outer is not None and outer.id != tenant.id:
        raise OtherTenant(f"{tenant.slug} was entered inside {outer.slug}")
    ref = TenantRef(tenant.id, tenant.slug)
    nested = connection.in_atomic_block
    with transaction.atomic():
        _tell_database(str(ref.id))
        token = _current.set(ref)
        try:
            yield ref
        finally:
            _current.reset(token)
        if nested and not connection.needs_rollback:  # the transaction goes on without it
            _tell_database(str(outer.id) if outer else "")


@contextmanager
def rehearsed() -> Iterator[None]:
    """Run the block, and keep nothing of what it did to the database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def current() -> TenantRef:
    """The tenant whose scope is open.

    Raises:
        NoTenant: none is.
    """
    ref = _current.get()
    if ref is None:
        raise NoTenant()
    return ref


def is_open() -> bool:
    """Whether any tenant's scope is."""
    return _current.get() is not None


def tenant_id() -> int:
    """The id of the tenant whose scope is open: the default of every ``tenant`` column."""
    return current().id


@contextmanager
def of_person(user_id: int) -> Iterator[None]:
    """Let one signed-in person see their own memberships, in whichever tenants they are.

    The only read across tenants: the choice of a tenant after signing in. It opens no other
    table than the memberships, and of those only the person's own rows.
    """
    with transaction.atomic():
        _tell_database_person(str(user_id))
        try:
            yield
        finally:
            if not connection.needs_rollback:
                _tell_database_person("")


def _tell_database(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('apportion.tenant', %s, true)", [value])


def _tell_database_person(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('apportion.person', %s, true)", [value])
