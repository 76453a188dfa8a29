"""The frame round every page: the tenant, who is signed in, and where they can go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import get_script_prefix

from governance.front_door import waiting
from governance.notifications import inbox
from portal.admin_site import ENTERS
from tenancy import clock, tenants
from tenancy.access import Actor

SIGN_IN = "/sign-in/"
SIGN_OUT = "/sign-out/"
CALCULATOR = "prices/calculator/"
BREAKDOWN = "usage/"
Places = tuple[tuple[str, str], ...]
_PRICES = (
    ("What changed", "prices/"),
    ("Suspect prices", "prices/suspects/"),
    ("Meters", "prices/meters/"),
    ("Mappings", "prices/mappings/"),
    ("Price sheets", "prices/sheets/"),
    ("Exchange rates", "prices/rates/"),
    ("Capacity", "prices/capacity/"),
    ("Re-rating", "prices/rerating/"),
    ("Calculator", CALCULATOR),
)
_USAGE = (
    ("Breakdown", BREAKDOWN),
    ("Reading", "usage/reading/"),
    ("Compared with the source", "usage/compared/"),
    ("Unallocated", "usage/unallocated/"),
)
NOTICES = "notifications/"
QUOTAS = "quotas/"
BUDGETS = "budgets/"
REQUESTS = "requests/"
_NOTICES = (
    ("Inbox", NOTICES),
    ("How you are told", "notifications/preferences/"),
    ("Endpoints", "notifications/endpoints/"),
    ("Delivery log", "notifications/deliveries/"),
)
_BUDGETS = (("Budgets", BUDGETS), ("Alerts", "budgets/alerts/"))
_AREAS = ("usage/", "prices/", QUOTAS, BUDGETS, REQUESTS, NOTICES)
#: What those may see too who see their own teams only.
_FOR_ALL = frozenset(
    {
        CALCULATOR,
        BREAKDOWN,
        NOTICES,
        "notifications/preferences/",
        *(place for _, place in _BUDGETS),
    }
)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the main navigation."""

    name: str
    address: str
    current: str
    count: str = ""


class Frame:
    """What the frame shows; asks the database only for what a template really shows."""

    def __init__(self, actor: Actor, path: str) -> None:
        self.actor = actor
        self._path = path
        self._root = get_script_prefix()

    @property
    def tenant(self) -> str:
        return tenants.billing().name

    @property
    def root(self) -> str:
        return self._root

    @property
    def items(self) -> tuple[Item, ...]:
        """The areas, and the administration for those who may enter it."""
        places = [("Teams", "")]
        places += [("Usage", first) for _, first in self._open(_USAGE)[:1]]
        places += [("Quotas", QUOTAS), ("Budgets", BUDGETS), ("Requests", REQUESTS)]
        places.append(("Prices", self._open(_PRICES)[0][1]))
        places.append(("Status", "status/"))
        if self.actor.role in ENTERS:
            places.append(("Administration", "admin/"))
        counts = {REQUESTS: self._waiting()}
        return tuple(
            Item(
                name,
                self._root + place,
                "page" if self._is_at(place) else "",
                counts.get(place, ""),
            )
            for name, place in places
        )

    @property
    def price_tabs(self) -> tuple[Item, ...]:
        """The pages about prices that the actor may see."""
        return self._tabs(_PRICES)

    @property
    def usage_tabs(self) -> tuple[Item, ...]:
        """The pages about usage that the actor may see."""
        return self._tabs(_USAGE)

    @property
    def notice_tabs(self) -> tuple[Item, ...]:
        """The pages about notifications that the actor may see."""
        return self._tabs(_NOTICES)

    @property
    def budget_tabs(self) -> tuple[Item, ...]:
        """The pages about budgets and alerts."""
        return self._tabs(_BUDGETS)

    @property
    def notices(self) -> Item:
        """Where the actor's notices are: the bell."""
        current = "page" if self._is_at(NOTICES) else ""
        return Item("Notifications", self._root + NOTICES, current)

    @property
    def unread(self) -> str:
        """How many of them are not read, as text; empty: none."""
        count = inbox.unread(self.actor)
        if count > inbox.MOST_COUNTED:
            return f"{inbox.MOST_COUNTED}+"
        return str(count or "")

    def _waiting(self) -> str:
        """How many requests wait for the actor, as text; empty: none."""
        return str(waiting.count(self.actor, at=clock.now()) or "")

    def _open(self, pages: Places) -> Places:
        whole = self.actor.sees_whole_tenant
        return tuple(page for page in pages if whole or page[1] in _FOR_ALL)

    def _tabs(self, pages: Places) -> tuple[Item, ...]:
        under = self._path.removeprefix(self._root)
        found = self._open(pages)
        here = max((place for _, place in found if under.startswith(place)), key=len, default="")
        return tuple(
            Item(name, self._root + place, "page" if place == here else "") for name, place in found
        )

    def _is_at(self, place: str) -> bool:
        under = self._path.removeprefix(self._root)
        if place.startswith(_AREAS):
            return under.startswith(place.partition("/")[0] + "/")
        if place:
            return under.startswith(place)
        return not under.startswith((*_AREAS, "status/", "admin/"))


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``frame`` below a tenant's address, None elsewhere.

    Addresses outside of tenants are given here: ``{% url %}`` stays with the tenant.
    """
    actor = getattr(request, "actor", None)
    frame = Frame(actor, request.path) if actor else None
    return {"frame": frame, "sign_in": SIGN_IN, "sign_out": SIGN_OUT}
