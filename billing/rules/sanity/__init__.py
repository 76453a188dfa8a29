"""Prices of a list that a person should look at before they count. Pure.

Azure's price list carries entry errors: a cached input dearer than the input, a price per
thousand entered as one per million. Each rule compares a price with what surrounds it in the
same list, or with the price that was in force. What fails is doubted, never corrected.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from itertools import chain

from billing.rules.sanity import pairs, regions, single
from billing.rules.sanity.values import Doubt, Former, Found, Listed, Rule, by_meter
from tenancy.money import EXACT

__all__ = ["Doubt", "Former", "Listed", "Rule", "doubts"]


def doubts(
    new: Sequence[Listed],
    *,
    among: Sequence[Listed],
    former: Mapping[str, Former],
    factor: Decimal,
) -> dict[str, tuple[Doubt, ...]]:
    """Why prices that are not in force yet are doubted, by key; none for those that are not.

    ``new`` are all prices not in force, those held back by an earlier load among them;
    ``among`` is the newest price of each meter of the whole list. A price in force is trusted:
    it is compared with, never doubted. ``factor`` is how many times a price may rise or fall.
    """
    if not new:
        return {}
    with localcontext(EXACT):
        fresh = {listed.key: listed for listed in new}
        meters = by_meter(({listed.key: listed for listed in among} | fresh).values())
        alone = [found for listed in new for found in single.look(listed, former, factor)]
        apart = list(chain.from_iterable(map(regions.apart, meters.values())))
        strains = [*pairs.of_families(meters), *pairs.of_regions(meters)]
        evidence = Counter(found.listed.key for found in (*alone, *apart))
        evidence.update(listed.key for strain in strains for listed in strain.guilty)
        blamed = [found for strain in strains for found in pairs.blame(strain, fresh, evidence)]
        return _told(chain(alone, single.tiered(meters), apart, blamed), fresh)


def _told(found: Iterable[Found], fresh: Mapping[str, Listed]) -> dict[str, tuple[Doubt, ...]]:
    """One doubt for each rule that a new price breaks, by what it breaks it most."""
    worst: dict[str, dict[Rule, Found]] = defaultdict(dict)
    for about in found:
        if about.listed.key in fresh:
            rules = worst[about.listed.key]
            known = rules.setdefault(about.rule, about)
            rules[about.rule] = max(known, about, key=lambda told: (told.off, told.says))
    return {
        key: tuple(Doubt(rule, worst[key][rule].says) for rule in Rule if rule in worst[key])
        for key in sorted(worst)
    }
