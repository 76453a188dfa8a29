"""Which meter should price each token class of a deployment: proposed, with reasons. Pure.

Confidence is 1 less what each doubt takes (`matching.Doubt`). A meter against which something
speaks is shown among the alternatives and never proposed; where two fit alike, neither is
trusted. A person confirms, or the tenant's rule from a confidence on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from billing.rules.meters import matching
from billing.rules.meters.matching import BESIDE, MOST_OF_SEVERAL, Doubt, Evidence, Kind, Served
from billing.rules.meters.meanings import Capability, Context, Scope, Tier
from billing.rules.meters.reading import Reading
from billing.rules.token_classes import CHARGED_AS, COMMON, LONG, TokenClass

Of = TypeVar("Of")
#: How many meters are shown beside the proposed one.
MOST_ALTERNATIVES = 6

#: Deployment types as Azure names them, and how their usage is charged.
SKUS: Mapping[str, tuple[Scope, Tier]] = {
    "GlobalStandard": (Scope.GLOBAL, Tier.STANDARD),
    "DataZoneStandard": (Scope.DATA_ZONE, Tier.STANDARD),
    "Standard": (Scope.REGIONAL, Tier.STANDARD),
    "GlobalBatch": (Scope.GLOBAL, Tier.BATCH),
    "DataZoneBatch": (Scope.DATA_ZONE, Tier.BATCH),
    "DeveloperTier": (Scope.GLOBAL, Tier.DEVELOPER),
    "GlobalProvisionedManaged": (Scope.GLOBAL, Tier.PROVISIONED),
    "DataZoneProvisionedManaged": (Scope.DATA_ZONE, Tier.PROVISIONED),
    "ProvisionedManaged": (Scope.REGIONAL, Tier.PROVISIONED),
}
#: What is both read and answered in tokens: one without the other is half a price.
_BOTH_WAYS = frozenset({Capability.CHAT, Capability.TUNED, Capability.AUDIO, Capability.REALTIME})
_PAIRS = (
    (TokenClass.INPUT, TokenClass.OUTPUT),
    (TokenClass.LONG_INPUT, TokenClass.LONG_OUTPUT),
)
_SHORT = {long: short for short, long in LONG.items()}


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment as inventory has it; empty texts are not known."""

    model: str
    version: str
    sku: str
    region: str
    base_model: str = ""
    base_version: str = ""


@dataclass(frozen=True, slots=True)
class Candidate(Generic[Of]):
    """A meter that might price a class, and what speaks for and against it."""

    of: Of
    units_per_price: int
    evidence: tuple[Evidence, ...]

    @property
    def confidence(self) -> Decimal:
        """From 0 to 1, exact."""
        doubts = [one.doubt for one in self.evidence if one.doubt]
        left = max(Decimal(0), 1 - sum((doubt.taken for doubt in doubts), Decimal(0)))
        return min(left, MOST_OF_SEVERAL) if Doubt.SEVERAL in doubts else left

    @property
    def odds(self) -> int:
        """In how many things the name says something else than what is deployed."""
        return sum(1 for one in self.evidence if one.doubt and one.doubt.is_against)

    @property
    def fits(self) -> bool:
        """Whether it says nothing else: only then it is proposed."""
        return not self.odds

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in plain words; what is doubted last."""
        return tuple(one.says for one in self.evidence)

    @property
    def against(self) -> tuple[str, ...]:
        """What is doubted, or speaks against it."""
        return tuple(one.says for one in self.evidence if one.doubt)

    def doubted(self, *doubts: Evidence) -> Candidate[Of]:
        """The same, with more doubt."""
        return Candidate(self.of, self.units_per_price, (*self.evidence, *doubts))


@dataclass(frozen=True, slots=True)
class Proposal(Generic[Of]):
    """What should price one class. No ``best``: nothing is proposed and ``says`` tells why, or
    the class is ``covered`` by capacity that is paid for.
    """

    token_class: TokenClass
    best: Candidate[Of] | None
    alternatives: tuple[Candidate[Of], ...] = ()
    covered: bool = False
    says: str = ""

    @property
    def confidence(self) -> Decimal:
        """Of the meter proposed; 0 where none is, 1 where the class is covered."""
        if self.covered:
            return Decimal(1)
        return self.best.confidence if self.best else Decimal(0)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in plain words."""
        return self.best.reasons if self.best else (self.says,)


def served(deployed: Deployed) -> Served | str:
    """What a deployment serves, or why that is not known."""
    if not deployed.model:
        return "Azure does not list this deployment: its model is not known"
    if not deployed.region:
        return "the deployment's region is not known"
    if deployed.sku not in SKUS:
        return f"the deployment's type, {deployed.sku or 'not told'}, has no known prices"
    scope, tier = SKUS[deployed.sku]
    tuned = bool(deployed.base_model)
    return Served(
        model=deployed.base_model or deployed.model,
        version=deployed.base_version if tuned else deployed.version,
        scope=scope,
        tier=tier,
        region=deployed.region,
        kind=Kind.TUNED if tuned else Kind.PUBLISHED,
    )


