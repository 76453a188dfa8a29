"""What one provisioned throughput unit (PTU) serves, by model. Pure.

Not in the price list: Microsoft states it in its documentation, from which this table is copied.
A model that is not in it has no figure here; whoever estimates with it must state one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.rules.meters.meanings import Scope

SOURCE = "https://learn.microsoft.com/azure/foundry/openai/how-to/provisioned-throughput-sizing"
AS_OF = date(2026, 5, 21)


@dataclass(frozen=True, slots=True)
class Capacity:
    """How a model uses PTUs in a deployment type.

    ``input_tpm`` input tokens a minute are served by one PTU; an output token counts as
    ``output_weight`` of them, a cached one not at all. A deployment has ``minimum`` PTUs, or
    that and a multiple of ``increment``.
    """

    input_tpm: Decimal
    output_weight: Decimal
    minimum: int
    increment: int


@dataclass(frozen=True, slots=True)
class _Row:
    input_tpm: int
    output_weight: int
    wide: tuple[int, int] = (15, 5)
    regional: tuple[int, int] | None = (50, 50)


_SMALL = (25, 25)
#: Minimum and increment are for global and data zone deployments (wide), and for regional ones.
_ROWS: Mapping[str, _Row] = {
    "gpt-5.5": _Row(1_200, 6),
    "gpt-5.4": _Row(2_400, 6),
    "gpt-5.3-codex": _Row(3_400, 8),
    "gpt-5.2": _Row(3_400, 8),
    "gpt-5.2-codex": _Row(3_400, 8),
    "gpt-5.1": _Row(4_750, 8),
    "gpt-5.1-codex": _Row(4_750, 8),
    "gpt-5": _Row(4_750, 8),
    "gpt-5-mini": _Row(23_750, 8, regional=_SMALL),
    "gpt-4.1": _Row(3_000, 4),
    "gpt-4.1-mini": _Row(14_900, 4, regional=_SMALL),
    "gpt-4.1-nano": _Row(59_400, 4, regional=_SMALL),
    "o3": _Row(3_000, 4),
    "o4-mini": _Row(5_400, 4, regional=_SMALL),
    "gpt-4o": _Row(2_500, 4),
    "gpt-4o-mini": _Row(37_000, 4, regional=_SMALL),
    "o3-mini": _Row(2_500, 4, regional=_SMALL),
    "o1": _Row(230, 4, regional=(25, 50)),
    "llama-3.3-70b-instruct": _Row(8_450, 4, (100, 100), None),
    "deepseek-r1": _Row(4_000, 4, (100, 100), None),
    "deepseek-v3-0324": _Row(4_000, 4, (100, 100), None),
}
_WIDE = (Scope.GLOBAL, Scope.DATA_ZONE)
#: Beyond this prompt these models are not served by provisioned deployments.
LONGEST_PROMPT: Mapping[str, int] = dict.fromkeys(
    ("gpt-5.4", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano"), 128_000
)


def of(model: str, scope: Scope) -> Capacity | None:
    """Microsoft's figures for a model in a deployment of this scope; None where there are none."""
    row = _ROWS.get(model)
    sizes = row and (row.wide if scope in _WIDE else row.regional)
    if row is None or not sizes:
        return None
    return Capacity(Decimal(row.input_tpm), Decimal(row.output_weight), *sizes)
