"""What changed in the price list, load by load: the record that the catalogue keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db.models import Count, Q, QuerySet

from billing.models import PriceChange
from billing.prices import in_use

#: An order of the record to walk it by: the oldest first, so that new rows come at its end.
ORDER = ("id",)
Kind = PriceChange.Kind


class Which(StrEnum):
    """Which changes to show: all, or new prices that are held back."""

    ALL = "all"
    SUSPECT = "suspect"


class Meters(StrEnum):
    """Whose meters to show."""

    ALL = "all"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Load:
    """One load of the list, by its number in the ledger, with the changes it brought by kind."""

    number: int
    at: datetime
    changes: Mapping[str, int] = field(hash=False)
    suspects: int

    @property
    def total(self) -> int:
        return sum(self.changes.values())


def recorded(
    *,
    kinds: frozenset[Kind] = frozenset(),
    load: int | None = None,
    after_load: int | None = None,
    product: str = "",
    text: str = "",
    meters: Meters = Meters.ALL,
    which: Which = Which.ALL,
) -> QuerySet[PriceChange]:
    """The changes that fit, with their meters and prices: the newest load first, in it used meters.

    ``text`` is looked for in the meter's name, product, region and id. ``used`` says whether a
    mapping of the tenant in scope names the meter.
    """
    rows = PriceChange.objects.select_related("meter", "price", "before", "run")
    rows = rows.annotate(used=in_use.mapped()).order_by("-run_id", "-used", "kind", "id")
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if load is not None:
        rows = rows.filter(run_id=load)
    if after_load is not None:
        rows = rows.filter(run_id__gt=after_load)
    if product:
        rows = rows.filter(meter__product_name=product)
    if which is Which.SUSPECT:
        rows = rows.filter(_is_suspect())
    for word in text.split():
        rows = rows.filter(says(word, "meter__"))
    return rows.filter(used=True) if meters is Meters.USED else rows


def says(word: str, prefix: str = "") -> Q:
    """Whether a meter's name, product, region or id has this word in it."""
    columns = ("meter_name", "product_name", "region", "azure_id")
    found = Q()
    for column in columns:
        found |= Q(**{f"{prefix}{column}__icontains": word})
    return found


def loads(*, most: int = 20) -> tuple[Load, ...]:
    """The loads that changed anything, the newest first; the first load of all is none."""
    numbers = PriceChange.objects.order_by("-run_id").values_list("run_id", flat=True).distinct()
    counted = (
        PriceChange.objects.filter(run_id__in=list(numbers[:most]))
        .order_by("-run_id", "kind")
        .values_list("run_id", "run__started_at", "kind")
        .annotate(count=Count("id"), suspects=Count("id", filter=_is_suspect()))
    )
    found: dict[int, Load] = {}
    for number, at, kind, count, suspects in counted:
        known = found.get(number) or Load(number, at, {}, 0)
        found[number] = Load(number, at, {**known.changes, kind: count}, known.suspects + suspects)
    return tuple(found.values())


def newest_load() -> int:
    """The number of the newest load that changed anything; 0 before there is one."""
    number = PriceChange.objects.order_by("-run_id").values_list("run_id", flat=True).first()
    return number or 0


def products(*, most: int = 200) -> tuple[str, ...]:
    """The products of which something changed, by name."""
    named = PriceChange.objects.order_by("meter__product_name")
    return tuple(named.values_list("meter__product_name", flat=True).distinct()[:most])


def _is_suspect() -> Q:
    return Q(price__isnull=False) & ~Q(price__doubts=[])
