"""Who belongs to which tenant, and as what."""

from __future__ import annotations

from tenancy import scope
from tenancy.access import Actor
from tenancy.models import Membership, Person, Role, Tenant, TenantState
from tenancy.refusals import NotFound
from tenancy.scope import TenantRef


def tenants_of(person: Person) -> tuple[TenantRef, ...]:
    """The active tenants a signed-in person belongs to, by slug."""
    with scope.of_person(person.pk):
        ids = set(Membership._base_manager.filter(person=person).values_list("tenant", flat=True))
    rows = Tenant.objects.filter(id__in=ids, state=TenantState.ACTIVE).values_list("id", "slug")
    return tuple(TenantRef(id, slug) for id, slug in rows)


def actor(person: Person, *, scopes: frozenset[str] | None = None) -> Actor:
    """The person in the tenant in scope.

    Raises:
        NotFound: they do not belong to it (the same answer as for no such tenant).
    """
    membership = Membership.objects.filter(person=person, person__is_active=True).first()
    if membership is None:
        raise NotFound(kind="tenant")
    return Actor(
        tenant=scope.current(),
        person_id=person.pk,
        name=person.name,
        email=person.email,
        role=Role(membership.role),
        scopes=scopes,
    )


def member(email: str) -> Person:
    """The person of this e-mail address, in whatever case, in the tenant in scope.

    Raises:
        NotFound: nobody of that address belongs to it.
    """
    rows = Membership.objects.filter(person__email=email.strip().lower()).select_related("person")
    membership = rows.first()
    if membership is None:
        raise NotFound(kind="member")
    person: Person = membership.person
    return person


def join(person: Person, role: Role) -> Membership:
    """Make a person a member of the tenant in scope, or change their role there."""
    membership, _ = Membership.objects.update_or_create(
        person=person, tenant_id=scope.tenant_id(), defaults={"role": role}
    )
    return membership
