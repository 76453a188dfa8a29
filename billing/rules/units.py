"""Units of measure of the price list, as single units. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

#: ``1K``, ``1M``, ``100``, ``1 Hour``, ``1/Month``, ``10K``, ``1 GB/Month`` …
_FORM = re.compile(
    r"^\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<scale>[KMB])?(?:(?:\s+|\s*/\s*)[A-Za-z].*)?\s*$"
)
_SCALES = {None: 1, "K": 1_000, "M": 1_000_000, "B": 1_000_000_000}


def units_in(measure: str) -> Decimal | None:
    """How many single units a listed price is for: 1000 for ``1K``, 1 for ``1 Hour``.

    None where the text is not of a known form: such a price is held back, never guessed.
    """
    match = _FORM.match(measure)
    if match is None:
        return None
    count = Decimal(match["number"]) * _SCALES[match["scale"]]
    return count or None
