"""The prices that one question needs, looked up once: the tenant's terms, and what they convert to.

Everything is for the tenant in scope at one instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext

from billing import exchange, price_terms
from billing.models import Meter, SheetLine
from billing.price_terms import Term
from billing.rules.estimating import WIDE


@dataclass
class Stock:
    """Terms by meter, the names of the price sheets that made them, and exchange rates."""

    at: datetime
    terms: Mapping[int, Term]
    _sheets: Mapping[int, str]
    _rates: dict[tuple[str, str], Decimal | None] = field(default_factory=dict)

    def priced(self, meters: Iterable[Meter]) -> list[tuple[Meter, Term]]:
        """Those of the meters that have a price, with it, in the order given."""
        return [
            (meter, self.terms[meter.pk])
            for meter in meters
            if meter.pk in self.terms and self.terms[meter.pk].unit_price is not None
        ]

    def sheet(self, term: Term) -> str:
        """The price sheets that made a price, by name; empty: it is the list's."""
        made = (term.sheet_line_id, term.markup_line_id)
        return ", ".join(dict.fromkeys(self._sheets[line] for line in made if line is not None))

    def convert(self, amount: Decimal | None, since: str, to: str) -> Decimal | None:
        """An amount in another currency, exact; None where it or the exchange rate is not known."""
        rate = self.rate(since, to)
        with localcontext(WIDE):
            return None if amount is None or rate is None else amount * rate

    def rate(self, since: str, to: str) -> Decimal | None:
        """The exchange rate in force; None: there is none."""
        if (since, to) not in self._rates:
            self._rates[since, to] = exchange.rate_at(since, to, at=self.at)
        return self._rates[since, to]


def stocked(meters: Iterable[Meter], *, at: datetime) -> Stock:
    """The terms of these meters at an instant."""
    terms = price_terms.at({meter.pk for meter in meters}, at)
    lines = {
        line
        for term in terms.values()
        for line in (term.sheet_line_id, term.markup_line_id)
        if line is not None
    }
    made = SheetLine.objects.filter(id__in=lines).select_related("sheet") if lines else ()
    return Stock(at, terms, {line.pk: line.sheet.name for line in made})
