"""What was asked for: the query parameters of a request, each known, given once and readable."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from portal.api.fields import LARGEST_PAGE, PageSize


class Query(serializers.Serializer[Any]):
    """The parameters of a resource that has none. Whatever is sent and not known is refused."""

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """The values of the parameters given.

        Raises:
            ValidationError: names every parameter that is unknown, repeated or unreadable.
        """
        query = cls(data=request.query_params.dict())
        query.is_valid()
        faults = query._not_asked_well(request) | dict(query.errors)
        if faults:
            raise serializers.ValidationError(faults)
        values: dict[str, Any] = query.validated_data
        return values

    def _not_asked_well(self, request: Request) -> dict[str, list[str]]:
        known = ", ".join(sorted(self.fields)) or "none"
        faults = {}
        for name, values in request.query_params.lists():
            if name not in self.fields:
                faults[name] = [f"There is no such parameter here. There are: {known}."]
            elif len(values) > 1:
                faults[name] = ["Give it once."]
        return faults


class ListQuery(Query):
    """The parameters of every list."""

    cursor = serializers.CharField(
        required=False,
        max_length=1000,
        help_text="Where to go on, as the `next` of the page before has it.",
    )
    page_size = PageSize(
        default=100, help_text=f"Rows on a page: 1 to {LARGEST_PAGE}, 100 if not said."
    )


class Name(serializers.CharField):
    """A name or slug to filter by."""

    def __init__(self, help_text: str, **further: Any) -> None:
        super().__init__(required=False, max_length=300, help_text=help_text, **further)
