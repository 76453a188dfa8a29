"""Which readings say exactly what a deployment serves. Pure.

Only standard text tokens are matched: batch, priority, tuned, audio and provisioned meters are
other ways to use a model than a deployment's plain calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from billing.rules.meters.meanings import Context, Scope, Tier
from billing.rules.meters.reading import Reading
from billing.rules.token_classes import TokenClass

Of = TypeVar("Of")

#: Bands that say the size of an old model: several of its versions have it, at other prices.
_SIZES = frozenset({Context.K4, Context.K8, Context.K16, Context.K32, Context.K128})


@dataclass(frozen=True, slots=True)
class Served:
    """What a deployment serves: Azure's model and version (``2025-12-11``), and its scope."""

    model: str
    version: str
    scope: Scope


def matches(
    served: Served, readings: Iterable[tuple[Of, Reading]]
) -> Mapping[TokenClass, list[Of]]:
    """For each token class, whose reading says it exactly, in the order given.

    Where names carry the deployment's own snapshot, those alone match; a name without a
    snapshot matches any version else. Bands of long and short context both match: which of
    them a call fell into, the usage does not say.
    """
    fitting = [(of, says) for of, says in readings if _fits(served, says)]
    dated = [(of, says) for of, says in fitting if says.version]
    found: dict[TokenClass, list[Of]] = {token_class: [] for token_class in TokenClass}
    for of, says in dated or fitting:
        if says.token_class:
            found[says.token_class].append(of)
    return found


def _fits(served: Served, says: Reading) -> bool:
    return (
        says.token_class is not None
        and says.model == served.model.lower()
        and (says.scope, says.tier) == (served.scope, Tier.STANDARD)
        and not says.marks
        and _is_version(says, served.version)
    )


def _is_version(says: Reading, version: str) -> bool:
    """Whether the name's snapshot, if any, is this version: ``0210`` is ``2026-02-10``."""
    if says.version is None:
        return says.context not in _SIZES
    digits = version.replace("-", "")
    if len(digits) == len("YYYYMMDD"):
        year, day = digits[:4], digits[4:]
        return says.version in (day, day + year)
    return says.version == digits
