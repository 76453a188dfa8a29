"""Every address there is, found by walking the URLconf, with keys filled in from the world.

A route with a key that `KEYS` does not know fails the tests: whoever adds one says here what
its values are, and it is tested from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billing.models import Meter, Price, PriceSheet
from governance.models import ApprovalPolicy, QuotaRequest
from tenancy import scope
from tests.world import House, Place

PAGES, DOORSTEP = "portal.tenant_urls", "portal.urls"

#: What each key of a route is, for one team and what it owns.
KEYS: dict[str, Callable[[Place, House], object]] = {
    "slug": lambda place, house: house.team.slug,
    "month": lambda place, house: "2026-11",
    "gateway": lambda place, house: place.gateway.name,
    "name": lambda place, house: house.subscription.name,
    "deployment": lambda place, house: place.deployment.pk,
    "azure_id": lambda place, house: Meter.objects.values_list("azure_id", flat=True).get(),
    "sheet": lambda place, house: _pilot(place),
    "number": lambda place, house: _number(place, house),
    "product": lambda place, house: place.product.pk,
    "code": lambda place, house: house.team.cost_center.code,
    "policy": lambda place, house: _policy(place),
    "price": lambda place, house: (
        Price.objects.exclude(doubts=[]).values_list("pk", flat=True).get()
    ),
}

#: Keys of what is public and the same for every tenant: the price list.
PUBLIC_KEYS = frozenset({"azure_id", "price"})

#: Keys of what is a tenant's own and no team's: those who see the whole tenant may see it.
TENANT_KEYS = frozenset({"deployment", "sheet", "policy", "product", "code"})

#: Keys that each tenant counts for itself, from 1 on: the same number is another thing elsewhere.
COUNTED_KEYS = frozenset({"number"})

#: A number that no tenant of the world has reached.
NO_SUCH_NUMBER = 987_654

#: Questions that a route must be asked with.
QUESTIONS = {
    "api:usage": "?from=2026-11-01T00:00:00Z&to=2026-11-20T00:00:00Z",
    "api:further-usage": "?from=2026-09-01T00:00:00Z&to=2026-10-01T00:00:00Z",
    "api:costs": "?month=2026-11",
    "api:usage-breakdown": "?by=team&month=2026-11",
    "api:estimates": "?model=gpt-5.2-chat&region=swedencentral&calls=1000&input_tokens=100"
    "&output_tokens=0",
}

#: Resources that are only written to; their own tests refuse whoever may not.
WRITES = {
    "api:end-price-sheet",
    "api:decide-suspect",
    "api:read-usage-again",
    "api:usage-events",
    "api:read-notifications",
    "api:change-endpoint",
    "api:act-on-endpoint",
    "api:try-policies",
    "api:act-on-policy",
    "api:change-approver-group",
    "api:end-delegation",
    "api:what-if",
    "api:change-request",
    "api:submit-request",
    "api:amend-request",
    "api:comment-request",
    "api:answer-request",
    "api:withdraw-request",
    "api:approve-request",
    "api:reject-request",
    "api:ask-request",
    "api:end-request",
    "api:apply-again",
}

#: Addresses outside any tenant that show nobody's data, with why they need no sign-in.
OPEN = {
    "sign-in": "where one signs in",
    "sign-out": "ends a session; a GET does nothing",
    "live": "says that the process runs",
    "ready": "says whether the services it needs answer",
    "api:schema": "describes the API, the same for everybody",
    "api:documentation": "shows that description",
    None: "leads to the page with a slash at its end",
}


@dataclass(frozen=True)
class Route:
    """One address: its name, with its namespace, and the keys it takes."""

    urlconf: str
    name: str | None
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return self.name or "unnamed"

    @property
    def private_keys(self) -> tuple[str, ...]:
        """Those of its keys that name something of one tenant."""
        return tuple(key for key in self.keys if key not in PUBLIC_KEYS)

    @property
    def foreign_keys(self) -> tuple[str, ...]:
        """Those of its keys that mean nothing in another tenant."""
        return tuple(key for key in self.private_keys if key not in COUNTED_KEYS)

    @property
    def team_keys(self) -> tuple[str, ...]:
        """Those of its keys that name something of one team."""
        return tuple(key for key in self.private_keys if key not in TENANT_KEYS)

    def address(self, place: Place, house: House) -> str:
        """The path for a tenant's team."""
        unknown = [key for key in self.keys if key not in KEYS]
        assert not unknown, (
            f"the route {self} takes {unknown[0]!r}: say in tests/isolation/routes.py what it is"
        )
        values = {key: KEYS[key](place, house) for key in self.keys}
        path = reverse(str(self.name), urlconf=self.urlconf, kwargs=values)
        path += QUESTIONS.get(str(self.name), "")
        return place.home.rstrip("/") + path if self.urlconf == PAGES else path


def _number(place: Place, house: House) -> int:
    """The number of a team's first request that was submitted."""
    with scope.of(place.ref):
        sent = QuotaRequest.objects.filter(team=house.team).exclude(submitted_at=None)
        return sent.order_by("number").values_list("number", flat=True)[0]


def _pilot(place: Place) -> int:
    """The world's one price sheet of a tenant."""
    with scope.of(place.ref):
        return PriceSheet.objects.values_list("pk", flat=True).get(name="Pilot")


def _policy(place: Place) -> int:
    """The world's one approval policy in force of a tenant."""
    with scope.of(place.ref):
        return ApprovalPolicy.objects.values_list("pk", flat=True).get(name="Whatever is asked")


def pages() -> list[Route]:
    """Those of a tenant's own; the admin's are walked in tests/admin."""
    return list(_walk(PAGES))


def api() -> list[Route]:
    """Those of the API that need a token."""
    known = {*OPEN, *WRITES}
    return [route for route in _doorstep() if route.name not in known and _is_api(route)]


def outside() -> list[Route]:
    """Those outside any tenant, the API's aside."""
    return [route for route in _doorstep() if not _is_api(route)]


def _doorstep() -> list[Route]:
    return list(_walk(DOORSTEP))


def _is_api(route: Route) -> bool:
    return str(route.name).startswith("api:")


def _walk(urlconf: str) -> Iterator[Route]:
    yield from _below(urlconf, get_resolver(urlconf).url_patterns, "", ())


def _below(
    urlconf: str, patterns: list[URLPattern | URLResolver], space: str, keys: tuple[str, ...]
) -> Iterator[Route]:
    for pattern in patterns:
        here = (*keys, *pattern.pattern.converters, *_named_groups(pattern))
        if isinstance(pattern, URLResolver):
            if pattern.namespace == "admin":
                continue
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _below(urlconf, pattern.url_patterns, inner, here)
        else:
            name = f"{space}{pattern.name}" if pattern.name else None
            yield Route(urlconf, name, here)


def _named_groups(pattern: URLPattern | URLResolver) -> tuple[str, ...]:
    if pattern.pattern.converters:
        return ()
    return tuple(pattern.pattern.regex.groupindex)
