"""Bodies of JSON as JSON is defined: what Python would let pass, guess or choke on is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from tenancy.refusals import Refused

MOST_BYTES = 1_000_000


class BodyTooLarge(Refused):
    code = "too-large"
    status = 413
    text = "Send at most {most} bytes."


class StrictJson(BaseParser):
    """JSON in UTF-8 without names given twice, NaN or Infinity, not too deep and not too large."""

    media_type = "application/json"
    #: The largest body that is read.
    most_bytes: ClassVar[int] = MOST_BYTES

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body: bytes = stream.read(self.most_bytes + 1)
        if len(body) > self.most_bytes:
            raise BodyTooLarge(most=self.most_bytes)
        try:
            return json.loads(
                body.decode(), object_pairs_hook=_object, parse_constant=_no_such_number
            )
        except RecursionError:
            raise ParseError("Send what is described: this is nested too deep.") from None
        except UnicodeDecodeError as error:
            raise ParseError(f"Send JSON in UTF-8: byte {error.start + 1} is not.") from None
        except ValueError as error:
            raise ParseError(f"Send well-formed JSON: {error}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = sorted({name for name in names if names.count(name) > 1})
        raise serializers.ValidationError({name: ["Give it once."] for name in doubled})
    return told


def _no_such_number(text: str) -> None:
    raise ParseError(f"Send well-formed JSON: {text} is no number there.")
