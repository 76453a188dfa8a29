"""`Idempotency-Key`: sent again after a lost answer, a request is made once."""

from __future__ import annotations

import re

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from governance.front_door.keys import Key

HEADER = "Idempotency-Key"
LONGEST = 255
_FORM = re.compile(r"[!-~]{1,255}")

#: How the schema describes it.
PARAMETER = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=f"Of your choice, such as a UUID; 1 to {LONGEST} visible ASCII characters. With the"
    " same key and body again, the answer tells what the first one made (200); with another body"
    " it is refused (409).",
)


def key_of(request: Request) -> Key | None:
    """The key that came with a request's body; None where none did.

    Raises:
        ValidationError: it is none.
    """
    text = request.headers.get(HEADER)
    if text is None:
        return None
    if not _FORM.fullmatch(text):
        fix = f"Give 1 to {LONGEST} visible ASCII characters, such as a UUID."
        raise serializers.ValidationError({HEADER: [fix]})
    return Key.of(text, request.data)