def propose(
    deployed: Deployed, readings: Iterable[tuple[Of, Reading]], *, used: Collection[TokenClass]
) -> tuple[Proposal[Of], ...]:
    """A proposal for each class that the deployment's meters have or its usage has, in order.

    ``readings`` are those of the deployment's region; among equals their order is kept.
    """
    serves = served(deployed)
    if isinstance(serves, str):
        return tuple(Proposal(one, None, says=serves) for one in _ordered(used))
    if serves.tier is Tier.PROVISIONED:
        says = f"{deployed.sku}: the capacity is paid for, tokens are not charged by use"
        return tuple(
            Proposal(one, None, covered=True, says=says) for one in _ordered({*COMMON, *used})
        )
    said = [(of, says) for of, says in readings if matching.concerns(serves, says)]
    return tuple(_Meters(serves, said).proposals(used))


class _Meters(Generic[Of]):
    """The meters that concern one deployment, by the class of usage they charge for."""

    def __init__(self, serves: Served, said: Sequence[tuple[Of, Reading]]) -> None:
        self._serves = serves
        self._by_class: dict[TokenClass, list[Candidate[Of]]] = {}
        self._named = any(says.model for _, says in said)
        self._banded: set[TokenClass] = set()
        own: set[TokenClass] = set()
        both_ways = False
        for of, says in said:
            found = matching.evidence(serves, says)
            candidate = Candidate(of, says.units_per_price, found)
            for token_class in says.token_classes:
                self._by_class.setdefault(token_class, []).append(candidate)
                if candidate.fits and says.context is Context.SHORT:
                    self._banded.add(token_class)
            if candidate.fits and says.capability not in BESIDE:
                own.update(says.token_classes)
                both_ways = both_ways or says.capability in _BOTH_WAYS
        self._own = own | _missing(own) if both_ways else own

    def proposals(self, used: Collection[TokenClass]) -> Iterator[Proposal[Of]]:
        for token_class in _ordered({*self._own, *used} or set(COMMON)):
            yield self._proposal(token_class)

    def _proposal(self, token_class: TokenClass) -> Proposal[Of]:
        listed = self._by_class.get(token_class, [])
        fitting = self._fitting(token_class) or self._instead(token_class)
        ranked = sorted(fitting, key=lambda one: -one.confidence)
        others = sorted((one for one in listed if one.odds == 1), key=lambda one: -one.confidence)
        if not ranked:
            return Proposal(
                token_class,
                None,
                tuple(others[:MOST_ALTERNATIVES]),
                says=self._why_none(token_class),
            )
        level = [one for one in ranked if one.confidence == ranked[0].confidence]
        if len(level) > 1:
            doubt = Evidence(Doubt.SEVERAL.says, Doubt.SEVERAL)
            ranked = [one.doubted(doubt) if one in level else one for one in ranked]
        alternatives = (*ranked[1:], *others)[:MOST_ALTERNATIVES]
        return Proposal(token_class, ranked[0], alternatives)

    def _fitting(self, token_class: TokenClass) -> list[Candidate[Of]]:
        return [one for one in self._by_class.get(token_class, []) if one.fits]

    def _instead(self, token_class: TokenClass) -> list[Candidate[Of]]:
        """Meters of the class whose price is paid where this one has none of its own."""
        for charged_as, doubts in _stand_ins(token_class):
            crosses = charged_as not in _SHORT and token_class in _SHORT
            if crosses and self._has_bands():
                continue
            if found := self._fitting(charged_as):
                return [one.doubted(*doubts) for one in found]
        return []

    def _has_bands(self) -> bool:
        """Whether some price of the deployment holds for short or for long context alone."""
        return bool(self._banded) or any(self._fitting(one) for one in _SHORT)

    def _why_none(self, token_class: TokenClass) -> str:
        serves = self._serves
        kind = f"{serves.model}{', fine-tuned' if serves.kind is Kind.TUNED else ''}"
        if not self._named:
            return f"no meter of {serves.region} names {kind}"
        so = f"{kind}, {serves.scope}, {serves.tier} tier"
        if self._own:
            return f"incomplete: {serves.region} has meters of {so}, and none for this class"
        return f"no meter of {serves.region} says {so}, and this version"


def _stand_ins(
    token_class: TokenClass,
) -> Iterator[tuple[TokenClass, tuple[Evidence, ...]]]:
    """The classes to be charged as, in order, with the doubt that each leaves."""
    as_input = Evidence(Doubt.AS_INPUT.says, Doubt.AS_INPUT)
    one_band = Evidence(Doubt.ONE_BAND.says, Doubt.ONE_BAND)
    short, plain = _SHORT.get(token_class), CHARGED_AS.get(token_class)
    if short:
        yield short, (one_band,)
    if plain:
        # Reasoning has no meter anywhere: that it is charged as output is no doubt.
        yield plain, () if token_class is TokenClass.REASONING else (as_input,)
    if short and short in CHARGED_AS:
        yield CHARGED_AS[short], (one_band, as_input)


def _missing(own: Collection[TokenClass]) -> set[TokenClass]:
    """The other half of each pair that is there by half."""
    return {one for pair in _PAIRS if set(pair) & set(own) for one in pair}


def _ordered(classes: Collection[TokenClass]) -> list[TokenClass]:
    return [one for one in TokenClass if one in classes]
