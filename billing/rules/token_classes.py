"""The token classes. Disjoint: they sum to what a source reports, always. Pure.

What is sold by another unit than the token (a picture, a second of speech, a tool call) is a
class too, counted in whole units of its own: `unit` says which. Sums of tokens leave those out.
"""

from __future__ import annotations

from enum import StrEnum


class Unit(StrEnum):
    """What one of a class's quantity is."""

    TOKEN = "token"  # noqa: S105 - a unit, no secret
    IMAGE = "image"
    SECOND = "second"
    CHARACTER = "character"
    PAGE = "page"
    SEARCH = "search"
    SESSION = "session"
    CALL = "call"


class TokenClass(StrEnum):
    """What usage is counted by and priced by.

    ``long_…`` are the tokens of calls whose prompt is beyond the model's band of short context.
    The tokens of an embedding deployment are its input. Reasoning is written but not shown, and
    charged as output. Unclassified is what a source's total has beyond the classes it tells: no
    meter prices it, so that it is seen.
    """

    INPUT = "input"
    CACHED_INPUT = "cached_input"
    CACHE_WRITE = "cache_write"
    OUTPUT = "output"
    REASONING = "reasoning"
    LONG_INPUT = "long_input"
    LONG_CACHED_INPUT = "long_cached_input"
    LONG_CACHE_WRITE = "long_cache_write"
    LONG_OUTPUT = "long_output"
    AUDIO_INPUT = "audio_input"
    CACHED_AUDIO_INPUT = "cached_audio_input"
    AUDIO_OUTPUT = "audio_output"
    IMAGE_INPUT = "image_input"
    CACHED_IMAGE_INPUT = "cached_image_input"
    IMAGE_OUTPUT = "image_output"
    TRAINING = "training"
    IMAGES = "images"
    AUDIO_SECONDS = "audio_seconds"
    VIDEO_SECONDS = "video_seconds"
    CHARACTERS = "characters"
    PAGES = "pages"
    SEARCHES = "searches"
    SESSIONS = "sessions"
    CALLS = "calls"
    UNCLASSIFIED = "unclassified"

    @property
    def column(self) -> str:
        """The column of the usage table that holds its quantity, for the common ones."""
        if self not in COMMON:
            raise ValueError(f"{self} has no column of its own")
        return f"{self.value}_tokens"

    @property
    def unit(self) -> Unit:
        """What one of its quantity is."""
        return _UNITS.get(self, Unit.TOKEN)

    @property
    def label(self) -> str:
        return self.value.replace("_", " ")

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(member.value, member.label) for member in cls]


#: Those that have a column in the usage table. The others stand in a table of their own, a row
#: for each that occurs.
COMMON = (
    TokenClass.INPUT,
    TokenClass.CACHED_INPUT,
    TokenClass.OUTPUT,
    TokenClass.REASONING,
)

_UNITS = {
    TokenClass.IMAGES: Unit.IMAGE,
    TokenClass.AUDIO_SECONDS: Unit.SECOND,
    TokenClass.VIDEO_SECONDS: Unit.SECOND,
    TokenClass.CHARACTERS: Unit.CHARACTER,
    TokenClass.PAGES: Unit.PAGE,
    TokenClass.SEARCHES: Unit.SEARCH,
    TokenClass.SESSIONS: Unit.SESSION,
    TokenClass.CALLS: Unit.CALL,
}

#: The classes that are no tokens, for sums that leave them out.
NOT_TOKENS = tuple(sorted(one.value for one in _UNITS))
#: The class of a long call's tokens, by the class they would be of in a short one.
LONG = {
    TokenClass.INPUT: TokenClass.LONG_INPUT,
    TokenClass.CACHED_INPUT: TokenClass.LONG_CACHED_INPUT,
    TokenClass.CACHE_WRITE: TokenClass.LONG_CACHE_WRITE,
    TokenClass.OUTPUT: TokenClass.LONG_OUTPUT,
}
#: The class whose price is paid where a class has no meter of its own.
CHARGED_AS = {
    TokenClass.CACHED_INPUT: TokenClass.INPUT,
    TokenClass.CACHE_WRITE: TokenClass.INPUT,
    TokenClass.REASONING: TokenClass.OUTPUT,
    TokenClass.LONG_CACHED_INPUT: TokenClass.LONG_INPUT,
    TokenClass.LONG_CACHE_WRITE: TokenClass.LONG_INPUT,
    TokenClass.CACHED_AUDIO_INPUT: TokenClass.AUDIO_INPUT,
    TokenClass.CACHED_IMAGE_INPUT: TokenClass.IMAGE_INPUT,
}
