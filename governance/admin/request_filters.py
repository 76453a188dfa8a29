"""Which requests the list shows: at first those that wait for whoever looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from governance.approvers import deciders
from governance.models import UNDECIDED, QuotaRequest, RequestState
from inventory.models import Product
from tenancy import access, clock
from tenancy.administration import actor_of

MINE, OPEN, ALL = "mine", "open", "all"


class Shown(SimpleListFilter):
    """What waits for me, all that is open, one state, or everything."""

    title = "state"
    parameter_name = "show"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        waiting = deciders.waiting_for(actor_of(request), at=clock.now())
        self.mine = [one.pk for one in waiting]
        submitted = (state for state in RequestState if state is not RequestState.DRAFT)
        states = [(state.value, state.label) for state in submitted]
        mine = (MINE, f"waiting for me ({len(waiting)})")
        return [mine, (OPEN, "all open"), *states, (ALL, "everything")]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """As Django's, without its "All": one of these is always chosen."""
        for value, says in self.lookup_choices:
            yield {
                "selected": self._chosen() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": says,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self._chosen():
            case "mine":
                return queryset.filter(pk__in=self.mine)
            case "open":
                return queryset.filter(state__in=UNDECIDED)
            case "all":
                return queryset
            case state:
                return queryset.filter(state=state)

    def _chosen(self) -> str:
        known = {value for value, _ in self.lookup_choices}
        value = self.value()
        return str(value) if value in known else MINE


class Tier(SimpleListFilter):
    """The tier a subscription has, or is asked to have."""

    title = "tier"
    parameter_name = "tier"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        tiers = access.many(Product, actor_of(request)).order_by("display_name", "pk")
        return [(str(pk), name) for pk, name in tiers.values_list("pk", "display_name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in {known for known, _ in self.lookup_choices}:
            return queryset
        has = Q(product=None, subscription__product=value)
        found: QuerySet[QuotaRequest] = queryset.filter(has | Q(product=value))
        return found
