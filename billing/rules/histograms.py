"""Histograms that can be added: how long calls took, and how long their prompts were. Pure.

Fixed bins, so that the sum of two histograms is the histogram of both, over any range. A
quantile is interpolated within its bin: it is off by less than the bin's width, and what lies in
the last bin is given as its lower bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

#: How many bins each has, the last without an upper bound.
BINS = 16


@dataclass(frozen=True, slots=True)
class Scale:
    """The bins of one measure: bin i holds values up to and including ``bounds[i]``."""

    name: str
    unit: str
    bounds: tuple[int, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the usage table, in the order of the bins."""
        return tuple(f"{self.name}_{bin}" for bin in range(BINS))

    def bin_of(self, value: int) -> int:
        """The bin of a value."""
        return next((at for at, bound in enumerate(self.bounds) if value <= bound), BINS - 1)

    def percentile(self, counts: Sequence[int], percent: int) -> int | None:
        """The value that ``percent`` of what was counted do not exceed; None of nothing."""
        total = sum(counts)
        if total == 0:
            return None
        # In hundredths of what was counted, so that nothing is rounded before the end.
        wanted = percent * total
        for bin, upto in enumerate(accumulate(counts)):
            if 100 * upto >= wanted and counts[bin]:
                return self._within(bin, wanted - 100 * (upto - counts[bin]), 100 * counts[bin])
        return self.bounds[-1]

    def _within(self, bin: int, part: int, whole: int) -> int:
        low = self.bounds[bin - 1] if bin else 0
        high = self.bounds[bin] if bin < len(self.bounds) else low
        return low + (high - low) * max(0, part) // whole


LATENCY = Scale(
    "latency",
    "ms",
    (
        100, 200, 350, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 30_000,
        60_000,
    ),
)  # fmt: skip
PROMPTS = Scale(
    "prompts",
    "tokens",
    (
        64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144,
        524_288, 1_048_576,
    ),
)  # fmt: skip


def added(histograms: Iterable[Sequence[int]]) -> list[int]:
    """The histogram of all of them."""
    total = [0] * BINS
    for counts in histograms:
        for bin, count in enumerate(counts):
            total[bin] += count
    return total
