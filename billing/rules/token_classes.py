"""The token classes. Disjoint: they sum to what a source reports, always.

A new class is a member here, a column of the usage table, and a word in the meter vocabulary.
"""

from enum import StrEnum


class TokenClass(StrEnum):
    INPUT = "input"
    CACHED_INPUT = "cached_input"
    OUTPUT = "output"

    @property
    def column(self) -> str:
        """The column of the usage table that holds its quantity."""
        return f"{self.value}_tokens"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ")

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(member.value, member.label) for member in cls]
