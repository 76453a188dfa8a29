"""What is read of the two lists, as the tables of docs/meter-names.md.

``python -m tests.rules.meters.coverage`` writes them there; a test holds them true.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from billing.rules.meters import products, vocabulary
from billing.rules.meters.reading import Reading, Unread, read
from tests.rules.meters.labels import all_labels, said_by
from tests.rules.meters.lists import Meter, PriceList, all_meters, meters

PAGE = Path(__file__).resolve().parents[3] / "docs" / "meter-names.md"


@dataclass(frozen=True, slots=True)
class Share:
    """How many meters are read, of how many."""

    read: int
    total: int

    def __str__(self) -> str:
        if not self.total:
            return "–"
        return f"{self.read} of {self.total}"


def in_scope() -> frozenset[Meter]:
    """The meters of both lists whose product sells models."""
    return frozenset(meter for meter in all_meters() if products.find(meter.product))


def reading(meter: Meter) -> Reading | Unread:
    """What the meter's name says."""
    return read(meter.product, meter.name, unit_of_measure=meter.unit)


def unread() -> dict[Meter, Unread]:
    """The meters of model products that are not read, and why."""
    found = {meter: reading(meter) for meter in sorted(in_scope())}
    return {meter: says for meter, says in found.items() if isinstance(says, Unread)}


def share(price_list: PriceList, product: str | None = None) -> Share:
    """How much of a list's model products, or of one of them, is read."""
    those = [
        meter
        for meter in meters(price_list) & in_scope()
        if product is None or meter.product == product
    ]
    return Share(sum(isinstance(reading(meter), Reading) for meter in those), len(those))


def blocks() -> dict[str, str]:
    """The generated parts of the page, by name."""
    return {
        "coverage": _coverage(),
        "unread": _unread(),
        "elsewhere": _elsewhere(),
        "vocabulary": _vocabulary(),
    }


def written(page: str) -> str:
    """The page with its generated parts as they are now."""
    for name, text in blocks().items():
        opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = page.partition(opening)
        _, _, after = rest.partition(closing)
        page = f"{before}{opening}\n\n{text}\n\n{closing}{after}"
    return page


def _coverage() -> str:
    labelled, wrong = _judged()
    rows = [
        "| Product | August 2025 | August 2026 | Labelled by hand | Read wrongly |",
        "|---|---|---|---|---|",
    ]
    for product in sorted({meter.product for meter in in_scope()}):
        shares = [str(share(price_list, product)) for price_list in PriceList]
        rows.append(_row(product, *shares, str(labelled[product]), str(wrong[product])))
    totals = [str(share(price_list)) for price_list in PriceList]
    sums = [sum(judged[meter] for meter in judged) for judged in (labelled, wrong)]
    rows.append(_row("**All**", *totals, *map(str, sums)))
    return "\n".join(rows)


def _judged() -> tuple[dict[str, int], dict[str, int]]:
    """Labels by product, and those that the reading contradicts."""
    labelled: dict[str, int] = defaultdict(int)
    wrong: dict[str, int] = defaultdict(int)
    for item in all_labels():
        if products.find(item.product):
            labelled[item.product] += 1
            says = said_by(read(item.product, item.name, unit_of_measure=item.unit))
            wrong[item.product] += says != item.label
    return labelled, wrong


def _unread() -> str:
    rows = ["| Product | Meter | Why |", "|---|---|---|"]
    rows += [
        _row(meter.product, f"`{meter.name}`", f"{says.why}: {says.because}")
        for meter, says in unread().items()
    ]
    return "\n".join(rows)


def _elsewhere() -> str:
    names = sorted({meter.product for meter in all_meters() - in_scope()})
    return "; ".join(names) + "."


def _vocabulary() -> str:
    rows = ["| Slot | Meaning | Spellings | Note |", "|---|---|---|---|"]
    rows += [
        _row(entry.slot, entry.meaning, f"`{entry.spellings}`", entry.note)
        for entry in vocabulary.COMMON
    ]
    for anchor, entries in vocabulary.ASIDES.items():
        rows += [
            _row(
                f"{entry.slot}, beside `{anchor}`",
                entry.meaning,
                f"`{entry.spellings}`",
                entry.note,
            )
            for entry in entries
        ]
    return "\n".join(rows)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
