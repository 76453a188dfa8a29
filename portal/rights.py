"""What a role may change, for pages and API alike; what one may see is said by `tenancy.access`."""

from __future__ import annotations

from tenancy.access import Actor
from tenancy.models import Role
from tenancy.refusals import Refused

_CHANGES_PRICES = frozenset({Role.FINANCE, Role.ADMIN})


class NotYours(Refused):
    code = "not-allowed"
    status = 403
    text = "{what} is for {who}. Ask one of them."


def see_prices(actor: Actor) -> None:
    """Let those pass who see the whole tenant.

    Raises:
        NotYours: the actor sees own teams only.
    """
    if not actor.sees_whole_tenant:
        raise NotYours(what="This page", who="approvers, finance, administrators and auditors")


def change_prices(actor: Actor) -> None:
    """Let those pass who may change what usage costs: finance and administrators.

    Raises:
        NotYours: the actor has another role.
    """
    if not may_change_prices(actor):
        raise NotYours(what="Changing prices", who="finance and administrators")


def push_usage(actor: Actor) -> None:
    """Let those pass who may say what was used: finance and administrators.

    Raises:
        NotYours: the actor has another role.
    """
    if not may_change_prices(actor):
        raise NotYours(what="Pushing usage", who="finance and administrators")


def see_reading(actor: Actor) -> None:
    """Let those pass who see the whole tenant: an hour of a gateway is of many teams.

    Raises:
        NotYours: the actor sees own teams only.
    """
    if not actor.sees_whole_tenant:
        who = "approvers, finance, administrators and auditors"
        raise NotYours(what="How usage is read", who=who)


def read_again(actor: Actor) -> None:
    """Let those pass who may have usage read again and compared: finance and administrators.

    Raises:
        NotYours: the actor has another role.
    """
    if not may_read_again(actor):
        raise NotYours(what="Reading usage again", who="finance and administrators")


def may_read_again(actor: Actor) -> bool:
    """Whether `read_again` lets this actor pass."""
    return actor.role in _CHANGES_PRICES


def assign(actor: Actor) -> None:
    """Let those pass who may say whose a subscription is: administrators.

    Raises:
        NotYours: the actor has another role.
    """
    if not may_assign(actor):
        raise NotYours(what="Assigning subscriptions", who="administrators")


def may_assign(actor: Actor) -> bool:
    """Whether the actor may say whose a subscription is."""
    return actor.role is Role.ADMIN


def may_change_prices(actor: Actor) -> bool:
    """Whether `change_prices` lets this actor pass."""
    return actor.role in _CHANGES_PRICES


def see_shared_limits(actor: Actor) -> None:
    """Let those pass who see the whole tenant: a product and a cost center are of many teams.

    Raises:
        NotYours: the actor sees own teams only.
    """
    if not actor.sees_whole_tenant:
        who = "approvers, finance, administrators and auditors"
        raise NotYours(what="The limits of products and cost centers", who=who)


def set_limits(actor: Actor) -> None:
    """Let those pass who may set and clear limits without asking: administrators.

    Raises:
        NotYours: the actor has another role.
    """
    if not may_set_limits(actor):
        raise NotYours(what="Setting limits", who="administrators; others ask for a change")


def may_set_limits(actor: Actor) -> bool:
    """Whether `set_limits` lets this actor pass."""
    return actor.role is Role.ADMIN


def set_budgets(actor: Actor) -> None:
    """Let those pass who may say what a team or a cost center means to spend.

    Raises:
        NotYours: the actor has another role.
    """
    if not may_set_budgets(actor):
        raise NotYours(what="Setting budgets", who="finance and administrators")


def may_set_budgets(actor: Actor) -> bool:
    """Whether `set_budgets` lets this actor pass."""
    return actor.role in _CHANGES_PRICES
