"""Reads the names of text-token meters: model, token class, scope. Pure.

The list's names are written by hand: ``GPT 5.2 chat opt Gl 1M Tokens``, ``gpt 4.1 mini Inp
regnl Tokens``, ``GPT 5 Nano cchd Inpt Glbl 1M Tokens``. Every word must be known and have one
meaning here; a name with any other word is *unread*, never matched to the nearest. Batch,
priority, audio, image and fine-tuning meters are other prices than pay-as-you-go text tokens
and are told apart by their words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from billing.rules.token_classes import TokenClass


class Scope(StrEnum):
    GLOBAL = "global"
    DATA_ZONE = "data zone"
    REGIONAL = "regional"


class Tier(StrEnum):
    STANDARD = "standard"
    BATCH = "batch"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True)
class TokenMeter:
    """What a name says: whose tokens of which class it prices, and how they are served."""

    model: str
    token_class: TokenClass
    scope: Scope
    tier: Tier


Meaning = TypeVar("Meaning")

#: Product names whose bare leading numbers are OpenAI's models; elsewhere they are others'.
OPENAI_PRODUCTS = frozenset({"Azure OpenAI", "Azure OpenAI GPT5", "Azure OpenAI Reasoning"})

_INPUT = frozenset({"in", "inp", "inpt", "input"})
_OUTPUT = frozenset({"out", "outp", "outpt", "opt", "output"})
_CACHED = frozenset({"cd", "cchd", "cached", "cched", "ccchd"})
_SCOPES = {
    **dict.fromkeys(("gl", "glbl", "global", "glb"), Scope.GLOBAL),
    **dict.fromkeys(("dz", "dzn", "dzone", "datazone"), Scope.DATA_ZONE),
    **dict.fromkeys(("regnl", "rgnl", "regn", "rg", "regional"), Scope.REGIONAL),
}
_TIERS = {"batch": Tier.BATCH, "pp": Tier.PRIORITY}
_NOUN = re.compile(r"\s*(1m|tkn)?\s*tokens\s*$")
_MODEL = re.compile(
    r"^(gpt-?)?(?P<number>\d+(\.\d+)?|4o)"
    r"(-(?P<kind>mini|nano|pro|chat|codex|codex-mini|codex-max))?$"
)


def read(product_name: str, meter_name: str) -> TokenMeter | None:
    """What the name of a meter says, or None where any word of it is not understood."""
    if product_name not in OPENAI_PRODUCTS or not _NOUN.search(meter_name.lower()):
        return None
    words = _words(meter_name)
    token_class = _token_class(words)
    scope = _only(words, _SCOPES)
    tier = _only(words, _TIERS)
    model = _model(words)
    if token_class is None or model is None or scope is None:
        return None
    return TokenMeter(model, token_class, scope, tier or Tier.STANDARD)


def _words(meter_name: str) -> list[str]:
    text = _NOUN.sub("", meter_name.lower()).replace("data zone", "dz")
    return [word for word in re.split(r"[\s_-]+", text) if word]


def _token_class(words: list[str]) -> TokenClass | None:
    """The class, its words taken out; None unless exactly one direction is named."""
    inputs, outputs = _take(words, _INPUT), _take(words, _OUTPUT)
    cached = _take(words, _CACHED)
    match (inputs, outputs, cached):
        case (1, 0, 0):
            return TokenClass.INPUT
        case (1, 0, 1):
            return TokenClass.CACHED_INPUT
        case (0, 1, 0):
            return TokenClass.OUTPUT
        case _:
            return None


def _take(words: list[str], known: frozenset[str]) -> int:
    found = [word for word in words if word in known]
    words[:] = [word for word in words if word not in known]
    return len(found)


def _only(words: list[str], meanings: dict[str, Meaning]) -> Meaning | None:
    """The one meaning among the words, which are taken out; None for none or for two."""
    found = {meanings[word] for word in words if word in meanings}
    words[:] = [word for word in words if word not in meanings]
    return found.pop() if len(found) == 1 else None


def _model(words: list[str]) -> str | None:
    """What is left must be a model and nothing else: ``gpt-5.2-chat``."""
    match = _MODEL.match("-".join(words))
    if match is None:
        return None
    return "-".join(part for part in ("gpt", match["number"], match["kind"]) if part)
