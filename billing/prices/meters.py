"""Meters of the catalogue whose names can be read, and what they say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from billing.models import Meter
from billing.rules.meters import reading
from billing.rules.meters.meanings import UnitKind
from billing.rules.meters.reading import Reading
from billing.rules.token_classes import TokenClass, Unit
from tenancy.refusals import Refused

#: How many meters a search offers.
MOST_FOUND = 50
#: The units that prices of a class's unit are listed by.
_UNITS = {
    Unit.TOKEN: (UnitKind.TOKEN,),
    Unit.IMAGE: (UnitKind.IMAGE,),
    Unit.SECOND: (UnitKind.SECOND, UnitKind.HOUR),
    Unit.CHARACTER: (UnitKind.CHARACTER,),
    Unit.PAGE: (UnitKind.PAGE,),
    Unit.SEARCH: (UnitKind.SEARCH,),
    Unit.SESSION: (UnitKind.SESSION,),
    Unit.CALL: (UnitKind.CALL,),
}
_SECONDS = 3600
Said = tuple[Meter, Reading]


class OfAnotherUnit(Refused):
    code = "meter-of-another-unit"
    field = "meter"
    text = (
        "“{meter}” is priced {unit}, and {token_class} is counted by the {counted}. Choose a"
        " meter of that unit."
    )


@dataclass(frozen=True, slots=True)
class Shelf:
    """The meters of one region that can be read, by the model they name."""

    _by_model: dict[str | None, list[Said]] = field(default_factory=dict)

    def of(self, *models: str) -> list[Said]:
        """Those that name one of these models, and those of any model; by product and name."""
        wanted = dict.fromkeys([*(model.lower() for model in models if model), None])
        return [said for model in wanted for said in self._by_model.get(model, ())]

    def add(self, said: Said) -> None:
        self._by_model.setdefault(said[1].model, []).append(said)


def shelves(regions: Collection[str]) -> dict[str, Shelf]:
    """By region, its readable meters that the list still names; one query for all."""
    found = {region: Shelf() for region in regions}
    for region, said in readings(regions).items():
        for one in said:
            found[region].add(one)
    return found


def readings(regions: Collection[str]) -> Mapping[str, Sequence[Said]]:
    """By region, its readable meters that the list still names, by product and name; one query."""
    found: dict[str, list[Said]] = {region: [] for region in regions}
    listed = Meter.objects.filter(region__in=found, vanished_at=None)
    for said in readable(listed.order_by("product_name", "meter_name", "azure_id")):
        found[said[0].region].append(said)
    return found


def readable(rows: Iterable[Meter]) -> list[Said]:
    """Those whose names can be read, with what they say."""
    says = [(meter, read(meter)) for meter in rows]
    return [(meter, name) for meter, name in says if isinstance(name, Reading)]


def read(meter: Meter) -> Reading | reading.Unread:
    """What a meter's name says, or why it cannot be relied on."""
    return reading.read(meter.product_name, meter.meter_name, unit_of_measure=meter.unit_of_measure)


def search(region: str, text: str, *, token_class: TokenClass) -> list[Meter]:
    """Meters of a region that can price a class and whose names have all these words.

    At most `MOST_FOUND`, by product and name.
    """
    rows = Meter.objects.filter(region=region)
    for word in text.split():
        rows = rows.filter(Q(meter_name__icontains=word) | Q(product_name__icontains=word))
    fitting = [meter for meter, says in readable(rows) if says.unit in _UNITS[token_class.unit]]
    return fitting[:MOST_FOUND]


def by_azure_id(ids: Sequence[str]) -> dict[str, Meter]:
    """Meters by the id that Azure's list has; unknown ones are absent."""
    return {meter.azure_id: meter for meter in Meter.objects.filter(azure_id__in=set(ids))}


def units_per_price(meter: Meter, token_class: TokenClass) -> int:
    """How many of a class's units the meter's unit holds; 1 where its name cannot be read.

    Raises:
        OfAnotherUnit: its name says a unit that the class is not counted by.
    """
    says = read(meter)
    if not isinstance(says, Reading):
        return 1
    if says.unit not in _UNITS[token_class.unit]:
        raise OfAnotherUnit(
            meter=meter.meter_name,
            unit=says.unit,
            token_class=token_class.label,
            counted=token_class.unit,
        )
    return _SECONDS if says.unit is UnitKind.HOUR else 1
