"""The gate: the only way from (actor, key) to an object.

The answer for "no such" and for "not yours" is the same `NotFound`, so that nothing can be
learned about what one may not see. Pages, API, admin actions and downloads all come through
here; what a kind of object shows to whom is said once, by its model's ``visible_to``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import QuerySet

from tenancy.models import SEES_WHOLE_TENANT, Role, TenantModel
from tenancy.refusals import NotFound, Refused
from tenancy.scope import TenantRef

Row = TypeVar("Row", bound=TenantModel)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in one tenant, with the role they have there. ``scopes`` narrows an API token."""

    tenant: TenantRef
    person_id: int
    name: str
    email: str
    role: Role
    scopes: frozenset[str] | None = None

    @property
    def sees_whole_tenant(self) -> bool:
        return self.role in SEES_WHOLE_TENANT


class NotAllowed(Refused):
    code = "not-allowed"
    status = 403
    text = "Your role, {role}, does not {verb}. Ask an administrator of this tenant."


def one(kind: type[Row], actor: Actor, **key: object) -> Row:
    """The one object of this kind with this key, if the actor may see it.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    found = many(kind, actor).filter(**key).first()
    if found is None:
        raise NotFound(kind=kind._meta.verbose_name)
    return found


def many(kind: type[Row], actor: Actor) -> QuerySet[Row]:
    """All objects of this kind that the actor may see."""
    return kind.visible_to(actor)


def require(actor: Actor, *roles: Role, verb: str) -> None:
    """Let only these roles go on.

    Raises:
        NotAllowed: the actor has another role.
    """
    if actor.role not in roles:
        raise NotAllowed(role=actor.role.label, verb=verb)
