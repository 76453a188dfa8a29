"""The token classes of one call, out of what its provider calls usage. Pure.

Providers differ in what their totals include: OpenAI's prompt includes the cached tokens and its
completion the reasoning, Anthropic's input leaves out what the cache read and wrote. The event
says which, so that the classes become disjoint and sum to the total.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from billing.rules import context_bands
from billing.rules.token_classes import LONG, TokenClass


class Mismatch(NamedTuple):
    """A number that cannot be so beside the others: its field, and what to give."""

    field: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What an event tells of its tokens; audio and pictures are always within prompt and
    completion, cached audio within both the cached and the audio tokens of the prompt.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int | None = None
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_prompt_tokens: int = 0
    cached_audio_tokens: int = 0
    audio_completion_tokens: int = 0
    image_prompt_tokens: int = 0
    image_completion_tokens: int = 0
    prompt_includes_cached: bool = True
    completion_includes_reasoning: bool = True

    @property
    def prompt(self) -> int:
        """All that was sent, cached or not."""
        apart = 0 if self.prompt_includes_cached else self.cached_tokens + self.cache_write_tokens
        return self.prompt_tokens + apart

    @property
    def completion(self) -> int:
        """All that was written, shown or not."""
        apart = 0 if self.completion_includes_reasoning else self.reasoning_tokens
        return self.completion_tokens + apart

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """What cannot be so, in order."""
        return tuple(one for one in (self._prompt(), self._completion(), self._total()) if one)

    def classes(self) -> dict[TokenClass, int]:
        """Disjoint, none 0; they sum to the total, or to prompt and completion without one.

        For tokens without `mismatches`. Those of a call with a long prompt are the long classes.
        """
        told = self._short()
        if self.prompt > context_bands.LONGER_THAN:
            told = _long(told)
        beyond = (self.total_tokens or 0) - (self.prompt + self.completion)
        told[TokenClass.UNCLASSIFIED] = max(0, beyond)
        return {one: count for one, count in told.items() if count}

    def _short(self) -> dict[TokenClass, int]:
        audio = self.audio_prompt_tokens - self.cached_audio_tokens
        cached = self.cached_tokens + self.cache_write_tokens
        return {
            TokenClass.INPUT: self.prompt - cached - audio - self.image_prompt_tokens,
            TokenClass.CACHED_INPUT: self.cached_tokens - self.cached_audio_tokens,
            TokenClass.CACHE_WRITE: self.cache_write_tokens,
            TokenClass.CACHED_AUDIO_INPUT: self.cached_audio_tokens,
            TokenClass.AUDIO_INPUT: audio,
            TokenClass.IMAGE_INPUT: self.image_prompt_tokens,
            TokenClass.OUTPUT: self.completion
            - self.reasoning_tokens
            - self.audio_completion_tokens
            - self.image_completion_tokens,
            TokenClass.REASONING: self.reasoning_tokens,
            TokenClass.AUDIO_OUTPUT: self.audio_completion_tokens,
            TokenClass.IMAGE_OUTPUT: self.image_completion_tokens,
        }

    def _prompt(self) -> Mismatch | None:
        if self.cached_audio_tokens > min(self.cached_tokens, self.audio_prompt_tokens):
            fix = "It is part of cached_tokens and of audio_prompt_tokens: at most the lesser."
            return Mismatch("cached_audio_tokens", fix)
        parts = self.cached_tokens + self.cache_write_tokens
        parts += self.audio_prompt_tokens - self.cached_audio_tokens + self.image_prompt_tokens
        if parts <= self.prompt:
            return None
        fix = f"Its parts come to {parts}, more than the {self.prompt} of the prompt."
        if self.prompt_includes_cached and parts > self.prompt:
            fix += " Where cached tokens are counted beside it, say prompt_includes_cached: false."
        return Mismatch("prompt_tokens", fix)

    def _completion(self) -> Mismatch | None:
        parts = self.reasoning_tokens + self.audio_completion_tokens + self.image_completion_tokens
        if parts <= self.completion:
            return None
        fix = f"Its parts come to {parts}, more than the {self.completion} of the completion."
        if self.completion_includes_reasoning:
            fix += " Where reasoning is beside it, say completion_includes_reasoning: false."
        return Mismatch("completion_tokens", fix)

    def _total(self) -> Mismatch | None:
        whole = self.prompt + self.completion
        if self.total_tokens is None or self.total_tokens >= whole:
            return None
        fix = f"Prompt and completion come to {whole}. Give at least that, or leave it out."
        return Mismatch("total_tokens", fix)


def _long(told: Mapping[TokenClass, int]) -> dict[TokenClass, int]:
    """The classes of a long call; reasoning is charged as its output, and has no class there."""
    found: dict[TokenClass, int] = {}
    for one, count in told.items():
        short = TokenClass.OUTPUT if one is TokenClass.REASONING else one
        long = LONG.get(short, one)
        found[long] = found.get(long, 0) + count
    return found
