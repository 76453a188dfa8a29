"""Instants, intervals, whole numbers and plain names into a literal KQL text; nothing else enters.

A name is of an alphabet that has neither quote nor backslash nor line end: there is nothing in it
that could end its literal.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from connectors.failures import BadQuery, Service

#: Texts that may enter: letters, digits, spaces and _.:-, beginning with a letter or a digit.
TEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:-]{0,62}")
_HOLE = re.compile(r"\{([A-Za-z_]\w*)\}")


def render(
    template: str,
    *,
    start: datetime,
    end: datetime,
    bucket: timedelta,
    numbers: Mapping[str, int] | None = None,
    texts: Mapping[str, str] | None = None,
) -> str:
    """``template`` with ``{start}``, ``{end}``, ``{bucket}``, named numbers and texts as literals.

    A hole of any other name is a BadQuery, and so is a naive instant, an interval that is not
    whole minutes, or a text that is not plain.
    """
    literals = {name: _whole(name, value) for name, value in (numbers or {}).items()}
    literals |= {name: text(name, value) for name, value in (texts or {}).items()}
    literals |= {"start": instant(start), "end": instant(end), "bucket": interval(bucket)}

    def fill(hole: re.Match[str]) -> str:
        name = hole.group(1)
        if name not in literals:
            raise _refused(f"The query has a hole '{{{name}}}' that nothing may fill.")
        return literals[name]

    return _HOLE.sub(fill, template)


def instant(at: datetime) -> str:
    """An aware instant as ``datetime(2026-11-20T14:20:00Z)``, in UTC."""
    if at.tzinfo is None or at.utcoffset() is None:
        raise _refused(f"The instant {at.isoformat()} has no time zone.")
    return f"datetime({at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z)"


def interval(length: timedelta) -> str:
    """A positive interval of whole minutes as ``30m``."""
    minutes, rest = divmod(length, timedelta(minutes=1))
    if rest or minutes <= 0:
        raise _refused(f"The interval {length} is not a whole number of minutes.")
    return f"{minutes}m"


def text(name: str, value: str) -> str:
    """A plain text as ``"…"``; ``name`` says whose it is if it is none."""
    if type(value) is not str or TEXT.fullmatch(value) is None:
        raise _refused(
            f"The value of '{name}' is not plain: letters, digits, spaces or _.:-, at most 63."
        )
    return f'"{value}"'


def _whole(name: str, value: int) -> str:
    if type(value) is not int:
        raise _refused(f"The value of '{name}' is not a whole number.")
    return str(value)


def _refused(says: str) -> BadQuery:
    return BadQuery(says, service=Service.LOG_ANALYTICS)
