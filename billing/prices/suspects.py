"""Suspect prices: doubted when they were loaded, held back until a person says what they are.

The list is the same for all, and so are the doubts. What a person says counts in their own
tenant: accepted, the price is in force there from its start, as if it had never been doubted;
rejected or not decided, the price before it stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from billing.models import Price, PriceDecision
from billing.prices import changes, in_use, listing, shifts
from billing.prices.changes import Meters
from tenancy import audit, scope
from tenancy.refusals import Invalid, NotFound, Refused

Verdict = PriceDecision.Verdict
#: An order to walk them by: new ones come at its end.
ORDER = ("id",)


class State(StrEnum):
    """What the tenant in scope has said of a suspect price."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class NotSuspect(Refused):
    code = "not-suspect"
    text = (
        "The price of {meter} from {start:%d %B %Y} is not held back: it was never doubted, or a"
        " newer load states it anew. There is nothing to decide."
    )


@dataclass(frozen=True, slots=True)
class Doubt:
    """One rule that a price breaks, and a sentence that says how."""

    rule: str
    says: str


@dataclass(frozen=True, slots=True)
class Suspect:
    """A price that is held back. ``former`` is what stays in force instead; None: nothing."""

    price: Price
    doubts: tuple[Doubt, ...]
    former: Price | None
    used: bool
    decision: PriceDecision | None

    @property
    def state(self) -> State:
        return State(self.decision.verdict) if self.decision else State.WAITING


def listed(
    *,
    state: State | None = None,
    rule: str = "",
    text: str = "",
    meters: Meters = Meters.ALL,
) -> QuerySet[Price]:
    """The suspect prices that fit, those of used meters first, then the newest."""
    rows = _current().annotate(
        used=in_use.mapped(),
        verdict=Subquery(_decisions().filter(price=OuterRef("id")).values("verdict")),
    )
    if state is State.WAITING:
        rows = rows.filter(verdict=None)
    elif state is not None:
        rows = rows.filter(verdict=state.value)
    if rule:
        rows = rows.filter(doubts__contains=[{"rule": rule}])
    for word in text.split():
        rows = rows.filter(changes.says(word, "meter__"))
    if meters is Meters.USED:
        rows = rows.filter(used=True)
    return rows.select_related("meter", "run").order_by("-used", "-effective_from", "id")


def shown(rows: Iterable[Price]) -> tuple[Suspect, ...]:
    """Prices of `listed` with what is known of them, in their order."""
    prices = list(rows)
    ids = [price.pk for price in prices]
    decided = {row.price_id: row for row in _decisions().filter(price__in=ids)}
    former = _former(ids)
    return tuple(
        Suspect(
            price=price,
            doubts=tuple(Doubt(one["rule"], one["says"]) for one in price.doubts),
            former=former.get(price.pk),
            used=getattr(price, "used", False),
            decision=decided.get(price.pk),
        )
        for price in prices
    )


def one(price_id: int) -> Suspect:
    """The suspect price of this number.

    Raises:
        NotFound: there is none that is held back.
    """
    found = listed().filter(pk=price_id).first()
    if found is None:
        raise NotFound(kind="suspect price")
    return shown([found])[0]


def waiting() -> int:
    """How many suspect prices of meters that the tenant uses nobody has decided on."""
    return listed(state=State.WAITING, meters=Meters.USED).order_by().count()


def rules() -> tuple[str, ...]:
    """The rules that any price held back breaks, by name."""
    doubts = _current().values_list("doubts", flat=True)
    return tuple(sorted({doubt["rule"] for those in doubts for doubt in those}))


def decide(price_id: int, verdict: Verdict, *, by: str, at: datetime, reason: str) -> PriceDecision:
    """Accept or reject a suspect price in the tenant in scope.

    The days of usage whose price that changes are rated again, and no others.

    The same again changes nothing; the other way replaces what was said before.

    Raises:
        Invalid: no reason is given.
        NotFound: there is no such price.
        NotSuspect: it is not held back.
    """
    if not reason.strip():
        raise Invalid(field="reason", fix="Say why, for whoever reads the audit log.")
    price = _held_back(price_id)
    known = _decisions().select_for_update(no_key=True).filter(price=price).first()
    if known is not None and known.verdict == verdict:
        return known
    said = {"verdict": verdict, "decided_by": by, "decided_at": at, "reason": reason.strip()}
    with shifts.marked([price.meter_id]):
        decision, _ = PriceDecision.objects.update_or_create(
            tenant_id=scope.tenant_id(), price=price, defaults=said
        )
    audit.record(
        "price.decide",
        f"{price.meter.azure_id} from {price.effective_from:%Y-%m-%d}",
        by=by,
        at=at,
        before={"verdict": known.verdict, "by": known.decided_by} if known else None,
        after={
            "verdict": verdict,
            "meter": str(price.meter),
            "listed_price": price.listed_price,
            "currency": price.currency,
            "unit_of_measure": price.unit_of_measure,
            "doubts": [doubt["rule"] for doubt in price.doubts],
        },
        reason=reason.strip(),
    )
    return decision


def _held_back(price_id: int) -> Price:
    price = Price.objects.select_related("meter").filter(pk=price_id).first()
    if price is None:
        raise NotFound(kind="suspect price")
    if not _current().filter(pk=price_id).exists():
        raise NotSuspect(meter=price.meter, start=price.effective_from)
    return price


def _decisions() -> QuerySet[PriceDecision]:
    return PriceDecision.objects.filter(tenant_id=scope.tenant_id())


def _current() -> QuerySet[Price]:
    """Prices with doubts that are the newest statement of their meter and start."""
    newer = listing.charging().filter(
        meter=OuterRef("meter"),
        effective_from=OuterRef("effective_from"),
        run_id__gt=OuterRef("run_id"),
    )
    return listing.charging().exclude(doubts=[]).filter(~Exists(newer))


def _former(suspects: list[int]) -> Mapping[int, Price]:
    """By suspect, the price that is in force at its start without it, in the tenant in scope."""
    accepted = _decisions().filter(price=OuterRef("pk"), verdict=Verdict.ACCEPTED)
    rejected = _decisions().filter(price=OuterRef("pk"), verdict=Verdict.REJECTED)
    believed = (
        listing.charging()
        .filter(meter=OuterRef("meter"), effective_from__lte=OuterRef("effective_from"))
        .exclude(pk=OuterRef("pk"))
        .filter(Q(Exists(accepted)) | (Q(doubts=[]) & ~Exists(rejected)))
        .order_by("-effective_from", "-run_id", "-id")
    )
    rows = Price.objects.filter(pk__in=suspects).annotate(
        former=Subquery(believed.values("pk")[:1])
    )
    pairs = dict(rows.filter(former__isnull=False).values_list("pk", F("former")))
    prices = Price.objects.in_bulk(set(pairs.values()))
    return {suspect: prices[former] for suspect, former in pairs.items()}
