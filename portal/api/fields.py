"""How values are written in answers and read from questions."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenancy import periods
from tenancy.money import EXACT
from tenancy.periods import Period

#: What can be asked about: no clock of a gateway was ever set outside these.
EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)
LARGEST_PAGE = 500
_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
_INSTANT = re.compile(
    r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})\Z"
)
_DAY = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_MONTH = re.compile(r"\A[0-9]{4}-[0-9]{2}\Z")
_WHOLE = re.compile(r"\A[0-9]{1,9}\Z")


@extend_schema_field({"type": "string", "format": "decimal", "pattern": _DECIMAL})
class Exact(serializers.Field[Decimal, Any, str, Any]):
    """An unrounded number as text: every digit that counts, no exponent."""

    def to_representation(self, value: Decimal) -> str:
        return f"{EXACT.normalize(value):f}"


@extend_schema_field({"type": "string", "format": "decimal", "pattern": _DECIMAL})
class Rounded(serializers.Field[Decimal, Any, str, Any]):
    """An amount in the currency's smallest unit as text: ``12.30``."""

    def to_representation(self, value: Decimal) -> str:
        return f"{value:f}"


class _Asked(serializers.Field[Any, Any, Any, Any]):
    """A query parameter that is read by one function; what it cannot read is refused."""

    says = ""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return self.read(str(data))
        except (ValueError, OverflowError):
            raise serializers.ValidationError(self.says) from None

    def to_representation(self, value: Any) -> Any:
        return value

    def read(self, text: str) -> Any:
        """The value; a ValueError where the text has none."""
        raise NotImplementedError


@extend_schema_field({"type": "string", "format": "date-time"})
class Instant(_Asked):
    says = (
        "Give an instant with its offset, such as 2026-11-01T00:00:00Z; "
        "in an address a + is written %2B."
    )

    def read(self, text: str) -> datetime:
        _must(_INSTANT, text)
        instant = datetime.fromisoformat(text).astimezone(UTC)
        _in_range(instant.date())
        return instant


@extend_schema_field({"type": "string", "format": "date"})
class Day(_Asked):
    says = "Give a day between 2000 and 2199, such as 2026-11-01."

    def read(self, text: str) -> date:
        _must(_DAY, text)
        return _in_range(date.fromisoformat(text))


@extend_schema_field({"type": "string", "pattern": "^2[01][0-9]{2}-(0[1-9]|1[0-2])$"})
class Month(_Asked):
    """A calendar month, read as its first day."""

    says = "Give a month between 2000 and 2199, such as 2026-11."

    def read(self, text: str) -> date:
        _must(_MONTH, text)
        return _in_range(date.fromisoformat(f"{text}-01"))


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": 100})
class PageSize(_Asked):
    says = f"Give a whole number from 1 to {LARGEST_PAGE}."

    def read(self, text: str) -> int:
        _must(_WHOLE, text)
        if not 1 <= int(text) <= LARGEST_PAGE:
            raise ValueError(text)
        return int(text)


def month(key: str, zone: str) -> Period | None:
    """The billing month that an address names; None where it names none."""
    try:
        return periods.month_of_day(Month().read(key), zone)
    except ValueError:
        return None


def _must(form: re.Pattern[str], text: str) -> None:
    if not form.match(text):
        raise ValueError(text)


def _in_range(day: date) -> date:
    if not EARLIEST <= day < LATEST:
        raise ValueError(f"{day}")
    return day
